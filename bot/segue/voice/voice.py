"""The voice: an immutable, numbered set of replies, and how one of them becomes a message.

Which words are said is decided in this order:

1. the locale, then its language, then the default locale (`de-AT`, `de`, `en`);
2. the dialog's own file, then `common.j2`;
3. the wordings under `on CHANNEL`, else the general ones;
4. of several wordings, one by customer and turn (`seed`): a replay or retry says the same again.

A wording that fails is replaced by another one of the same reply, then by the last good version;
only then `VoiceError` is raised, naming file, line and cure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import tzinfo
from functools import cached_property
from types import MappingProxyType
from typing import Any
from zlib import crc32

from jinja2 import TemplateError
from msgspec import structs

from segue.errors import VoiceError
from segue.voice.environment import VoiceContext
from segue.voice.formats import to_text
from segue.voice.plain import plain
from segue.voice.reply import NOBODY, CustomerView, Rendered, Reply, ReplyInfo, Variant
from segue.voice.tree import (
    LENGTH_LIMIT,
    BadMessage,
    Filler,
    Plan,
    build_plan,
)
from segue.voice.values import BadValue, clean, plain_data
from segue.words import Words

PLAN_LIMIT = 4096
"""How many skeletons keep their plan. A condition makes a skeleton of its own."""

_FAILURES = (TemplateError, BadMessage, ArithmeticError, LookupError, TypeError, ValueError)


@dataclass(frozen=True, kw_only=True, eq=False)
class Voice:
    """All replies, answers and words, of one version. It never changes; only its caches do."""

    version: int
    default_locale: str
    sets: Mapping[str, Mapping[tuple[str, str], Reply]] = field(repr=False)
    """Locale → (dialog, name) → reply."""
    words_by_locale: Mapping[str, Words] = field(repr=False)
    allowed_domains: frozenset[str] = frozenset()
    zone: tzinfo | None = None
    previous: Voice | None = None
    """The last good version, asked when a reply of this one fails. It has no `previous` itself."""
    sources: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """What was read from each file, so that loading again reads only what changed."""
    _plans: dict[str, Plan] = field(default_factory=dict, init=False, repr=False)
    _fixed: dict[int, Rendered] = field(default_factory=dict, init=False, repr=False)
    """What never differs, by the identity of its wording (which lives as long as this voice)."""
    _found: dict[tuple[str, str, str], Reply | None] = field(
        default_factory=dict, init=False, repr=False
    )
    _chains: dict[str, tuple[str, ...]] = field(default_factory=dict, init=False, repr=False)
    _words: dict[str, Words] = field(default_factory=dict, init=False, repr=False)

    @cached_property
    def locales(self) -> tuple[str, ...]:
        """The locales that have files, the default one first."""
        others = sorted(set(self.sets) - {self.default_locale})
        return (self.default_locale, *others)

    # -- rendering -------------------------------------------------------------------------------

    def render(
        self,
        name: str,
        *,
        dialog: str = "",
        locale: str = "",
        channel: str = "",
        values: Mapping[str, Any] = MappingProxyType({}),
        customer: CustomerView = NOBODY,
        seed: str = "",
        avoid: int = -1,
        avoid_text: str = "",
    ) -> Rendered:
        """Return a reply as a message.

        `avoid` is the wording that was said last (`Rendered.variant`): another one is taken, if
        the reply has one. `avoid_text` is what was said before (`plain` of it): if this wording
        says the same, the next one is taken. Raises `VoiceError` if there is no such reply, or if
        it failed in every way.
        """
        reply = self._find(name, dialog, locale)
        if reply is None:
            raise VoiceError(
                f"there is no reply `{name}` for the dialog `{dialog}`",
                cure=f"Write it in {self.default_locale}/{dialog or 'common'}.j2 or common.j2.",
            )
        try:
            return self._say(reply, values, customer, locale, channel, seed, avoid, avoid_text)
        except VoiceError as error:
            if self.previous is not None:
                try:
                    earlier = self.previous.render(
                        name,
                        dialog=dialog,
                        locale=locale,
                        channel=channel,
                        values=values,
                        customer=customer,
                        seed=seed,
                        avoid=avoid,
                        avoid_text=avoid_text,
                    )
                except VoiceError:
                    raise error from None
                return structs.replace(earlier, problems=(*earlier.problems, str(error)))
            raise

    def _values(
        self,
        reply: Reply,
        values: Mapping[str, Any],
        customer: CustomerView,
        locale: str,
        channel: str,
    ) -> dict[str, Any]:
        given = dict(reply.defaults)
        for name, value in values.items():
            try:
                given[name] = plain_data(value)
            except (TypeError, ValueError, RecursionError) as error:
                raise VoiceError(
                    f"the value `{name}` cannot be used in reply {reply.full_name}: {error}",
                    cure="Pass text, numbers, dates, lists, dicts, dataclasses or Structs.",
                    file=reply.info.file,
                    line=reply.info.line,
                ) from error
        for name in reply.required:
            if name not in given:
                raise VoiceError(
                    f"reply {reply.full_name} needs the value `{name}`, which was not passed",
                    cure=f"Pass {name}=… in the dialog, or write `{name}=none` in the header.",
                    file=reply.info.file,
                    line=reply.info.line,
                )
        given["customer"] = {
            "name": customer.name,
            "locale": customer.locale or locale or None,
            "channel": customer.channel or channel or None,
        }
        return given

    def _say(
        self,
        reply: Reply,
        values: Mapping[str, Any],
        customer: CustomerView,
        locale: str,
        channel: str,
        seed: str,
        avoid: int,
        avoid_text: str,
    ) -> Rendered:
        variants = reply.overrides.get(channel) or reply.variants
        count = len(variants)
        first = (
            crc32(f"{seed}\0{reply.full_name}".encode("utf-8", "replace")) % count
            if count > 1
            else 0
        )
        if first == avoid:
            first = (first + 1) % count
        failure: VoiceError | None = None
        same: Rendered | None = None
        given: dict[str, Any] | None = None
        for step in range(count):
            index = (first + step) % count
            rendered = self._quick(reply, variants[index], values, index, count)
            if rendered is None:
                if given is None:
                    given = self._values(reply, values, customer, locale, channel)
                try:
                    rendered = self._render(reply, variants[index], given, locale, index, count)
                except VoiceError as error:
                    failure = failure or error
                    continue
            if failure is not None:
                rendered = structs.replace(rendered, problems=(*rendered.problems, str(failure)))
            if not avoid_text or count == 1 or plain(rendered.message) != avoid_text:
                return rendered
            same = same or rendered
        if same is not None:
            return same
        assert failure is not None
        raise failure

    def _quick(
        self, reply: Reply, variant: Variant, values: Mapping[str, Any], index: int, wordings: int
    ) -> Rendered | None:
        """Say a wording that is words and printed fields, nothing else: most of them are.

        It needs no template run, and only the values that it prints. None where anything is out of
        the ordinary: then `_render` does it, or says what is wrong.
        """
        for name in reply.required:
            if name not in values:
                return None
        fixed = self._fixed.get(id(variant))
        if fixed is not None:
            return fixed
        simple = variant.simple
        if simple is None:
            return None
        skeleton, paths = simple
        printed: list[str] = []
        length = len(skeleton)
        for first, *rest in paths:
            value = values.get(first)
            for name in rest:
                if value.__class__ is not dict:
                    return None
                value = value.get(name)
            if value.__class__ is str:
                text = clean(value)
            elif value.__class__ is int:
                text = str(value)
            else:
                return None
            printed.append(text)
            length += len(text)
        if length > LENGTH_LIMIT:
            return None
        problems: list[str] = []
        try:
            plan = self._plans.get(skeleton) or self._keep(skeleton)
            message = plan.fill(Filler(printed, self.allowed_domains, problems))
        except _FAILURES:
            return None
        rendered = Rendered(
            message=message,
            reply=reply.full_name,
            version=self.version,
            locale=reply.info.locale,
            variant=index,
            wordings=wordings,
            problems=tuple(problems),
        )
        if not paths:
            self._fixed[id(variant)] = rendered
        return rendered

    def _render(
        self,
        reply: Reply,
        variant: Variant,
        given: dict[str, Any],
        locale: str,
        index: int,
        wordings: int = 1,
        *,
        strict: bool = False,
    ) -> Rendered:
        info = reply.info
        spoken = locale if locale.startswith(info.locale.split("-", 1)[0]) else info.locale
        printed: list[Any] = []
        lines: list[int] | None = [] if strict else None
        at = -1
        try:
            context = VoiceContext(variant.environment, given, spoken, self.zone)
            skeleton = variant.run(context, printed, lines)
            plan = self._plans.get(skeleton)
            if plan is None:
                plan = self._keep(skeleton)
            problems: list[str] = []
            length = len(skeleton)
            for at, value in enumerate(printed):
                if value.__class__ is str:
                    text = clean(value)
                elif value is None and not strict:
                    # A gap reads better than silence; `segue check` finds the missing `if` before.
                    problems.append("a missing value was printed as nothing")
                    text = ""
                else:
                    text = clean(to_text(value, spoken, self.zone))
                printed[at] = text
                length += len(text)
            at = -1
            if length > LENGTH_LIMIT:
                raise BadMessage(
                    f"the message has {length} characters", f"At most {LENGTH_LIMIT} are sent."
                )
            message = plan.fill(Filler(printed, self.allowed_domains, problems))
        except _FAILURES as error:
            problem, cure = _explained(error)
            line = variant.line_of(error.__traceback__)
            if lines is not None and 0 <= at < len(lines):
                line = lines[at]
            raise VoiceError(
                f"reply {reply.full_name} could not be said: {problem}",
                cure=cure,
                file=variant.file,
                line=line,
            ) from error
        return Rendered(
            message=message,
            reply=reply.full_name,
            version=self.version,
            locale=info.locale,
            variant=index,
            wordings=wordings,
            problems=tuple(problems),
        )

    def wordings(
        self,
        reply: Reply,
        values: Mapping[str, Any],
        *,
        channel: str = "",
        customer: CustomerView = NOBODY,
    ) -> list[Rendered | VoiceError]:
        """Render every wording of a reply for a channel; where one fails, say why. For checks.

        Stricter than `render`: a missing value that is printed is a failure here.
        """
        locale = reply.info.locale
        variants = reply.overrides.get(channel) or reply.variants
        results: list[Rendered | VoiceError] = []
        for index, variant in enumerate(variants):
            try:
                given = self._values(reply, values, customer, locale, channel)
                results.append(self._render(reply, variant, given, locale, index, strict=True))
            except VoiceError as error:
                results.append(error)
        return results

    def _keep(self, skeleton: str) -> Plan:
        plan = build_plan(skeleton, self.allowed_domains)
        if len(self._plans) >= PLAN_LIMIT:
            del self._plans[next(iter(self._plans))]
        self._plans[skeleton] = plan
        return plan

    # -- finding ---------------------------------------------------------------------------------

    def chain(self, locale: str) -> tuple[str, ...]:
        """Return the locales to look in, nearest first."""
        chain = self._chains.get(locale)
        if chain is None:
            chain = locale_chain(locale, self.sets, self.default_locale)
            if len(self._chains) < PLAN_LIMIT:
                self._chains[locale] = chain
        return chain

    def _find(self, name: str, dialog: str, locale: str) -> Reply | None:
        key = (name, dialog, locale)
        try:
            return self._found[key]
        except KeyError:
            pass
        reply = self._seek(name, dialog, locale)
        if len(self._found) < PLAN_LIMIT:
            self._found[key] = reply
        return reply

    def _seek(self, name: str, dialog: str, locale: str) -> Reply | None:
        places = [dialog, "common"]
        if "/" in name:
            dialog, _, name = name.partition("/")
            places = [dialog]
        for candidate in self.chain(locale):
            for place in places:
                reply = self.sets[candidate].get((place, name))
                if reply is not None:
                    return reply
        return None

    def has(self, name: str, *, dialog: str = "", locale: str = "") -> bool:
        """Say whether there is such a reply (`name`, or `dialog/name`)."""
        return self._find(name, dialog, locale) is not None

    def info(self, name: str, *, dialog: str = "", locale: str = "") -> ReplyInfo | None:
        """Return what a reply declares."""
        reply = self._find(name, dialog, locale)
        return None if reply is None else reply.info

    def replies(self, locale: str | None = None) -> tuple[ReplyInfo, ...]:
        """Return what every reply declares, in one locale or all, in the order of the files."""
        having: dict[tuple[str, str], list[str]] = {}
        for one in self.locales:
            for key in self.sets.get(one, {}):
                having.setdefault(key, []).append(one)
        return tuple(
            replace(reply.info, locales=tuple(having[key]))
            for one in self.locales
            if locale is None or one == locale
            for key, reply in self.sets.get(one, {}).items()
        )

    def answers(self, locale: str = "") -> list[tuple[str, tuple[str, ...]]]:
        """Return the answers without code and the questions they answer, for the router."""
        return [(name, questions) for name, questions in self._answers(locale).items()]

    def _answers(self, locale: str) -> dict[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        for candidate in self.chain(locale):
            for (dialog, name), reply in self.sets[candidate].items():
                if dialog == "answers":
                    found.setdefault(name, reply.info.asked)
        return found

    def words(self, locale: str = "") -> Words:
        """Return the words that always work."""
        words = self._words.get(locale)
        if words is None:
            words = self._seek_words(locale)
            if len(self._words) < PLAN_LIMIT:
                self._words[locale] = words
        return words

    def _seek_words(self, locale: str) -> Words:
        for candidate in self.chain(locale):
            words = self.words_by_locale.get(candidate)
            if words is not None:
                return words
        return Words(locale=self.default_locale)


def locale_chain(locale: str, known: Iterable[str], default: str) -> tuple[str, ...]:
    """Return the known locales nearest to `locale`: itself, its language, the default."""
    known = {one.lower(): one for one in known}
    parts = locale.replace("_", "-").lower().split("-")
    chain = []
    while parts:
        found = known.get("-".join(parts))
        if found is not None:
            chain.append(found)
        parts.pop()
    if default not in chain and default.lower() in known:
        chain.append(default)
    return tuple(chain)


def _explained(error: Exception) -> tuple[str, str]:
    """Return problem and cure of a failed rendering, without any value in them."""
    if isinstance(error, BadMessage):
        return str(error.args[0]), str(error.args[1])
    if isinstance(error, BadValue):
        return str(error), "Pass another value, or choose words for each case with {% if %}."
    if isinstance(error, TemplateError):
        return str(error), "Pass the field, or put {% if … is defined %} around it."
    return f"{type(error).__name__} while it was printed", "Look at what the dialog passes."
