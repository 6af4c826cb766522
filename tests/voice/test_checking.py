"""`segue check` finds where words and dialogs do not fit, before a customer does."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from segue.voice.check import Finding, as_json, as_text, check_voice, has_errors
from segue.voice.reserved import invited_words, reserved_label


@dataclass(frozen=True, kw_only=True)
class Use:
    reply: str
    dialog: str = "shop"
    file: str = "dialogs/shop.py"
    line: int = 7
    values: frozenset[str] | None = frozenset()
    options: tuple[str, ...] | None = None
    verb: str = "say"


def places(findings: list[Finding]) -> list[tuple[str, str, int]]:
    return [(one.rule, one.file.split("brand_voice/")[-1], one.line) for one in findings]


def check(write, source: str, *uses: Use, **more: object) -> list[Finding]:
    return check_voice(write({"en/shop.j2": source}), uses, **more)  # type: ignore[arg-type]


def test_a_voice_that_fits_has_no_findings(write):
    """Also with lists, money, dates, optional values, phrases, links and pictures."""
    source = """
{% phrase line(item) %}{{ item.name }} for {{ item.price | money(item.currency) }}{% endphrase %}
{% reply it(order, note=none) %}
{% if order.state == "late" and order.days > 2 %}Late{% else %}On time{% endif %}, \
{{ order.due | date }}{% if note %}: {{ note | upper }}{% endif %}\
{% if customer.name %}, {{ customer.name }}{% endif %}.
{% for item in order.items if item.shown %}
- {{ line(item) }}{% if item.size is defined %} ({{ item.size }}){% endif %}
{% else %}
Nothing.
{% endfor %}
{% set first = order.items %}{{ first | length + 1 }} {{ order.names | join_and }}
{% link order.url %}Track it
{% image order.photo %}Your parcel
[{{ order.number }}](https://shop.example/{{ order.number }}) or [here]({{ order.help }}).
{% button yes %}Yes
{% button no %}No
{% endreply %}
"""
    use = Use(reply="it", values=frozenset({"order"}), verb="confirm")
    found = check(write, source, use, allowed_domains=["shop.example"])
    assert as_text(found) == ""


def test_a_file_that_cannot_be_loaded_is_all_there_is_to_say(write):
    """Each mistake is a finding with its place."""
    found = check(write, "{% reply a() %}\n{{ x }}{% endreply %}", Use(reply="a"))
    assert places(found) == [("voice-load", "en/shop.j2", 2)]
    assert has_errors(found)


def test_missing_unused_and_untranslated_replies(write):
    """A dialog says what is not there, nobody says what is there, a language lacks it."""
    root = write(
        {
            "en/shop.j2": "{% reply said() %}x{% endreply %}\n{% reply lost() %}x{% endreply %}\n"
            "{% reply title() %}x{% endreply %}\n{% reply said_retry() %}x{% endreply %}",
            "en/common.j2": "{% reply help() %}x{% endreply %}\n{% reply dust() %}x{% endreply %}",
            "de/shop.j2": "{% reply said() %}x{% endreply %}{% reply lost() %}x{% endreply %}",
            "de/common.j2": "{% reply help() %}x{% endreply %}{% reply dust() %}x{% endreply %}",
            "de-AT/common.j2": "",
        }
    )
    found = check_voice(root, [Use(reply="said"), Use(reply="gone", line=9)], also=["help"])
    assert places([one for one in found if one.severity == "error"]) == [
        ("reply-missing", "dialogs/shop.py", 9)
    ]
    warnings = {(one.rule, one.line) for one in found if "en/" in one.file}
    assert warnings == {
        ("reply-unused", 2),
        ("reply-untranslated", 3),
        ("reply-untranslated", 4),
    }
    unused = {one.problem for one in found if one.rule == "reply-unused"}
    assert unused == {"no dialog says `lost`", "no dialog says `dust`"}
    silent = check_voice(root, [Use(reply="said")])
    assert "no dialog says `dust`" not in {one.problem for one in silent}


def test_values_that_are_not_declared_not_passed_or_not_used(write):
    """On both sides, with both places."""
    source = "\n{% reply it(a, b=none, c=1) %}{{ a }}{% if b %}{{ b }}{% endif %}{% endreply %}"
    found = check(write, source, Use(reply="it", values=frozenset({"b", "d"})))
    assert places(found) == [
        ("value-unused", "en/shop.j2", 2),
        ("value-undeclared", "dialogs/shop.py", 7),
        ("value-unpassed", "dialogs/shop.py", 7),
    ]
    assert "`d`" in found[1].problem
    assert "en/shop.j2:2" in found[2].problem
    unknown = check(write, source, Use(reply="it", values=None))
    assert {one.rule for one in unknown} == {"value-unused"}


def test_options_and_buttons_match_in_every_wording(write):
    """Each option has a button and each button is an option, on every channel."""
    source = (
        "{% reply it() %}\nWhy?\n{% button a %}A\n{% button b %}B\n"
        "{% on sms %}\nWhy?\n{% button a %}A\n{% button c %}C\n{% endreply %}"
    )
    found = check(write, source, Use(reply="it", options=("a", "b"), verb="choose"))
    assert [(one.rule, one.line) for one in found] == [
        ("option-without-button", 1),
        ("button-without-option", 8),
    ]
    assert "option `b`" in found[0].problem
    assert "on sms" in found[0].problem
    open_ended = check(write, source, Use(reply="it", options=None, verb="choose"))
    assert open_ended == []


def test_buttons_from_values_are_trusted(write):
    """What a loop makes cannot be known here."""
    source = (
        "{% reply it(l) %}Why?{% for x in l %}{% button x.id %}{{ x.n }}{% endfor %}{% endreply %}"
    )
    use = Use(reply="it", options=("a",), verb="choose", values=frozenset({"l"}))
    assert check(write, source, use) == []


def test_buttons_where_nothing_is_asked_offer_something_that_is_there(write):
    """A dialog by its name, an answer, or a person; anything else leads nowhere."""
    root = write(
        {
            "en/shop.j2": "{% reply it() %}\nHere.\n{% button a %}A\n{% button dialog:shop %}S\n"
            "{% button shop %}S\n{% button dialog:gone %}G\n{% button answer:sizes %}S\n"
            "{% button answer:gone %}G\n{% button person %}P\n{% endreply %}",
            "en/answers.j2": "{% reply sizes() %}{% asked %}what sizes\nAll.{% endreply %}",
        }
    )
    found = check_voice(root, [Use(reply="it")], dialogs=["shop"])
    assert [(one.rule, one.severity, one.line) for one in found] == [
        ("button-nowhere", "error", 3),
        ("button-nowhere", "error", 6),
        ("button-nowhere", "error", 8),
    ]
    assert check_voice(root, [Use(reply="it", verb="ask")], dialogs=["shop"]) == []


@pytest.mark.parametrize(
    ("words", "line", "problem"),
    [
        ("Hello {{ customer.name }}.", 3, "a missing value is printed"),
        ("{{ note }}", 3, "a missing value is printed"),
        ("{{ flag }}{% if flag %}x{% endif %}{{ order }}{{ order.x }}", 3, "a record is printed"),
        ("{% link https://x.example %}a ] b", 1, "bracket without its pair"),
        ("[x](ftp://x.example)", 1, "must not be used"),
        ("{{ note | money('EUR') }}", 3, "a number is needed, found a missing value"),
    ],
)
def test_a_reply_that_cannot_be_said_in_some_case_is_found(write, words, line, problem):
    """Every reply is rendered with and without its optional values, for known and unknown."""
    source = "{% reply it(order, flag, note=none) %}\nWords.\n" + words + "\n{% endreply %}"
    found = [one for one in check(write, source) if one.rule == "reply-fails"]
    assert found, source
    assert problem in found[0].problem
    assert found[0].line == line


def test_a_reply_that_says_nothing_in_some_case_is_found(write):
    """An empty message would not be sent."""
    source = "{% reply it(note=none) %}\n{% if note %}{{ note }}{% endif %}\n{% endreply %}"
    assert [one.rule for one in check(write, source)] == ["reply-empty"]


def test_a_channel_that_is_not_there(write):
    """A slip in `on` would never be said."""
    found = check(write, "{% reply it() %}x{% on sns %}y{% endreply %}")
    assert [one.rule for one in found] == ["channel-unknown"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Reply CANCEL to leave.", ["CANCEL"]),
        ("Just reply with 'stop' and we end this.", ["STOP"]),
        ("Text YES to go on, or QUIT.", ["QUIT", "YES"]),
        ("Send us END.", ["END"]),
        ("Please answer yes or no.", ["YES"]),
        ("For more, write HELP.", ["HELP"]),
        ("Antworte mit STOP, um das zu beenden.", ["STOP"]),
        ("Schreib „info“ für mehr.", ["INFO"]),
        ("Reply STOP to opt out of these messages.", []),
        ("Mit STOP kannst du die Nachrichten abbestellen, schreib einfach STOP.", []),
        ("We stop at nothing. Write to us.", []),
        ("Reply with a number. We will start at the end.", []),
        ('Write "never mind" to leave this.', []),
        ("You can cancel until it is packed.", []),
        ("STOP right there!", []),
    ],
)
def test_invitations_to_a_word_of_the_carriers(text, words):
    """Who follows them on SMS never reaches us; the one that tells how to opt out must stay."""
    assert [word for word, _ in invited_words(text)] == words


def test_text_messages_do_not_invite_words_of_the_carriers(write):
    """Neither in their words nor as a label; elsewhere both are fine."""
    source = (
        "{% reply it() %}\nWrite STOP to leave.\n{% button cancel %}Cancel\n{% endreply %}\n"
        "{% reply b() %}\nWrite STOP to leave.\n{% on sms %}\nLeave?\n{% endreply %}"
    )
    found = check(write, source)
    assert [(one.rule, one.severity, one.line) for one in found] == [
        ("sms-reserved", "error", 1),
        ("sms-reserved", "error", 1),
    ]
    assert reserved_label(" Stop. ")
    assert not reserved_label("Yes")


def test_findings_as_text_and_json(write):
    """One line or one record each: file, line, severity, rule, what and cure."""
    found = check(write, "{% reply it() %}x{% on sns %}y{% endreply %}")
    line = as_text(found)
    assert line.endswith(
        "en/shop.j2:1: warning channel-unknown: `on sns` in `it` names a channel that is not "
        "there. There are slack, sms, telegram, terminal, web."
    )
    (record,) = json.loads(as_json(found))
    assert record["rule"] == "channel-unknown"
    assert set(record) == {"rule", "severity", "file", "line", "problem", "cure"}
    assert not has_errors(found)
