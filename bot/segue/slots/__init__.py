"""Slots: values that dialogs need, and how to read them from what people write.

base       what a slot is
text       Text, Integer, integer(least=…, most=…)
yes_no     YesNo
choice     Choice(options)
pattern    slot(r"…") and slots with a parser of one's own
tidy       what people put around an answer
"""

from segue.slots.base import Nearly, NoValue, Slot, SlotContext, SlotReading, Value
from segue.slots.choice import Choice
from segue.slots.date import Date, date_slot
from segue.slots.email import Email
from segue.slots.pattern import slot
from segue.slots.postcode import Postcode
from segue.slots.text import Integer, Text, integer
from segue.slots.yes_no import YesNo

__all__ = [
    "Choice",
    "Date",
    "Email",
    "Integer",
    "Nearly",
    "NoValue",
    "Postcode",
    "Slot",
    "SlotContext",
    "SlotReading",
    "Text",
    "Value",
    "YesNo",
    "date_slot",
    "integer",
    "slot",
]
