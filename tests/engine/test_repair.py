"""What people say at a question that is neither its answer nor nonsense, each as a transcript.

The dialogs and the voice are those in `house/`.
"""

from __future__ import annotations

import pytest

from segue.engine.correcting import without_opening
from segue.testing import Rehearsal
from segue.words import parse_words

CONFIRMING = """
        customer: return an order
        bot:      Which order?
        customer: A1001
        bot:      Why does the lamp come back? …
        customer: 1
        bot:      Send the lamp back? …
"""


@pytest.mark.parametrize(
    "said", ["It is too big", "too big", "no, too big", "No, I meant too big", "sorry, too big"]
)
async def test_another_option_corrects_an_earlier_choice(rehearsal: Rehearsal, said: str) -> None:
    """At a later question the name of another option replaces the one that was chosen."""
    await rehearsal.play(
        "web",
        f"""{CONFIRMING}
        customer: {said}
        bot:      Changed.
        bot:      Send the lamp back? [Yes] [No]
        customer: yes
        bot:      Where shall the receipt go?
        customer: ada@example.com
        bot:      The receipt for A1001 (too_big) goes to ada@example.com.
        bot:      …
        """,
    )


async def test_an_option_may_follow_an_opening_loosely(rehearsal: Rehearsal) -> None:
    """After "I meant", nearly the name of an option will do, as it would at its own question."""
    await rehearsal.play(
        "web",
        f"""{CONFIRMING}
        customer: yes
        bot:      Where shall the receipt go?
        customer: sorry, I meant that it is way too big for me
        bot:      Changed.
        bot:      Where shall the receipt go?
        """,
    )


async def test_no_with_a_value_corrects_and_refuses_nothing(rehearsal: Rehearsal) -> None:
    """ "No, A1002" at a yes-or-no is another order, not the end of the journey."""
    await rehearsal.play(
        "web",
        f"""{CONFIRMING}
        customer: no, A1002
        bot:      Changed.
        bot:      Why does the chair come back? …
        """,
    )


@pytest.mark.parametrize("said", ["no", "no, leave it", "nope"])
async def test_a_plain_no_is_a_no(rehearsal: Rehearsal, said: str) -> None:
    """What names nothing else refuses."""
    await rehearsal.play(
        "web",
        f"""{CONFIRMING}
        customer: {said}
        bot:      The lamp stays with you.
        """,
    )


async def test_whoever_hesitates_has_not_decided(rehearsal: Rehearsal) -> None:
    """ "No, wait" ends nothing."""
    await rehearsal.play(
        "web",
        f"""{CONFIRMING}
        customer: no wait
        bot:      That was not it. …
        customer: yes
        bot:      Where shall the receipt go?
        """,
    )


async def test_a_button_of_an_earlier_question_corrects_it(rehearsal: Rehearsal) -> None:
    """Pressing another button of a question that is settled answers that one anew."""
    await rehearsal.play(
        "web",
        f"""{CONFIRMING}
        customer: [It is too big]
        bot:      Changed.
        bot:      Send the lamp back? …
        customer: [It is too big]
        bot:      Send the lamp back? …
        """,
    )


async def test_the_same_answer_again_changes_nothing(rehearsal: Rehearsal) -> None:
    """An answer that comes twice is not called a change; the open question is asked again."""
    await rehearsal.play(
        "web",
        """
        customer: return an order
        bot:      Which order?
        customer: A1001
        bot:      Why does the lamp come back? …
        customer: A1001
        bot:      Why does the lamp come back? …
        customer: no, A1001
        bot:      Why does the lamp come back? …
        """,
    )


async def test_a_free_text_is_said_anew_before_it_is_confirmed(rehearsal: Rehearsal) -> None:
    """Another sentence at its confirmation replaces a text, also with an order's like in it."""
    await rehearsal.play(
        "web",
        """
        customer: deliver it to another place
        bot:      Which order?
        customer: A1001
        bot:      Where to?
        customer: the old mill
        bot:      To: the old mill. Right? …
        customer: the new mill, gate B2000, behind the church
        bot:      Changed.
        bot:      To: the new mill, gate B2000, behind the church. Right? …
        customer: sorry, I meant the church itself
        bot:      Changed.
        bot:      To: the church itself. Right? …
        customer: no, the order is A1002
        bot:      Changed.
        bot:      To: the church itself. Right? …
        customer: yes
        bot:      A1002 goes to: the church itself.
        """,
    )


async def test_a_question_is_no_free_text_said_anew(rehearsal: Rehearsal) -> None:
    """Who asks something at a confirmation has not given another text."""
    await rehearsal.play(
        "web",
        """
        customer: deliver it to another place A1001
        bot:      Where to?
        customer: the old mill
        bot:      To: the old mill. Right? …
        customer: will somebody be there then?
        bot:      That was not it. …
        """,
    )


async def test_a_correction_is_heard_at_a_free_text(rehearsal: Rehearsal) -> None:
    """A free text takes any words, but not those that say that an earlier answer was wrong."""
    await rehearsal.play(
        "web",
        """
        customer: deliver it to another place
        bot:      Which order?
        customer: A1001
        bot:      Where to?
        customer: sorry, A1002
        bot:      Changed.
        bot:      Where to?
        customer: the old mill
        bot:      To: the old mill. Right? …
        customer: yes
        bot:      A1002 goes to: the old mill.
        """,
    )


async def test_thanks_is_no_answer(rehearsal: Rehearsal) -> None:
    """A word that is an example as it stands is answered, and the question asked again."""
    await rehearsal.play(
        "web",
        """
        customer: return an order
        bot:      Which order?
        customer: thanks
        bot:      You are welcome.
        bot:      Back to where we were.
                  Which order?
        customer: lamp
        bot:      An order number looks like A1001.
        """,
    )


async def test_goodbye_leaves_the_question_in_its_place(rehearsal: Rehearsal) -> None:
    """Whoever leaves in the middle is told that it waits, and not asked again."""
    await rehearsal.play(
        "web",
        """
        customer: return an order
        bot:      Which order?
        customer: bye!
        bot:      I will keep our place.
        customer: A1001
        bot:      Why does the lamp come back? …
        """,
    )


async def test_goodbye_with_nothing_open_is_small_talk(rehearsal: Rehearsal) -> None:
    """There is no place to keep."""
    await rehearsal.play("web", "customer: bye\nbot: I did not get that.")


async def test_a_refusal_is_no_wrong_answer(rehearsal: Rehearsal) -> None:
    """ "No" where something is asked means that they do not want to say."""
    await rehearsal.play(
        "web",
        """
        customer: return an order
        bot:      Which order?
        customer: nope
        bot:      I need this one.
        bot:      Which order?
        """,
    )


async def test_a_question_mark_asks_for_it_again(rehearsal: Rehearsal) -> None:
    """A question mark alone means "what did you say?"."""
    await rehearsal.play(
        "web",
        """
        customer: return an order
        bot:      Which order?
        customer: ??
        bot:      Which order?
        """,
    )


async def test_help_explains_the_question_that_is_open(rehearsal: Rehearsal) -> None:
    """Where the writers explain a question, help says that instead of what is possible here."""
    await rehearsal.play(
        "web",
        """
        customer: deliver it to another place A1001
        bot:      Where to?
        customer: help
        bot:      Any place in town, in your own words.
        bot:      Where to?
        customer: skip
        bot:      Any place in town, in your own words.
        bot:      Where to?
        """,
    )


async def test_a_journey_asked_for_again_goes_on(rehearsal: Rehearsal) -> None:
    """Who says once more what they want is asked the open question, which is no failed try."""
    await rehearsal.play(
        "web",
        """
        customer: return an order
        bot:      Which order?
        customer: return an order
        bot:      Which order?
        customer: i want to send something back
        bot:      Which order?
        customer: return an order
        bot:      Which order?
        customer: return an order A1001
        bot:      Why does the lamp come back? …
        """,
    )


async def test_asking_for_the_first_journey_leaves_the_one_in_between(
    rehearsal: Rehearsal,
) -> None:
    """What was asked in the middle of a journey is dropped when they ask for the journey."""
    await rehearsal.play(
        "web",
        """
        customer: return an order
        bot:      Which order?
        customer: help me with the size
        bot:      How tall are you in cm?
        customer: return an order
        bot:      Back to where we were.
                  Which order?
        """,
    )
    assert [frame.dialog for frame in (await rehearsal.state()).frames] == ["send_back"]


async def test_another_journey_comes_before_a_value_in_passing(rehearsal: Rehearsal) -> None:
    """An order named with another wish belongs to that wish; the one before keeps its own."""
    await rehearsal.play(
        "web",
        """
        customer: return an order A1001
        bot:      Why does the lamp come back? …
        customer: deliver it to another place A1002
        bot:      Where to?
        customer: never mind
        bot:      Cancelled.
        bot:      Back to where we were.
                  Why does the lamp come back? [It is broken] [It is too big]
        """,
    )


async def test_back_leaves_a_called_dialog_at_its_first_question(rehearsal: Rehearsal) -> None:
    """Before it comes the question whose answer led there; where there is none, it stays."""
    await rehearsal.play(
        "web",
        """
        customer: i have an errand
        bot:      What is it? …
        customer: find my size
        bot:      How tall are you in cm?
        customer: back
        bot:      What is it? [Find my size] [Count something]
        customer: 2
        bot:      Give me a number.
        customer: cancel
        bot:      Cancelled.
        customer: i want to buy a jacket
        bot:      How tall are you in cm?
        customer: back
        bot:      This is where we began.
        bot:      How tall are you in cm?
        """,
    )


async def test_a_hidden_number_is_spoken_of(rehearsal: Rehearsal) -> None:
    """Who pastes a card number is told that it was hidden; the open question stays open."""
    await rehearsal.play(
        "web",
        """
        customer: return an order
        bot:      Which order?
        customer: 4111 1111 1111 1111
        bot:      I have hidden that number.
        bot:      Which order?
        """,
    )


@pytest.mark.parametrize(
    ("text", "opening", "rest"),
    [
        ("No, I meant A1002", "no, i meant", "A1002"),
        ("no, sorry, actually A1002", "actually", "A1002"),
        ("nothing", "", "nothing"),
        ("no", "", "no"),
        ("A1002", "", "A1002"),
        ("Sorry - the shop", "sorry", "the shop"),
    ],
)
def test_openings(text: str, opening: str, rest: str) -> None:
    """All openings are taken off, as whole words, and something must follow."""
    words = parse_words("en", {"correct": ["no, i meant", "i meant", "actually", "no,", "sorry,"]})
    assert without_opening(text, words) == (opening, rest)
