"""What happened in a turn, as a plain sentence in the reader's language.

A sentence is a list of parts: `["t", "Read the answer to "]` is ours, `["v", "order", "ask_order"]`
is a value with the name it has in the code (empty where it has none). Parts, not markup: what a
customer wrote is shown as text, whatever it looks like.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

Part: TypeAlias = tuple[str, ...]
Titles: TypeAlias = Callable[[str, str], str]
"""(intent, locale) → its title in the voice, or empty."""

SENTENCES: Final[dict[str, dict[str, str]]] = {
    "en": {
        "routed.examples": "Took this for {intent}: it is close to that one's examples ({score}).",
        "routed.pattern": "Took this for {intent}: it is that one's exact command.",
        "routed.button": "Started {intent}, because its button was pressed.",
        "routed.sure": "Took this for {intent}.",
        "routed.answer": "Answered from the answers without code: {intent} ({score}).",
        "routed.unsure": "Not sure between {between}, so it asked.",
        "routed.lost": "Did not understand, said so, and started nothing.",
        "understood.question": "Read the answer to {question}.",
        "understood.value": "Read {value} as the answer to {question}.",
        "understood.correction": "Took this as a correction of {question}, and kept the rest.",
        "understood.order": "Heard {order}, one of the words that always work.",
        "missed": "Could not read this as an answer to {question}. Try {tries}.",
        "remembered": "Remembered {fact}: {value}. Said here, by {channel}.",
        "remembered.kept": "Remembered {fact}, said by {channel}.",
        "remembered.signed": "Remembered {fact}: {value}. The website vouches for it.",
        "known": "Did not ask for {fact} again: {channel} knew it already.",
        "asked": "Open question: {question}.",
        "did.step": "Did {step} once, and kept the result.",
        "did.failed": "{step} did not work, and it was kept that it did not.",
        "did.milestone": "Reached {milestone}.",
        "said": "Said {reply}.",
        "problem": "{dialog} stopped with a mistake: {error} ({where}).",
        "reloaded.voice": "Read the voice again. The new wording answers from now on.",
        "reloaded.dialogs": "Read the dialogs again. The conversation goes on at its question.",
        "mended": "The mistake is gone.",
        "other": "{what}",
        "and": " and ",
    },
    "de": {
        "routed.examples": "Verstanden als {intent}: es ist dessen Beispielen nah ({score}).",
        "routed.pattern": "Verstanden als {intent}: das ist dessen fester Befehl.",
        "routed.button": "{intent} begonnen, weil der Knopf dafür gedrückt wurde.",
        "routed.sure": "Verstanden als {intent}.",
        "routed.answer": "Aus den Antworten ohne Code geantwortet: {intent} ({score}).",
        "routed.unsure": "Unsicher zwischen {between}, darum nachgefragt.",
        "routed.lost": "Nicht verstanden, das auch gesagt, und nichts begonnen.",
        "understood.question": "Die Antwort auf {question} gelesen.",
        "understood.value": "{value} als Antwort auf {question} gelesen.",
        "understood.correction": "Als Korrektur von {question} gelesen, den Rest behalten.",
        "understood.order": "{order} gehört, eines der Wörter, die immer gelten.",
        "missed": "Das ließ sich nicht als Antwort auf {question} lesen. Versuch {tries}.",
        "remembered": "Gemerkt, {fact}: {value}. Gesagt über {channel}.",
        "remembered.kept": "Gemerkt: {fact}, gesagt über {channel}.",
        "remembered.signed": "Gemerkt, {fact}: {value}. Die Website bürgt dafür.",
        "known": "Nicht noch einmal nach {fact} gefragt: über {channel} schon bekannt.",
        "asked": "Offene Frage: {question}.",
        "did.step": "{step} einmal getan und das Ergebnis behalten.",
        "did.failed": "{step} hat nicht geklappt, und auch das wurde behalten.",
        "did.milestone": "{milestone} erreicht.",
        "said": "{reply} gesagt.",
        "problem": "{dialog} ist an einem Fehler stehen geblieben: {error} ({where}).",
        "reloaded.voice": "Die Texte neu gelesen. Ab jetzt gilt der neue Wortlaut.",
        "reloaded.dialogs": "Die Dialoge neu gelesen. Das Gespräch geht bei seiner Frage weiter.",
        "mended": "Der Fehler ist behoben.",
        "other": "{what}",
        "and": " und ",
    },
}

SIGNS: Final = {
    "understood": "→",
    "routed": "→",
    "missed": "?",
    "remembered": "+",
    "known": "+",
    "asked": "…",
    "did": "✓",
    "said": "“",
    "reloaded": "↻",
    "mended": "✓",
    "problem": "!",
}
"""A sign before each sort of note, beside its word: never the sign alone."""

_LONGEST: Final = 200
_OPTION = re.compile(r"[a-z]+(?:_[a-z]+)+")
"""The id of an option, like `wrong_size`."""
_HOLE = re.compile(r"\{(\w+)\}")
_ASKING = ("ask_", "confirm_", "choose_")
_NAMES = {"question", "intent", "between", "fact", "step", "milestone", "reply", "dialog", "order"}
"""Values that are names in the code; the others are shown as they are."""


def sentence(
    kind: str, values: Mapping[str, Any], locale: str, titles: Titles | None = None
) -> list[Part]:
    """Return the parts of one sentence; a kind it does not know is named, never left out."""
    table = SENTENCES.get(locale, SENTENCES["en"])
    key = _key(kind, values)
    if key not in table:
        key, values = "other", {"what": kind}
    parts: list[Part] = []
    at = 0
    for hole in _HOLE.finditer(table[key]):
        if hole.start() > at:
            parts.append(("t", table[key][at : hole.start()]))
        parts.extend(_value(hole.group(1), values, locale, titles, table["and"]))
        at = hole.end()
    if at < len(table[key]):
        parts.append(("t", table[key][at:]))
    return parts


def sort_of(kind: str, values: Mapping[str, Any]) -> str:
    """Return the sort under which a note is shown: a key of `SIGNS`."""
    if kind == "routed" and values.get("how") in ("unsure", "lost"):
        return "missed"
    return kind.partition(".")[0]


def _key(kind: str, values: Mapping[str, Any]) -> str:
    how = str(values.get("how", ""))
    match kind:
        case "routed" if how in ("unsure", "lost", "button", "pattern"):
            return f"routed.{how}"
        case "routed" if str(values.get("intent", "")).startswith("answer:"):
            return "routed.answer" if "score" in values else "routed.sure"
        case "routed":
            return "routed.examples" if "score" in values else "routed.sure"
        case "understood" if how == "correction":
            return "understood.correction"
        case "understood" if "order" in values:
            return "understood.order"
        case "understood":
            return "understood.value" if values.get("value") else "understood.question"
        case "remembered" if how == "signed":
            return "remembered.signed"
        case "remembered" if not values.get("value"):
            return "remembered.kept"
        case "did" if "milestone" in values:
            return "did.milestone"
        case "did":
            return "did.step" if values.get("ok", True) else "did.failed"
    return kind


def _value(
    name: str, values: Mapping[str, Any], locale: str, titles: Titles | None, joint: str
) -> list[Part]:
    value = values.get(name, "")
    if name == "between":
        found: list[Part] = []
        for place, each in enumerate(value):
            if place:
                found.append(("t", joint if place == len(value) - 1 else ", "))
            found.append(_named(str(each), locale, titles))
        return found
    if name == "score" and isinstance(value, int | float):
        return [("t", f"{round(value * 100)} %")]
    if name in _NAMES:
        return [_named(str(value), locale, titles)]
    shown = str(value)[:_LONGEST]
    if _OPTION.fullmatch(shown):
        return [("v", shown.replace("_", " "), shown)]
    return [("v", shown, "")]


def _named(code: str, locale: str, titles: Titles | None) -> Part:
    """Return a name from the code as words: its title in the voice, or the name spelt out."""
    title = titles(code, locale) if titles and ":" in code else ""
    return ("v", title or plain_name(code), code)


def plain_name(code: str) -> str:
    """Return `return_item/ask_postcode` as "postcode", `dialog:return_item` as "return item"."""
    last = re.split(r"[/:.]", code)[-1]
    for start in _ASKING:
        last = last.removeprefix(start)
    return last.replace("_", " ").strip() or code
