"""A voice as a whole: locales, answers, words, versions, and saving a file while it runs."""

from __future__ import annotations

import pytest

from segue.errors import VoiceError
from segue.voice import CustomerView, Voice, load_voice, plain, reload_voice

FILES = {
    "en/common.j2": "{% phrase name(n) %}{% if n %}, {{ n }}{% endif %}{% endphrase %}"
    "{% reply hello() %}Hello{{ name(customer.name) }}!{% endreply %}"
    "{% reply only_english() %}English{% endreply %}",
    "en/shop.j2": "{% reply it() %}shop it{% endreply %}"
    "{% reply hello() %}Shop hello{% endreply %}",
    "en/answers.j2": "{% reply delivery() %}\n{% asked %}how long does  delivery take\n"
    "{% asked %}when will it arrive?\nTwo days.\n{% endreply %}"
    "{% reply sizes() %}{% asked %}what sizes\nAll.\n{% endreply %}",
    "en/words.toml": 'yes = ["Yes!", "yep"]\nno = ["no"]\ncorrect = ["no, i meant", "actually"]\n'
    'ordinals = [["1", "first"], ["2", "Second"]]\n[numbers]\n"a dozen" = 12\n',
    "de/common.j2": "{% phrase name(n) %}{% if n %} {{ n }}{% endif %}{% endphrase %}"
    "{% reply hello() %}Hallo{{ name(customer.name) }}!{% endreply %}",
    "de/answers.j2": "{% reply delivery() %}{% asked %}wie lange dauert die Lieferung\n"
    "Zwei Tage.\n{% endreply %}",
    "de/words.toml": 'yes = ["ja"]\nno = ["nein"]\n',
    "de-AT/common.j2": "{% reply servus() %}Servus{{ name(customer.name) }}!{% endreply %}",
    "de-AT/words.toml": 'yes = ["jo"]\n',
}


@pytest.fixture
def voice(write) -> Voice:
    return load_voice(write(FILES))


def words(voice: Voice, name: str, locale: str, dialog: str = "") -> str:
    customer = CustomerView(name="Ada")
    return plain(voice.render(name, dialog=dialog, locale=locale, customer=customer).message)


def test_locales_fall_back_to_their_language_and_then_to_the_default(voice):
    """`de-AT`, then `de`, then the default; an unknown one is the default."""
    assert voice.locales == ("en", "de", "de-AT")
    assert words(voice, "servus", "de-AT") == "Servus Ada!"
    assert words(voice, "hello", "de-AT") == "Hallo Ada!"
    assert words(voice, "hello", "de_CH") == "Hallo Ada!"
    assert words(voice, "only_english", "de-AT") == "English"
    assert words(voice, "hello", "fr") == "Hello, Ada!"
    assert words(voice, "hello", "") == "Hello, Ada!"
    assert voice.render("only_english", locale="de").locale == "en"


def test_a_dialog_is_asked_before_what_is_common(voice):
    """But its language comes first: nobody is answered in English because a dialog was."""
    assert words(voice, "hello", "en", dialog="shop") == "Shop hello"
    assert words(voice, "hello", "en", dialog="other") == "Hello, Ada!"
    assert words(voice, "hello", "de", dialog="shop") == "Hallo Ada!"
    assert words(voice, "common/hello", "en", dialog="shop") == "Hello, Ada!"
    assert words(voice, "answers/delivery", "de-AT") == "Zwei Tage."
    assert voice.render("hello", dialog="shop").reply == "shop/hello"
    assert voice.has("it", dialog="shop")
    assert not voice.has("it")
    assert not voice.has("it", dialog="shop/it")


def test_answers_come_with_their_questions(voice):
    """In the locale's own words, or the default's where it has none."""
    assert voice.answers("de-AT") == [
        ("delivery", ("wie lange dauert die Lieferung",)),
        ("sizes", ("what sizes",)),
    ]
    assert dict(voice.answers("en"))["delivery"] == (
        "how long does delivery take",
        "when will it arrive?",
    )
    assert words(voice, "answers/delivery", "en") == "Two days."


def test_many_answers_have_several_files(write):
    """`answers_shipping.j2` holds answers like `answers.j2`; a name stands in one of them."""
    more = "{% reply parcels() %}{% asked %}lost parcel\nWe look.{% endreply %}"
    root = write({**FILES, "en/answers_shipping.j2": more})
    assert "parcels" in dict(load_voice(root).answers("en"))
    write({"en/answers_shipping.j2": "\n" + FILES["en/answers.j2"]})
    with pytest.raises(VoiceError, match=r"answers_shipping\.j2:2: the answer delivery is written"):
        load_voice(root)


def test_words_are_normalised_and_fall_back_within_their_language(voice):
    """`de-AT` adds to `de`; what a locale leaves out of its own language is not English."""
    english = voice.words("en-GB")
    assert english.yes == {"yes", "yep"}
    assert english.ordinals == (frozenset({"1", "first"}), frozenset({"2", "second"}))
    assert english.numbers == {"a dozen": 12}
    assert english.correct == ("no, i meant", "actually")
    austrian = voice.words("de-AT")
    assert (austrian.locale, austrian.yes, austrian.no) == ("de-AT", {"jo"}, {"nein"})
    assert voice.words("fr").locale == "en"


def test_replies_say_what_they_declare(write):
    """Names, values, buttons, lines and locales, for checks and pages."""
    voice = load_voice(
        write(
            {
                "en/shop.j2": "\n{% reply it(a, b=none) %}\n{{ a }}\n{% button x %}X\n"
                "{% on sms %}\nShort\n{% endreply %}",
                "de/shop.j2": "{% reply it(a) %}{{ a }}{% endreply %}",
            }
        )
    )
    info = voice.replies("en")[0]
    assert (info.dialog, info.name, info.line, info.channels) == ("shop", "it", 2, ("sms",))
    assert [(value.name, value.optional) for value in info.values] == [("a", False), ("b", True)]
    assert [(button.id, button.line) for button in info.buttons] == [("x", 4)]
    assert info.used == {"a"}
    assert info.locales == ("en", "de")
    assert len(voice.replies()) == 2


def test_the_same_files_have_the_same_number(write):
    """So every process names its version alike; a changed word changes it."""
    root = write(FILES)
    first = load_voice(root)
    assert load_voice(root).version == first.version
    assert 0 < first.version < 2**31
    (root / "en" / "shop.j2").write_text("{% reply it() %}new{% endreply %}")
    assert load_voice(root).version != first.version
    assert load_voice(root, version=7).version == 7


def test_saving_a_file_makes_a_new_voice_and_leaves_the_old_one(write):
    """Only what changed is read again; nothing changed is the same voice."""
    root = write(FILES)
    old = load_voice(root)
    assert reload_voice(old, root) is old
    (root / "en" / "shop.j2").write_text("{% reply it() %}new words{% endreply %}")
    new = reload_voice(old, root)
    assert isinstance(new, Voice)
    assert words(new, "it", "en", dialog="shop") == "new words"
    assert words(old, "it", "en", dialog="shop") == "shop it"
    key = str(root / "de" / "common.j2")
    assert new.sources[key] is old.sources[key]


def test_a_changed_phrase_changes_every_file_that_prints_it(write):
    """Also those that were not saved themselves."""
    root = write(
        {
            "en/common.j2": "{% phrase p() %}old{% endphrase %}",
            "en/shop.j2": "{% reply it() %}{{ p() }}{% endreply %}",
        }
    )
    voice = load_voice(root)
    (root / "en" / "common.j2").write_text("{% phrase p() %}new{% endphrase %}")
    changed = reload_voice(voice, root)
    assert isinstance(changed, Voice)
    assert words(changed, "it", "en", dialog="shop") == "new"


def test_a_mistake_while_saving_leaves_the_old_voice_speaking(write):
    """The mistakes come back with file and line; a removed file is noticed, too."""
    root = write(FILES)
    voice = load_voice(root)
    file = root / "en" / "shop.j2"
    file.write_text("{% reply it() %}\n{{ x }}{% endreply %}")
    mistakes = reload_voice(voice, root)
    assert isinstance(mistakes, tuple)
    assert [(mistake.file, mistake.line) for mistake in mistakes] == [(str(file), 2)]
    assert words(voice, "it", "en", dialog="shop") == "shop it"
    file.unlink()
    without = reload_voice(voice, root)
    assert isinstance(without, Voice)
    assert not without.has("it", dialog="shop")


def test_a_reply_that_fails_falls_back_to_its_last_good_version(write):
    """Named in what comes back, so that the transcript tells the truth."""
    source = "{% reply it(v) %}old {{ v.a }}{% endreply %}"
    root = write({"en/shop.j2": source})
    old = load_voice(root)
    (root / "en" / "shop.j2").write_text("{% reply it(v) %}new {{ v.b }}{% endreply %}")
    new = reload_voice(old, root)
    assert isinstance(new, Voice)
    rendered = new.render("it", dialog="shop", values={"v": {"a": 1}})
    assert plain(rendered.message) == "old 1"
    assert rendered.version == old.version
    assert "there is no field 'b'" in rendered.problems[0]
    with pytest.raises(VoiceError, match="no field 'b'"):
        new.render("it", dialog="shop", values={"v": {}})
