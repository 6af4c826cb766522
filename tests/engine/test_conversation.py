"""What a customer can do in a conversation, each as the transcript of one.

The dialogs and the voice are those in `house/`.
"""

from __future__ import annotations

from types import ModuleType

import pytest

from segue.testing import Mismatch, Rehearsal


async def test_a_dialog_asks_and_uses_every_answer(rehearsal: Rehearsal) -> None:
    """A journey is led from the first words to the last, with buttons pressed and words typed."""
    await rehearsal.play(
        "web",
        """
        customer: i want to send something back
        bot:      Which order?
        customer: it's A1001 please
        bot:      Why does the lamp come back? [It is broken] [It is too big]
        customer: [It is broken]
        bot:      Send the lamp back? [Yes] [No]
        customer: yes
        bot:      Where shall the receipt go?
        customer: ada@example.com
        bot:      The receipt for A1001 (broken) goes to ada@example.com.
        bot:      How many stars?
        customer: 5
        bot:      Thank you.
        """,
    )
    assert await rehearsal.profile() == {"email": "ada@example.com"}
    assert (await rehearsal.state()).frames == []


async def test_buttons_become_numbers_on_sms(rehearsal: Rehearsal) -> None:
    """By SMS the options are numbered, and the number, the word or nearly the word will do."""
    await rehearsal.play(
        "sms",
        """
        customer: return an order
        bot:      Which order?
        customer: A1001
        bot:      Why does the lamp come back?
                  1. It is broken
                  2. It is too big
        customer: 2
        bot:      Send the lamp back? …
        customer: nope
        bot:      The lamp stays with you.
        """,
    )


async def test_what_was_said_already_is_not_asked(rehearsal: Rehearsal) -> None:
    """The words that begin a journey answer its first question if the answer is in them."""
    await rehearsal.play(
        "web",
        """
        customer: i want to send something back A1001
        bot:      Why does the lamp come back? …
        """,
    )


async def test_a_remembered_answer_is_not_asked_again(rehearsal: Rehearsal) -> None:
    """What stays true of the customer is asked once, however often the journey is made."""
    await rehearsal.play(
        "web",
        """
        customer: i want to send something back A1001
        bot:      …
        customer: 1
        bot:      …
        customer: yes
        bot:      Where shall the receipt go?
        customer: ada@example.com
        bot:      …
        bot:      …
        customer: 4
        bot:      Thank you.
        customer: i want to send something back A1002
        bot:      Why does the chair come back? …
        customer: 1
        bot:      …
        customer: yes
        bot:      The receipt for A1002 (broken) goes to ada@example.com.
        bot:      …
        """,
    )


async def test_the_conversation_goes_on_on_another_channel(rehearsal: Rehearsal) -> None:
    """A question asked on the web is answered by SMS, and nothing is repeated."""
    await rehearsal.play(
        "web",
        """
        customer: return an order
        bot:      Which order?
        on sms
        customer: A1001
        bot:      Why does the lamp come back? …
        """,
    )


async def test_it_goes_on_after_the_process_died(rehearsal: Rehearsal) -> None:
    """Another process knows the open question and the answers."""
    await rehearsal.play(
        "web",
        """
        customer: return an order
        bot:      Which order?
        crash
        customer: A1001
        bot:      Why does the lamp come back? …
        crash
        customer: too big
        bot:      Send the lamp back? …
        """,
    )


async def test_the_same_message_twice_is_answered_once(rehearsal: Rehearsal) -> None:
    """A platform that delivers a message again gets it accepted, and nothing happens."""
    await rehearsal.play(
        "sms",
        """
        customer: return an order
        bot:      Which order?
        again
        customer: A1001
        bot:      Why does the lamp come back? …
        again
        """,
    )


async def test_an_answer_that_was_not_understood(rehearsal: Rehearsal) -> None:
    """The retry line of the slot is said; after the limit of tries a way out is named."""
    await rehearsal.play(
        "web",
        """
        customer: return an order
        bot:      Which order?
        customer: the blue one
        bot:      An order number looks like A1001.
        customer: you know
        bot:      An order number looks like A1001.
        customer: the blue one there
        bot:      We are stuck. Call 0800 1234, or start over.
        customer: A1001
        bot:      Why does the lamp come back? …
        """,
    )


async def test_repair_words_work_in_every_dialog(rehearsal: Rehearsal) -> None:
    """Help, repeat, person and skip are answered, and the question stays open."""
    await rehearsal.play(
        "web",
        """
        customer: repeat
        bot:      I have not said anything yet.
        customer: return an order
        bot:      Which order?
        customer: say that again
        bot:      Which order?
        customer: Help!
        bot:      I can help with returns and sizes.
        bot:      Back to where we were.
                  Which order?
        customer: human
        bot:      Call 0800 1234.
        customer: skip
        bot:      I need this one.
        bot:      Which order?
        customer: A1001
        bot:      Why does the lamp come back? …
        """,
    )


async def test_cancelling(rehearsal: Rehearsal) -> None:
    """A journey that is called off is gone; with nothing open there is nothing to cancel."""
    await rehearsal.play(
        "web",
        """
        customer: cancel that
        bot:      There is nothing to cancel.
        customer: return an order
        bot:      Which order?
        customer: never mind
        bot:      Cancelled.
        customer: A1001
        bot:      I did not get that.
        """,
    )


async def test_a_dialog_tidies_up_when_it_is_called_off(
    rehearsal: Rehearsal, house: ModuleType
) -> None:
    """`except Cancelled` may use verbs; it works through a called dialog as well."""
    await rehearsal.play(
        "web",
        """
        customer: i want to buy a jacket
        bot:      How tall are you in cm?
        customer: never mind
        bot:      The jacket is free again.
        """,
    )
    assert [step for step, _key in house.DONE] == ["release jacket"]
    assert (await rehearsal.state()).frames == []


async def test_calling_another_dialog(rehearsal: Rehearsal) -> None:
    """The called dialog asks its own questions and its result comes back; a skip is None."""
    await rehearsal.play(
        "web",
        """
        customer: i want to buy a jacket
        bot:      How tall are you in cm?
        customer: 180
        bot:      At 180 cm you need an L.
        bot:      Anything the shop should know?
        customer: skip
        bot:      Ordered in L, with the note: none.
        """,
    )


async def test_going_back(rehearsal: Rehearsal) -> None:
    """Back takes the last answer back; what followed from it is asked anew only if it differs."""
    await rehearsal.play(
        "web",
        """
        customer: return an order
        bot:      Which order?
        customer: go back
        bot:      This is where we began.
        bot:      Which order?
        customer: A1001
        bot:      Why does the lamp come back? …
        customer: broken
        bot:      Send the lamp back? …
        customer: back
        bot:      Why does the lamp come back? …
        customer: too big
        bot:      Send the lamp back? …
        """,
    )


async def test_correcting_an_earlier_answer(rehearsal: Rehearsal, house: ModuleType) -> None:
    """A corrected number fetches the other order, under another key, and asks what differs."""
    await rehearsal.play(
        "web",
        """
        customer: return an order
        bot:      Which order?
        customer: A1001
        bot:      Why does the lamp come back? …
        customer: no, i meant A1002
        bot:      Changed.
        bot:      Why does the chair come back? …
        customer: too big
        bot:      Send the chair back? …
        """,
    )
    assert [step for step, _key in house.DONE] == ["fetch A1001", "fetch A1002"]
    assert house.DONE[0][1] != house.DONE[1][1]


async def test_a_final_step_closes_the_way_back(rehearsal: Rehearsal, house: ModuleType) -> None:
    """After a final step a correction is refused by a named reply, and nothing is done again."""
    await rehearsal.play(
        "web",
        """
        customer: i want to send something back A1001
        bot:      …
        customer: broken
        bot:      …
        customer: yes
        bot:      Where shall the receipt go?
        customer: ada@example.com
        bot:      …
        bot:      How many stars?
        customer: no, i meant A1002
        bot:      That is done and cannot be changed here.
        bot:      How many stars?
        customer: back
        bot:      That is done and cannot be changed here.
        bot:      How many stars?
        """,
    )
    assert [step for step, _key in house.DONE] == ["fetch A1001", "pay A1001"]


async def test_a_question_in_the_middle_of_a_journey(rehearsal: Rehearsal) -> None:
    """An answer without code is given, then the open question is asked again."""
    await rehearsal.play(
        "web",
        """
        customer: return an order
        bot:      Which order?
        customer: how long does delivery take
        bot:      Two days. [Send something back]
        bot:      Back to where we were.
                  Which order?
        customer: A1001
        bot:      Why does the lamp come back? …
        """,
    )


async def test_a_journey_in_the_middle_of_another(rehearsal: Rehearsal) -> None:
    """A second journey is gone through, then the first goes on at its question."""
    await rehearsal.play(
        "web",
        """
        customer: return an order
        bot:      Which order?
        customer: help me with the size
        bot:      How tall are you in cm?
        customer: 180
        bot:      At 180 cm you need an L.
        bot:      Back to where we were.
                  Which order?
        customer: A1001
        bot:      Why does the lamp come back? …
        """,
    )


async def test_a_single_word_is_no_digression(rehearsal: Rehearsal) -> None:
    """While a question is open, one word is an answer that was not understood."""
    await rehearsal.play(
        "web",
        """
        customer: return an order
        bot:      Which order?
        customer: size
        bot:      An order number looks like A1001.
        """,
    )


async def test_the_second_time_not_understood_a_person_is_offered(rehearsal: Rehearsal) -> None:
    """Two messages in a row that nobody understands lead to a person."""
    await rehearsal.play(
        "web",
        """
        customer: purple monkey dishwasher
        bot:      I did not get that.
        customer: colourless green ideas
        bot:      Shall a person help? Call 0800 1234.
        """,
    )


async def test_an_answer_may_lead_into_a_journey(rehearsal: Rehearsal) -> None:
    """A button under an answer begins the dialog it names, pressed or by number."""
    await rehearsal.play(
        "sms",
        """
        customer: how long does delivery take
        bot:      Two days.
                  1. Send something back
        customer: 1
        bot:      Which order?
        """,
    )


async def test_timers(rehearsal: Rehearsal) -> None:
    """A reminder rings once, a wait ends when its time is up, a question that waits too long is
    given up; all of it also after the process died."""
    await rehearsal.play(
        "web",
        """
        customer: tell me when it is ready
        bot:      I will tell you.
        later 10 minutes
        crash
        later 21 minutes
        bot:      Still waiting, as you are.
        later 10 minutes
        customer: opening hours
        bot:      Every day from nine to six.
        later 20 minutes
        bot:      It is ready. When do you come?
        later 11 minutes
        bot:      It stays here for you.
        later 2 days
        """,
    )


async def test_beginning_anew_keeps_the_journal_short(rehearsal: Rehearsal) -> None:
    """`restart` takes values along and forgets the rest: turn 50 is as short as turn 2."""
    await rehearsal.play("web", "customer: count with me\nbot: Give me a number.")
    for total in range(1, 30):
        said = await rehearsal.say("1")
        assert [str(message) for message in said] == [
            f"That makes {total}.",
            "Give me a number.",
        ]
    frame = (await rehearsal.state()).frames[-1]
    assert frame.values == {"so_far": 29}
    assert len(frame.journal.entries) == 0


async def test_a_step_that_fails_is_tried_again_when_they_write_again(
    rehearsal: Rehearsal, house: ModuleType
) -> None:
    """Nothing they said is lost: the same step is done again under the same key."""
    house.FAIL["fetch"] = 1
    await rehearsal.play(
        "web",
        """
        customer: return an order
        bot:      Which order?
        customer: A1001
        bot:      That did not work just now. Write again and I will try once more.
        customer: ok try again
        bot:      Why does the lamp come back? …
        """,
    )
    first, second = house.DONE
    assert first == second


async def test_a_step_that_fails_again_ends_the_journey(
    rehearsal: Rehearsal, house: ModuleType
) -> None:
    """The second time the journey is given up, with a named reply."""
    house.FAIL["fetch"] = 2
    await rehearsal.play(
        "web",
        """
        customer: return an order
        bot:      Which order?
        customer: A1001
        bot:      That did not work just now. …
        customer: again please
        bot:      Something went wrong on our side.
        """,
    )
    assert (await rehearsal.state()).frames == []


async def test_a_failure_may_be_handled_by_the_dialog(
    rehearsal: Rehearsal, house: ModuleType
) -> None:
    """`except StepFailed` is the dialog's own way to go on."""
    house.FAIL["fetch"] = 1
    await rehearsal.play(
        "web",
        """
        customer: be careful please now
        bot:      Which order?
        customer: A1001
        bot:      The shop is closed.
        """,
    )


async def test_a_broken_dialog_is_answered_and_left(
    rehearsal: Rehearsal, caplog: pytest.LogCaptureFixture
) -> None:
    """An error in a dialog becomes a named reply; no word of it reaches the customer or the log."""
    await rehearsal.play(
        "web",
        """
        customer: break it
        bot:      Give me a number.
        customer: 3
        bot:      Something went wrong on our side.
        customer: return an order
        bot:      Which order?
        """,
    )
    assert "secret" not in caplog.text
    assert "customer@example.com" not in "".join(str(vars(record)) for record in caplog.records)


async def test_a_rehearsal_says_what_differs(rehearsal: Rehearsal) -> None:
    """A script that expects something else fails with the line and the conversation so far."""
    with pytest.raises(Mismatch, match=r"expected: Which lamp\?\n +bot said: Which order\?"):
        await rehearsal.play("web", "customer: return an order\nbot: Which lamp?")


async def test_what_they_said_before_did_you_mean_counts(rehearsal: Rehearsal) -> None:
    """Taking up "did you mean" begins the journey with the words that led to the question."""
    await rehearsal.play(
        "sms",
        """
        customer: something return A1001 size
        bot:      Did you mean one of these?
                  1. Send back
                  2. Size
        customer: 1
        bot:      Why does the lamp come back? …
        """,
    )


async def test_back_with_nothing_open(rehearsal: Rehearsal) -> None:
    """There is nothing to go back in."""
    await rehearsal.play("web", "customer: go back\nbot: There is nothing to skip.")
