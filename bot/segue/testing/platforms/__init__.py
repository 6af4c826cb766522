"""Stand-ins of the platforms, for tests and for the demo: real HTTP on this machine, no accounts.

Each checks what it is sent as strictly as the real one (signatures, tokens, sizes, markup, rate
buckets), answers with the real one's error bodies, delivers webhooks with its schedule of retries,
and keeps a ledger. Point a channel's `api_base` at one, and its webhooks at your bot.

base         what they share: server, ledger, faults, buckets, webhooks with retries
slack        a workspace: Web API, Events API, interactivity, commands, Socket Mode
telegram     a Bot API server: updates by webhook or asked for, HTML, keyboards, files
twilio       an account for SMS and WhatsApp: Messages API, webhooks, receipts, people's phones
"""

from segue.testing.platforms.base import Buckets, Call, Fault, Hook, Platform
from segue.testing.platforms.slack import Slack
from segue.testing.platforms.telegram import Telegram
from segue.testing.platforms.twilio import Twilio

__all__ = ["Buckets", "Call", "Fault", "Hook", "Platform", "Slack", "Telegram", "Twilio"]
