"""Files over HTTP: what visitors send, and the widget."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

from aiohttp import web

from segue_adapters.limits import Buckets
from segue_adapters.static import widget_script
from segue_adapters.web_door import Door, ended, no_session, peer_of, too_fast
from segue_adapters.web_media import TYPES, MediaStore, TooLarge, UnknownKind
from segue_adapters.web_payload import Refusal, encode
from segue_adapters.web_visitors import Visitors

_CHUNK = 64 * 1024
_NAMES = {"image/jpg": "image/jpeg", "application/octet-stream": "", "": ""}

_SERVED = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    # The widget shows photos on the host's pages, which are another origin.
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "private, max-age=3600",
}


async def take_upload(
    request: web.Request,
    visitors: Visitors,
    uploads: Buckets,
    limit: int,
    headers: Mapping[str, str],
) -> web.Response:
    """Store the body of a request as a photo or file of the visitor. Raises `Refusal`."""
    door: Door = visitors.door
    session, _ = door.session(request)
    if session is None:
        raise no_session()
    door.unpacked(request)
    size = request.content_length
    if size is not None and size > limit:
        raise _too_large(limit)
    declared = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    declared = _NAMES.get(declared, declared)
    if declared and declared not in TYPES.values():
        raise _unknown_kind()
    if wait := uploads.take(session.customer):
        raise too_fast(wait)
    door.message(session.customer, peer_of(request))
    if not await visitors.still(session):
        raise ended()
    try:
        media = await visitors.media.keep(session.customer, _chunks(request), declared)
    except TooLarge:
        raise _too_large(limit) from None
    except UnknownKind:
        raise _unknown_kind() from None
    visitors.counts["media", "kept"] += 1
    body = encode({"ref": media.ref, "url": visitors.media.url(media.ref), "kind": media.kind})
    return web.Response(status=201, body=body, headers=headers)


async def _chunks(request: web.Request) -> AsyncIterator[bytes]:
    async for chunk in request.content.iter_chunked(_CHUNK):
        yield chunk


def _too_large(limit: int) -> Refusal:
    return Refusal(413, "media_too_large", f"A photo or file may have at most {limit} bytes.")


def _unknown_kind() -> Refusal:
    return Refusal(415, "media_kind", "Only PNG, JPEG, GIF, WebP and PDF files can be sent.")


def give_file(request: web.Request, media: MediaStore) -> web.StreamResponse:
    """Serve what a signed link points to. Raises `Refusal`."""
    query = request.query
    ref = f"{request.match_info['folder']}/{request.match_info['name']}"
    found = media.opened(ref, query.get("e", ""), query.get("s", ""))
    if found is None or not found[0].is_file():
        raise Refusal(404, "media_link", "This link does not work, or not any more.")
    file, content_type = found
    return web.FileResponse(
        file,
        headers={
            **_SERVED,
            "Content-Type": content_type,
            "Content-Disposition": f'attachment; filename="file{file.suffix}"',
        },
    )


def give_widget(request: web.Request) -> web.Response:
    """Serve the widget's script; any site may load it, only the allowed ones can talk with it."""
    script = widget_script()
    headers = {
        "Content-Type": "text/javascript; charset=utf-8",
        "Cache-Control": "public, max-age=300, stale-while-revalidate=86400",
        "ETag": script.etag,
        "Vary": "Accept-Encoding",
        "X-Content-Type-Options": "nosniff",
        "Access-Control-Allow-Origin": "*",
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    known = request.headers.get("If-None-Match", "")
    if script.etag in [tag.strip().removeprefix("W/") for tag in known.split(",")]:
        return web.Response(status=304, headers=headers)
    if "gzip" in request.headers.get("Accept-Encoding", "").lower():
        headers["Content-Encoding"] = "gzip"
        return web.Response(body=script.gzipped, headers=headers)
    return web.Response(body=script.body, headers=headers)
