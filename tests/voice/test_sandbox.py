"""What a template may not do is refused before it runs: at load, with file, line and cure.

None of these is ever rendered; so none can take time or memory.
"""

from __future__ import annotations

import sys
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.errors import VoiceError
from segue.voice import Voice, VoiceMistakes, check_source, load_voice, plain

# Resource probes: each once ran for seconds or took hundreds of megabytes in a plain sandbox.
RESOURCES = [
    "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
    "{{ (7**(10**8)) % 10 }}",
    "{{ ('a\\n'*1000)|indent(10**6) }}",
    "{{ lipsum(n=100000,min=1000,max=1001) }}",
    "{{ [1]|slice(10**8)|list }}",
    "{% set c = cycler('a') %}{% for x in v %}{{ c.next() }}{% endfor %}",
    "{{ ('a'*10**6)|wordwrap(1) }}",
    "{{ 'a'*10**9 }}",
    "{{ [1]*10**9 }}",
    "{{ v|center(1000000000) }}",
    "{{ '{:>1000000000}'.format(v) }}",
    "{{ '%1000000000d'|format(1) }}",
    "{{ '%1000000000d' % 1 }}",
    "{{ v.ljust(1000000000) }}",
    "{{ v.zfill(1000000000) }}",
    "{{ v.expandtabs(1000000000) }}",
    "{{ v|batch(100000000,0)|list }}",
    "{{ v|replace('a', v)|replace('a', v) }}",
    "{{ v.translate({97: v}) }}",
    "{{ v.join(v) }}",
    "{% set ns = namespace(x='a') %}{% for i in v %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
    "{{ bytes(1000000000) }}",
    "{{ range(1000000000) }}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{% for x in v recursive %}{{ loop(v) }}{% endfor %}",
    "{% set x = v ~ v %}",
    "{{ v * 1000 }}",
    "{{ 10 // 3 }}",
    "{{ v | join(v) }}",
    "{{ v | join('" + "x" * 100 + "') }}",
    "{% for a in v %}{% for b in v %}{% for c in v %}x{% endfor %}{% endfor %}{% endfor %}",
    "{% for a in [1, 2, 3] %}x{% endfor %}",
    "{% for a in 'abc' %}x{% endfor %}",
    "{% for a in v | join %}x{% endfor %}",
    "{% for a, b in v %}x{% endfor %}",
    "{{ v | batch(2) }}",
    "{{ v | tojson }}",
    "{{ v | pprint }}",
    "{{ v | urlize }}",
    "{{ v | xmlattr }}",
    "{{ v | sort }}",
    "{{ v | map('upper') }}",
    "{{ v | truncate(3) }}",
    "{{ v[1:2] }}",
    "{{ v[v] }}",
    "{{ {'a': 1} }}",
]

# Escapes: the shapes of public template-injection payloads.
ESCAPES = [
    "{{ ''.__class__ }}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ ''['__class__'] }}",
    "{{ v.__class__ }}",
    "{{ v['__class__'] }}",
    "{{ v._private }}",
    "{{ v|attr('__class__') }}",
    "{{ v|attr('\\x5f\\x5fclass\\x5f\\x5f') }}",
    "{{ v['\\x5f\\x5fclass\\x5f\\x5f'] }}",
    "{{ 'a'|attr('format')('x') }}",
    "{{ '{0.__class__}'.format(v) }}",
    "{{ '{x.__class__}'.format_map({'x': v}) }}",
    "{% set f = v.format %}{{ f(1) }}",
    "{{ [v.format]|map('string')|list }}",
    "{{ self.__init__.__globals__ }}",
    "{{ self._TemplateReference__context }}",
    "{{ customer.phone }}",
    "{{ customer['email'] }}",
    "{{ config }}",
    "{{ config.items() }}",
    "{{ request.application.__globals__ }}",
    "{{ url_for.__globals__ }}",
    "{{ get_flashed_messages.__globals__ }}",
    "{{ g.pop.__globals__ }}",
    "{{ lipsum.__globals__['os'].popen('id').read() }}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ joiner.__init__.__globals__ }}",
    "{{ namespace.__init__.__globals__ }}",
    "{{ dict.__base__.__subclasses__() }}",
    "{{ ().__class__.__bases__[0].__subclasses__() }}",
    "{{ [].__class__.__base__ }}",
    "{{ x.__init__.__globals__ }}",
    "{{ undefined_name.__class__ }}",
    "{{ loop }}",
    "{{ caller() }}",
    "{{ varargs }}",
    "{{ kwargs }}",
    "{{ super() }}",
    "{{ environment }}",
    "{{ context }}",
    "{{ resolve('x') }}",
    "{% include 'common.j2' %}",
    "{% include v %}",
    "{% import 'os' as os %}",
    "{% from 'common.j2' import x %}",
    "{% extends 'common.j2' %}",
    "{% block x %}{% endblock %}",
    "{% filter upper %}x{% endfilter %}",
    "{% call v() %}x{% endcall %}",
    "{% with a = 1 %}{{ a }}{% endwith %}",
    "{% set a, b = v %}",
    "{% set customer = v %}",
    "{% set a %}x{% endset %}{{ a() }}",
    "{% autoescape true %}x{% endautoescape %}",
    "{% do v.append(1) %}",
    "{% debug %}",
    "{% trans %}x{% endtrans %}",
    "{% raw %}{{ x }}{% endraw %}",
    "{{ v.items() }}",
    "{{ v.pop() }}",
    "{{ v() }}",
    "{{ (v if v else v)() }}",
    "{{ v|default(v.__class__) }}",
    "{{ v is callable }}",
    "{{ v is mapping }}",
    "{% if v.__class__ %}x{% endif %}",
    "{% for x in v.__class__ %}x{% endfor %}",
    "{% for x in v %}{{ loop.cycle(v) }}{% endfor %}",
    "{% for x in v %}{{ loop.changed(v) }}{% endfor %}",
    "{% for x in v %}{{ loop.parent }}{% endfor %}",
    "{% button v.__class__ %}x",
    "{% link v.__class__ %}x",
    "{% image v|attr('x') %}x",
    "{% link 'javascript:alert(1)' %}x",
    "{% link 'https://evil.example@x' %}x",
    "{{ ''.join(v) }}",
    "{{ v.a().b }}",
    "{{ 1 .__class__ }}",
    "{{ (1,2).__class__ }}",
    "{{ v[0]['__class__'] }}",
    "{{ v[''] }}",
    "{{ (v|upper).__class__ }}",
]


@pytest.mark.parametrize("payload", [*RESOURCES, *ESCAPES])
def test_is_refused_before_it_runs(payload):
    """With the line where it stands, what it is and what to do instead."""
    source = "{% reply it(v) %}\nWords.\n" + payload + "\n{% endreply %}\n"
    mistakes = check_source(source, file="shop.j2")
    assert mistakes, payload
    for mistake in mistakes:
        assert isinstance(mistake, VoiceError)
        assert (mistake.file, mistake.line) == ("shop.j2", 3), str(mistake)
        assert mistake.problem
        assert mistake.cure


@pytest.mark.parametrize(
    "source",
    [
        "{% reply it() %}" + "(" * 5000,
        "{% reply it() %}{{ " + "(" * 5000 + ")" * 5000 + " }}{% endreply %}",
        "{% reply it() %}{{ " + "not " * 5000 + "1 }}{% endreply %}",
        "{% reply it() %}{{ " + "-" * 5000 + "1 }}{% endreply %}",
        "{% reply it(v) %}{{ v" + ".a" * 5000 + " }}{% endreply %}",
        "{% reply it(v) %}{{ v" + "|upper" * 4000 + " }}{% endreply %}",
        "{% reply it() %}{{ 1" + " + 1" * 5000 + " }}{% endreply %}",
        "{% reply it() %}{{ 1" + " < 1" * 5000 + "|upper }}{% endreply %}",
        "{% reply it() %}{{ " + "9" * 30_000 + " }}{% endreply %}",
        "{% reply it() %}{{ '" + "x" * 30_000 + "' }}{% endreply %}",
        "{% reply it(v) %}" + "{% if v %}" * 500 + "{% endif %}" * 500 + "{% endreply %}",
        "{% reply it() %}" + "{% set x %}" * 500 + "{% endset %}" * 500 + "{% endreply %}",
        "{% reply it() %}" + "x" * 40_000 + "{% endreply %}",
        "{%" * 15_000,
        "{%\n" * 10_000,
        "{{" * 15_000,
        "{#" * 15_000,
        "{% button " * 3000,
        '{{ "' * 8000,
        "{% reply it() %}{% raw %}" + "x" * 1000,
        "\ue000",
        "{% reply it() %}\uf801{% endreply %}",
        "{% reply it() %}\x00{% endreply %}",
    ],
    ids=lambda source: source[:30].encode("unicode_escape").decode(),
)
def test_too_much_of_anything_is_refused(source):
    """Depth, length, digits, unclosed tags and reserved signs, in one clear sentence each."""
    assert check_source(source, file="shop.j2")


def test_phrases_cannot_grow_by_printing_phrases():
    """The weight of a phrase counts wherever it is printed, so doubling ends at a limit."""
    doubling = (
        "{% phrase p0() %}"
        + "ha" * 50
        + "{% endphrase %}"
        + "".join(
            f"{{% phrase p{n}() %}}{{{{ p{n - 1}() }}}}{{{{ p{n - 1}() }}}}{{% endphrase %}}"
            for n in range(1, 40)
        )
    )
    mistakes = check_source(doubling + "{% reply it() %}{{ p39() }}{% endreply %}")
    assert any("far too long" in mistake.problem for mistake in mistakes)


def test_captured_blocks_cannot_grow_by_printing_themselves():
    """Nor a `set` block that prints the one before twice, also inside of `if`."""
    doubling = "{% set x %}ha{% endset %}" + (
        "{% if v %}{% set x %}{{ x }}{{ x }}{% endset %}{% endif %}" * 40
    )
    mistakes = check_source("{% reply it(v) %}" + doubling + "{{ x }}{% endreply %}")
    assert any("far too long" in mistake.problem for mistake in mistakes)


def test_a_captured_block_handed_to_phrases_cannot_grow():
    """What is handed over counts as often as it is printed there."""
    source = (
        "{% phrase twice(x) %}{{ x }}{{ x }}{% endphrase %}"
        "{% reply it() %}{% set x %}ha{% endset %}"
        + "{% set x %}{{ twice(x) }}{% endset %}" * 40
        + "{{ x }}{% endreply %}"
    )
    assert any("far too long" in mistake.problem for mistake in check_source(source))


@pytest.mark.parametrize(
    "source",
    [
        "{% phrase a() %}{{ a() }}{% endphrase %}",
        "{% phrase a() %}{{ b() }}{% endphrase %}{% phrase b() %}{{ a() }}{% endphrase %}",
        "{% reply it(a) %}x{% endreply %}{% phrase a() %}x{% endphrase %}",
    ],
)
def test_phrases_cannot_print_themselves(source):
    """Only phrases written before can be printed, so nothing ever comes round again."""
    assert check_source(source)


def test_a_phrase_written_anew_cannot_be_printed_by_those_that_printed_the_old_one(write):
    """Otherwise the new one could print them, and they it, for ever."""
    root = write(
        {
            "en/common.j2": "{% phrase a() %}x{% endphrase %}"
            "{% phrase b() %}{{ a() }}{% endphrase %}",
            "en/shop.j2": "{% phrase a() %}{{ b() }}{% endphrase %}{% reply it() %}{{ a() }}"
            "{% endreply %}",
        }
    )
    with pytest.raises(VoiceMistakes, match="`b` is called, but there is no such phrase"):
        load_voice(root)


def test_a_long_output_is_stopped_while_it_is_made(speak):
    """Two loops of a hundred, each with many words: refused at the limit, not after it."""
    voice = speak(
        "{% reply it(v) %}{% for a in v %}{% for b in v %}many many words {% endfor %}{% endfor %}"
        "{% endreply %}"
    )
    with pytest.raises(VoiceError, match="far too long"):
        voice.render("it", dialog="shop", values={"v": [1] * 100})


def test_too_much_markup_is_refused_before_it_is_parsed(speak):
    """Thousands of brackets are no message."""
    voice = speak("{% reply it() %}" + "[*_" * 300 + "{% endreply %}")
    with pytest.raises(VoiceError, match="more than 400 signs of markup"):
        voice.render("it", dialog="shop")


PIECES = st.sampled_from(
    [
        "{% if v %}", "{% endif %}", "{% else %}", "{% for x in v.list %}", "{% endfor %}",
        "{% set y = v %}", "{% set z %}", "{% endset %}", "{{ v }}", "{{ v.name }}", "{{ x }}",
        "{{ v | upper }}", "{{ y + 1 }}", "{{ z }}", "{% or %}", "{% on sms %}", "{{ hello(v) }}",
        "{% button a %}", "{% link v.url %}", "{% image 'https://a.b/c' %}", "\n", " words ", "**",
        "[", "](", ")", "- ", "1. ", "`", "{# c #}", "{{ v.__class__ }}", "{% include v %}",
        "{{ lipsum() }}", "{{ v() }}", "{% button x.id %}Label\n", "\\", "<", "&amp;", "_",
        "{{ 'x' if v else v.a }}", "{% endreply %}", "{% reply b() %}", "{{", "%}", "{%",
    ]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=14).map("".join))
def test_whatever_is_written_is_refused_or_rendered(tmp_path_factory, body):
    """No source makes anything else than a `VoiceError` or a message, and nothing is opened."""
    root = tmp_path_factory.mktemp("voice")
    (root / "en").mkdir()
    source = "{% phrase hello(x) %}Hi {{ x }}{% endphrase %}{% reply it(v) %}" + body
    (root / "en" / "shop.j2").write_text(source + "{% endreply %}", encoding="utf-8")
    try:
        voice = load_voice(root)
    except VoiceMistakes as error:
        mistakes = error.mistakes
    else:
        _render_all(voice)
        return
    assert all(mistake.line >= 1 and mistake.cure for mistake in mistakes)


def _render_all(voice: Voice) -> None:
    for value in ("text", {"name": "N", "url": "https://a.b/", "list": [{"id": 1}]}, [1]):
        with _Watch() as watch, suppress(VoiceError):
            plain(voice.render("it", dialog="shop", values={"v": value}).message)
        assert watch.seen == []


class _Watch:
    """Notes what a rendering does outside of itself (compiling the wording is its own)."""

    active: list[_Watch] = []  # noqa: RUF012
    installed = False

    def __init__(self) -> None:
        self.seen: list[str] = []

    def __enter__(self) -> _Watch:
        if not _Watch.installed:
            sys.addaudithook(_Watch.hook)
            _Watch.installed = True
        _Watch.active.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        _Watch.active.remove(self)

    @staticmethod
    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if _Watch.active and event.split(".")[0] in {
            "open",
            "os",
            "socket",
            "subprocess",
            "shutil",
        }:
            _Watch.active[-1].seen.append(event)
