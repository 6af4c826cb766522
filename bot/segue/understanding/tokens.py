"""From what people type to words that can be compared, and which language it is.

A table per language: light words (they say little about what is wanted), shorthand, and endings.
A language without a table works too: its words are compared as they are.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Final

_WORD = re.compile(r"\w+")
_LONG_DRAWN = re.compile(r"([^\W\d])\1{2,}")
_CODE = re.compile(r"(?=\w*\d)(?=\w*[a-z])\w{4,}|\d{4,}")

_STEM: Final = 6
"""Letters kept of a word: what follows is mostly grammar ("delivered", "delivery")."""

LIGHT: Final[Mapping[str, frozenset[str]]] = {
    "en": frozenset(
        "a am an and any are as at be been but by can could did do does doing for from get gets "
        "getting go going got had has have he her here him his i if im in into is it its ive just "
        "let like ma may me might mine my need now of off on one or our out over please really "
        "shall she should so some than that thats the their them then there these they thing "
        "things this those to too up us very want wants was we well were will with would you your "
        "yours".split()
    ),
    "de": frozenset(
        "aber als am an auch auf aus bei bin bist bitte da das dass dem den denn der des die "
        "dies diese diesen dieser dieses doch dir dich du ein eine einem einen einer eines er es "
        "euch euer eure etwas gerade gibt habe haben hab habt hat hatte hier ich ihr im in ins ist "
        "ja kann kannst konnen konnt mal man mein meine meinem meinen meiner mich mir mit mochte "
        "muss musse nach noch nun nur oder schon sein seine sie sind so soll uber um und uns unser "
        "von vor was werde werden will wird wir wo wurde zu zum zur".split()
    )
    - frozenset(("wo", "was", "zu")),
}
"""Written as `tokens` leaves words before their endings go: small letters, no accents."""

SHORTHAND: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "2": "to",
        "2day": "today",
        "2moro": "tomorrow",
        "2morrow": "tomorrow",
        "4": "for",
        "abt": "about",
        "asap": "quickly",
        "b4": "before",
        "bc": "because",
        "cya": "see you",
        "del": "delivery",
        "doesnt": "does not",
        "dont": "do not",
        "gimme": "give me",
        "gonna": "going to",
        "gr8": "great",
        "gud": "good",
        "hav": "have",
        "hw": "how",
        "lemme": "let me",
        "msg": "message",
        "nite": "night",
        "ordr": "order",
        "pkg": "package",
        "pls": "please",
        "plz": "please",
        "ppl": "people",
        "r": "are",
        "smth": "something",
        "smthg": "something",
        "smthng": "something",
        "sth": "something",
        "tho": "though",
        "thx": "thanks",
        "tks": "thanks",
        "tmr": "tomorrow",
        "tmrw": "tomorrow",
        "tnx": "thanks",
        "ty": "thank you",
        "tysm": "thank you",
        "u": "you",
        "ur": "your",
        "w": "with",
        "wanna": "want to",
        "wat": "what",
        "wen": "when",
        "whats": "what is",
        "whens": "when is",
        "wheres": "where is",
        "whos": "who is",
        "hows": "how is",
        "wont": "will not",
        "cant": "can not",
        "didnt": "did not",
        "hasnt": "has not",
        "havent": "have not",
        "isnt": "is not",
        "wasnt": "was not",
        "wouldnt": "would not",
        "youre": "you are",
        "yr": "your",
    },
    "de": {
        "bidde": "bitte",
        "bt": "bitte",
        "dank": "danke",
        "haste": "hast du",
        "hamse": "haben",
        "kannste": "kannst du",
        "lg": "gruss",
        "mfg": "gruss",
        "nich": "nicht",
        "nix": "nichts",
        "pkt": "paket",
        "thx": "danke",
        "vlt": "vielleicht",
        "vllt": "vielleicht",
        "wg": "wegen",
        "wiviel": "wie viel",
        "wieviel": "wie viel",
    },
}

_ENDINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "en": ("ings", "ing", "edly", "ied", "ies", "ed", "es", "s", "e", "y"),
    "de": ("ungen", "ung", "enden", "ende", "est", "en", "em", "er", "es", "et", "st", "e", "t", "n", "s"),
}  # fmt: skip
_SHORTEST: Final = 3
"""An ending goes only if so many letters stay."""


def fold(text: str) -> str:
    """Return small letters without accents or apostrophes ("Größe" is "grosse")."""
    folded = unicodedata.normalize("NFKD", text.casefold())
    return "".join(
        char for char in folded if not unicodedata.combining(char) and char not in "'’`´"
    )


def words_of(text: str, language: str) -> list[str]:
    """Return a message's words, with shorthand written out and long-drawn letters cut short."""
    short = SHORTHAND.get(language, {})
    found: list[str] = []
    for word in _WORD.findall(_LONG_DRAWN.sub(r"\1", fold(text))):
        if word in short:
            found.extend(short[word].split())
        else:
            found.append(word)
    return found


def stem(word: str, language: str) -> str:
    """Return what two forms of one word have in common, roughly."""
    for ending in _ENDINGS.get(language, ()):
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST:
            word = word[: -len(ending)]
            break
    if len(word) > _SHORTEST and word[-1] == word[-2]:
        word = word[:-1]
    return word[:_STEM]


def tokens(text: str, language: str) -> tuple[str, ...]:
    """Return the words of a message as they are compared: stems, light words with a dot before.

    Numbers of orders and the like become one word, since which one it is says nothing.
    """
    light = LIGHT.get(language, frozenset())
    return tuple(
        f".{word}" if word in light else "#code" if _CODE.fullmatch(word) else stem(word, language)
        for word in words_of(text, language)
    )


# -- which language is it? ------------------------------------------------------------------------

_SIGNS: Final[Mapping[str, frozenset[str]]] = {
    "en": frozenset(
        "a about are and can cant did do does dont for from goodbye has have hello help how i im "
        "is it its long much my need not of order ordered parcel please return send shipping stuff "
        "thank thanks that the there these they this to want was what when where which who will "
        "with would you your yes".split()
    ),
    "de": frozenset(
        "aber auf bei bekomme bestellt bestellung bin bist bitte bleibt danke das dein deine den "
        "der dich die dir du ein eine einen es euch fur gibt gruss guten habe haben habt hallo hat "
        "heute ich ihr ist ja kann kein keine konnen kostet lieferung machen mein meine meinen mich "
        "mir mit mochte moin morgen muss nach nein nicht noch nur oder paket schicken schon sie "
        "sind tag tschuss und uns versand vielen von wann warum was wie wieso will wir wo zu zum "
        "zur zuruck zuruckgeben zuruckschicken ware servus gerne umtauschen rechnung".split()
    ),
    "fr": frozenset(
        "avec bonjour c ce combien comment dans de des est et je la le les livraison ma mais merci "
        "mon ne nous ou par pas pour que qui retour salut suis sur un une vous colis commande".split()
    ),
    "es": frozenset(
        "como con cuando cuanto de del devolver donde el en envio es esta gracias hola la las lo "
        "los me mi no paquete para pedido pero por que quiero si un una yo buenos dias".split()
    ),
    "it": frozenset(
        "buongiorno che ciao come con consegna cosa di dove e grazie ho i il io la le mi mia mio "
        "non ordine pacco per quando quanto restituire sono un una vorrei".split()
    ),
    "nl": frozenset(
        "bestelling dank de een en goedemorgen graag hallo het hoe ik is kan komt maar met mijn "
        "niet of op pakket retour terug van voor waar wanneer wat wil zijn".split()
    ),
}
_LEAD: Final = 2


def guess_locale(text: str, locales: Iterable[str], current: str = "") -> str | None:
    """Return which of `locales` a message is written in, or None where the words do not say.

    None means: stay with the language of before. With `current`, another language needs a clear
    lead over it, so that one foreign word does not switch the conversation.
    """
    said = set(_WORD.findall(fold(text[:300])))
    if not said:
        return None
    scores: dict[str, int] = {}
    for locale in locales:
        language = locale.partition("-")[0].lower()
        signs = _SIGNS.get(language)
        if signs is not None:
            scores[locale] = len(said & signs)
    if not scores:
        return None
    best = max(scores, key=lambda locale: scores[locale])
    others = [score for locale, score in scores.items() if locale != best]
    lead = scores[best] - max(others, default=0)
    if scores[best] == 0 or lead == 0:
        return None
    if best == current:
        return best
    # A short message may say it with one word ("danke"); a long one must say it more than once.
    enough = 1 if len(said) <= 2 else _LEAD  # noqa: PLR2004
    return best if lead >= enough else None
