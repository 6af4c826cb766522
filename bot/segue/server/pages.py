"""Pages that people see in a browser: their security headers, and a nonce for their scripts."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from segue.ports import SystemIds


def page_headers(
    nonce: str,
    *,
    connect: Sequence[str] = (),
    images: Sequence[str] = (),
    frame_ancestors: Sequence[str] = (),
) -> dict[str, str]:
    """Return the headers of a page whose scripts and styles carry `nonce`.

    `connect`, `images` and `frame_ancestors` are further origins beside the page's own.
    """
    policy = {
        "default-src": ["'self'"],
        "script-src": ["'self'", f"'nonce-{nonce}'"],
        "style-src": ["'self'", f"'nonce-{nonce}'"],
        "img-src": ["'self'", "data:", *images],
        "connect-src": ["'self'", *connect],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": list(frame_ancestors) or ["'none'"],
    }
    headers = {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": "; ".join(
            f"{name} {' '.join(sources)}" for name, sources in policy.items()
        ),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
        "Cache-Control": "no-store",
    }
    if not frame_ancestors:
        headers["X-Frame-Options"] = "DENY"
    return headers


def new_nonce() -> str:
    """Return a nonce: 128 bits, for one answer."""
    return SystemIds().new()


def page(html: str, nonce: str, *, status: int = 200) -> web.Response:
    """Return a page. `html` has escaped what it shows."""
    return web.Response(status=status, body=html.encode(), headers=page_headers(nonce))
