"""The way to each channel, for a link code: what an adapter says of itself."""

from __future__ import annotations

import pytest

from segue.channel import Inviting
from segue_adapters.sms import SmsChannel, SmsSettings
from segue_adapters.telegram import TelegramChannel, TelegramSettings
from segue_adapters.whatsapp import WhatsAppChannel, WhatsAppSettings

TOKEN, CODE = "a" * 43, "K7QM-2D9X"
ACCOUNT = {"account_sid": "AC" + "0" * 32, "auth_token": "t" * 32, "from_number": "+15005550006"}


def test_telegram_is_opened_with_the_token() -> None:
    """`t.me/NAME?start=TOKEN`; while the bot's name is not known, only the code can be typed."""
    channel = TelegramChannel(TelegramSettings(token="123456:" + "a" * 35, secret_token="s" * 20))
    assert isinstance(channel, Inviting)
    assert channel.invite(TOKEN, CODE).link == ""
    channel._bot = type(channel._bot)(id=1, username="tarnwood_bot")
    invited = channel.invite(TOKEN, CODE)
    assert invited.link == f"https://t.me/tarnwood_bot?start={TOKEN}"
    assert invited.number == "@tarnwood_bot"


@pytest.mark.parametrize(
    ("channel", "link"),
    [
        (SmsChannel(SmsSettings(**ACCOUNT)), "sms:+15005550006?body=JOIN%20K7QM-2D9X"),
        (
            WhatsAppChannel(WhatsAppSettings(**ACCOUNT)),
            "https://wa.me/15005550006?text=JOIN%20K7QM-2D9X",
        ),
    ],
)
def test_a_phone_is_opened_with_the_words(channel: SmsChannel | WhatsAppChannel, link: str) -> None:
    """The phone's own app opens with the code written, to be sent."""
    assert isinstance(channel, Inviting)
    invited = channel.invite(TOKEN, CODE)
    assert (invited.link, invited.number) == (link, "+15005550006")
