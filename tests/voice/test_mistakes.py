"""Mistakes in voice files: each with its file, its line, what was found and what to do."""

from __future__ import annotations

import pytest

from segue.errors import VoiceError
from segue.voice import VoiceMistakes, check_source, load_voice

REPLY = "{% reply it(v) %}\nWords.\n"


@pytest.mark.parametrize(
    ("source", "line", "problem"),
    [
        ("Hello.\n", 1, "something stands outside of any reply"),
        ("{% reply a() %}x{% endreply %}\n\n\nStray\n", 4, "something stands outside of any reply"),
        ("{% reply a() %}x{% endreply %}\n{% set x = 1 %}", 2, "something stands outside"),
        ("{% reply a() %}x{% endreply %}\n{% reply a() %}y{% endreply %}", 2, "a is written twice"),
        ("{% reply A() %}x{% endreply %}", 1, "a reply needs a name, found 'A'"),
        ("{% reply %}x{% endreply %}", 1, "a reply needs a name"),
        ("{% reply a %}x{% endreply %}", 1, "reply a has no parentheses"),
        ("{% reply a(x y) %}x{% endreply %}", 1, "not separated by commas"),
        ("{% reply a(x, x) %}{{ x }}{% endreply %}", 1, "`x` is already there"),
        ("{% reply a(customer) %}x{% endreply %}", 1, "`customer` is already there"),
        ("{% reply a(x=none, y) %}x{% endreply %}", 1, "`y` must be given but stands behind"),
        ("{% reply a(x=[1]) %}x{% endreply %}", 1, "default of `x` in reply a is not a plain word"),
        ("{% reply a() now %}x{% endreply %}", 1, "the header of reply a goes on"),
        ("{% reply a() %}\nx\n", 2, "unexpected end of template"),
        (REPLY + "{% reply b() %}x{% endreply %}", 3, "a reply stands inside another one"),
        (
            REPLY + "{% if v %}\na{% or %}b{% endif %}\n{% endreply %}",
            4,
            "`or` stands inside a block",
        ),
        (
            REPLY + "{% for x in v %}\n{% on sms %}b{% endfor %}\n{% endreply %}",
            4,
            "`on` stands inside",
        ),
        ("{% or %}x", 1, "`or` stands inside a block"),
        ("\n{% endreply %}", 2, "`endreply` closes nothing"),
        (REPLY + "{% endif %}{% endreply %}", 3, "unknown tag 'endif'"),
        (REPLY + "{% on sms %}a{% on web, sms %}b{% endreply %}", 3, "`on sms` stands twice"),
        (REPLY + "{% on %}a{% endreply %}", 3, "`on` needs a name"),
        (REPLY + "{% phrase p() %}x{% endphrase %}{% endreply %}", 3, "a phrase is written inside"),
        (
            "{% phrase p() %}x{% endphrase %}\n{% phrase p() %}y{% endphrase %}",
            2,
            "p is written twice",
        ),
        ("{% phrase p() %}\n{% button a %}A\n{% endphrase %}", 2, "the phrase `p` holds a button"),
        (REPLY + "{{ w }}{% endreply %}", 3, "`w` is not declared"),
        (REPLY + "{% if w %}{% endif %}{% endreply %}", 3, "`w` is not declared"),
        (REPLY + "{{ v.x }\n{% endreply %}", 3, "unexpected '}'"),
        (REPLY + "{% button %}A\n{% endreply %}", 3, "`button` has no id"),
        (REPLY + "{% button a b %}A\n{% endreply %}", 3, "followed by more than one word"),
        (REPLY + "{% button a %}\n{% endreply %}", 3, "`button` has no words"),
        (REPLY + "{% button 'größe' %}A\n{% endreply %}", 3, "id is not one plain word"),
        (REPLY + "{% button a %}A{% button b %}B\n{% endreply %}", 0, ""),
        (
            REPLY + "{% button a %}A {% if v %}\nB{% endif %}\n{% endreply %}",
            3,
            "line of `button` ends",
        ),
        (
            REPLY + "{% image 'https://x.example/a.png' %}\n{% endreply %}",
            3,
            "`image` has no words",
        ),
        (REPLY + "{% link %}Look\n{% endreply %}", 3, "`link` has no address"),
        (REPLY + "{% link 'x.html' %}Look\n{% endreply %}", 3, "an address that must not be used"),
        (REPLY + "{% link https://other.example/ %}Look\n{% endreply %}", 3, "must not be used"),
        (REPLY + "{% asked %}How?\n{% endreply %}", 1, "has `asked`, but this is not answers.j2"),
        (
            REPLY + "{% if v %}{% asked %}How?{% endif %}{% endreply %}",
            3,
            "`asked` stands inside a",
        ),
        (REPLY + "{% asked %}{{ v }}?\n{% endreply %}", 3, "an example question holds a value"),
        (REPLY + "{% asked %}\n{% endreply %}", 3, "`asked` has no question"),
        (
            "{% phrase p(a, b=1) %}x{% endphrase %}{% reply it() %}\n{{ p() }}{% endreply %}",
            2,
            "wrong v",
        ),
        (
            "{% phrase p(a) %}x{% endphrase %}{% reply it() %}\n{{ p(1, 2) }}{% endreply %}",
            2,
            "wrong v",
        ),
        (
            "{% phrase p(a) %}x{% endphrase %}{% reply it() %}\n{{ p(b=2) }}{% endreply %}",
            2,
            "wrong v",
        ),
        (
            "{% phrase p() %}x{% endphrase %}{% reply it() %}\n{{ p }}{% endreply %}",
            2,
            "used as a value",
        ),
    ],
)
def test_a_mistake_names_its_line(source, line, problem):
    """The sentence begins with the file and ends with the cure."""
    mistakes = check_source(source, file="shop.j2", allowed_domains=["x.example"])
    if not problem:
        assert mistakes == []
        return
    assert mistakes, source
    first = mistakes[0]
    assert problem in first.problem
    assert (first.file, first.line) == ("shop.j2", line)
    assert str(first).startswith(f"shop.j2:{line}: ")
    assert first.cure


def test_all_mistakes_of_a_voice_come_at_once(write):
    """In the order of files and lines, in one error."""
    root = write(
        {
            "en/shop.j2": "{% reply a() %}{{ x }}\n{{ y }}{% endreply %}{% reply b() %}{{ 2 ** 2 }}"
            "{% endreply %}",
            "en/Bad-Name.j2": "{% reply a() %}x{% endreply %}",
            "en/broken.j2": "{% reply a() %}",
            "en/words.toml": 'yes = ["yes"]\nmaybe = ["maybe"]\n',
            "de/words.toml": "yes = [\n",
            "de/answers.j2": "\n{% reply a(x) %}{{ x }}{% endreply %}",
            "English/x.j2": "",
        }
    )
    (root / "en" / "latin.j2").write_bytes(b"\xff\xfe")
    (root / "en" / "large.j2").write_text("x" * 40_000)
    with pytest.raises(VoiceMistakes) as caught:
        load_voice(root)
    found = [
        (str(m.file).removeprefix(str(root) + "/"), m.line, m.problem)
        for m in caught.value.mistakes
    ]
    assert [(file, line) for file, line, _ in found] == [
        ("English", 0),
        ("de/answers.j2", 2),
        ("de/answers.j2", 2),
        ("de/words.toml", 2),
        ("en/Bad-Name.j2", 0),
        ("en/broken.j2", 1),
        ("en/large.j2", 0),
        ("en/latin.j2", 0),
        ("en/shop.j2", 1),
        ("en/shop.j2", 2),
        ("en/shop.j2", 2),
        ("en/words.toml", 2),
    ]
    assert str(caught.value).count("\n") == len(found) - 1
    assert isinstance(caught.value, VoiceError)


@pytest.mark.parametrize(
    ("words", "line", "problem"),
    [
        ('yes = "yes"\n', 1, "`yes` is not a list of words"),
        ('no = ["no"]\nyes = ["ja", 1]\n', 2, "`yes` is not a list of words"),
        ('yes = ["!"]\n', 1, "`yes` holds an empty word"),
        ('\nordinals = "first"\n', 2, "`ordinals` is not a list"),
        ('ordinals = ["first"]\n', 1, "`ordinals` is not a list of words"),
        ('[numbers]\ntwo = "2"\n', 1, "`numbers` is not a table of numbers"),
        ("[numbers]\ntwo = true\n", 1, "`numbers` is not a table of numbers"),
    ],
)
def test_mistakes_in_words_name_their_line(write, words, line, problem):
    """The words that always work are checked like the rest."""
    with pytest.raises(VoiceMistakes) as caught:
        load_voice(write({"en/words.toml": words}))
    assert problem in caught.value.problem
    assert caught.value.line == line


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path, write):
    """With what to make."""
    with pytest.raises(VoiceMistakes, match="there is no such folder"):
        load_voice(tmp_path / "nowhere")
    with pytest.raises(VoiceMistakes, match="no folder for the default locale 'fr'"):
        load_voice(write({"en/shop.j2": ""}), default_locale="fr")
