"""What `segue doctor` says of a Telegram bot, and what `--fix` sets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from telegram.error import TelegramError

from segue.channel import Checked
from segue_adapters.telegram_api import Api, Refusal
from segue_adapters.telegram_polling import KINDS
from segue_adapters.telegram_settings import TelegramSettings

_RECENT = timedelta(hours=1)


async def look(
    api: Api, settings: TelegramSettings, public_url: str, *, fix: bool, now: datetime
) -> list[Checked]:
    """Check the token and how updates come in; with `fix` set it right, and say so."""
    try:
        me = await api.bot.get_me()
    except Refusal as error:
        if error.status in (401, 404):
            return [_wrong("Telegram refuses the token", "Ask @BotFather for it with /token")]
        return [_wrong(f"Telegram answers with {error.status}", "Try again in a moment")]
    except TelegramError:
        where = "at api_base" if settings.is_stand_in else "at Telegram"
        return [_wrong(f"nothing answers {where}", "Is there a way out to the internet?")]
    found = [Checked(level="ok", found=f"the token belongs to @{me.username}")]
    try:
        if settings.polls(public_url):
            found += await _polling(api, fix=fix)
        else:
            found += await _webhook(api, settings, public_url, fix=fix, now=now)
    except TelegramError as error:
        said = error.description if isinstance(error, Refusal) else type(error).__name__
        found.append(_wrong(f"Telegram did not take it: {said}", "Mend what it says"))
    return found


async def _polling(api: Api, *, fix: bool) -> list[Checked]:
    info = await api.bot.get_webhook_info()
    if not info.url:
        return [Checked(level="ok", found="updates are asked for (long polling)")]
    if not fix:
        return [
            _wrong(
                "a webhook is set, so nothing can be asked for",
                "segue doctor --fix takes it away, if no other bot of yours uses it",
            )
        ]
    await api.bot.delete_webhook(drop_pending_updates=False)
    return [Checked(level="ok", found="took the webhook away: updates are asked for now")]


async def _webhook(
    api: Api, settings: TelegramSettings, public_url: str, *, fix: bool, now: datetime
) -> list[Checked]:
    if not public_url:
        return [
            _wrong(
                "Telegram cannot call a server without a public address",
                'Set server.public_url, or channels.telegram.mode = "polling"',
            )
        ]
    wanted = webhook_url(settings, public_url)
    info = await api.bot.get_webhook_info()
    found = []
    if fix:
        # Also where the address is right: whether the secret is, Telegram does not tell.
        await set_webhook(api, settings, public_url)
        found.append(Checked(level="ok", found=f"set the webhook {wanted}"))
    elif info.url != wanted:
        is_set = "another webhook is set" if info.url else "no webhook is set"
        return [_wrong(is_set, f"segue doctor --fix sets {wanted}")]
    else:
        found.append(Checked(level="ok", found=f"Telegram calls {wanted}"))
    if info.pending_update_count:
        found.append(Checked(level="ok", found=f"{info.pending_update_count} updates wait there"))
    at = info.last_error_date
    if at is not None and now - at.astimezone(UTC) < _RECENT:
        found.append(
            Checked(
                level="warning",
                found=f"the last delivery failed: {info.last_error_message}",
                cure="Is the server reachable from outside, with a certificate that is valid?",
            )
        )
    return found


async def set_webhook(api: Api, settings: TelegramSettings, public_url: str) -> None:
    """Tell Telegram where to call. Raises `TelegramError`."""
    await api.bot.set_webhook(
        webhook_url(settings, public_url),
        secret_token=settings.secret,
        allowed_updates=KINDS,
        max_connections=settings.connections,
        drop_pending_updates=False,
    )


def webhook_url(settings: TelegramSettings, public_url: str) -> str:
    """Return where Telegram is to call."""
    return f"{public_url.rstrip('/')}{settings.path}"


def _wrong(found: str, cure: str) -> Checked:
    return Checked(level="error", found=found, cure=cure)
