"""What `segue doctor` asks Twilio, and what `--fix` sets there: the address that is called."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from segue.channel import Checked
from segue_adapters.twilio_api import Api, Fields, NoAnswer
from segue_adapters.twilio_settings import TwilioSettings


async def checked(
    api: Api, settings: TwilioSettings, where: str, *, fix: bool, sets: bool
) -> Sequence[Checked]:
    """Return what was found. `where` is our webhook; `sets`: it can be read and set by the API."""
    try:
        account = await api.ask(f"{api.account}.json")
    except NoAnswer as error:
        cure = (
            "Copy Account SID and Auth Token from the Console's first page"
            if error.status in (401, 403, 404)
            else "Look whether this machine reaches api_base"
        )
        return [_wrong(f"Twilio refuses the account or cannot be reached ({error.why})", cure)]
    status = account.get("status")
    if status != "active":
        return [_wrong(f"the account is {status}", "Open the Console, it says what is to be done")]
    found = [Checked(level="ok", found=f"the account is {status} ({account.get('type')})")]
    if not where:
        cure = "Set server.public_url or webhook_base_url to where Twilio reaches this server"
        found.append(_wrong("Twilio has no address to call", cure))
        return found
    if not sets:
        cure = f"In the Console, under the WhatsApp sender, set the webhook to {where}"
        found.append(
            Checked(
                level="warning", found="a WhatsApp sender's webhook is not looked at", cure=cure
            )
        )
        return found
    try:
        found += await _webhook(api, settings, where, fix=fix)
    except NoAnswer as error:
        found.append(_wrong(f"the webhook could not be looked at ({error.why})", "Try again later"))
    return found


async def _webhook(api: Api, settings: TwilioSettings, where: str, *, fix: bool) -> list[Checked]:
    service = settings.messaging_service_sid
    if service:
        url, kind = f"{settings.messaging_base}/v1/Services/{service}", "the Messaging Service"
        there = await api.ask(url)
        now = there.get("inbound_request_url")
        if there.get("use_inbound_webhook_on_number"):
            now = "the address of each number"
        wanted: Fields = (
            ("InboundRequestUrl", where),
            ("InboundMethod", "POST"),
            ("UseInboundWebhookOnNumber", "false"),
        )
    else:
        number = await _number(api, settings)
        if number is None:
            cure = "Set from_number to one that the Console lists under Phone Numbers"
            return [_wrong("from_number is none of this account's numbers", cure)]
        url = f"{api.account}/IncomingPhoneNumbers/{number.get('sid')}.json"
        kind, now = "the number", number.get("sms_url")
        wanted = (("SmsUrl", where), ("SmsMethod", "POST"))
    if now == where:
        return [Checked(level="ok", found=f"{kind} calls {where}")]
    if not fix:
        cure = f"Run segue doctor --fix, or set it to {where} in the Console"
        return [_wrong(f"{kind} calls {now or 'nobody'}", cure)]
    await api.ask(url, wanted, method="POST")
    return [Checked(level="ok", found=f"{kind} called {now or 'nobody'}; now it calls {where}")]


async def _number(api: Api, settings: TwilioSettings) -> dict[str, Any] | None:
    asked = (("PhoneNumber", settings.from_number),)
    page = await api.ask(f"{api.account}/IncomingPhoneNumbers.json", asked)
    for each in page.get("incoming_phone_numbers", ()):
        if isinstance(each, dict) and each.get("phone_number") == settings.from_number:
            return each
    return None


def _wrong(found: str, cure: str) -> Checked:
    return Checked(level="error", found=found, cure=cure)
