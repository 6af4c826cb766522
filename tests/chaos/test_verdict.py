"""The judge judges: what is wrong on purpose is found, each by the invariant it breaks."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy

import pytest
from verdict import Evidence, Line, judge

from segue.dialog.journal import Answered, Journal
from segue.engine.state import Fact, Frame, State


def calm() -> Evidence:
    """Return a short run in which nothing is wrong."""
    return Evidence(
        acked=[("m1", "hello"), ("m2", "A1001")],
        lines=[
            Line("customer", "m1", "", "hello"),
            Line("bot", "1-1", "errand/gladly", "Gladly."),
            Line("bot", "1-2", "errand/ask_number", "Which number?"),
            Line("customer", "m2", "", "A1001"),
            Line("bot", "2-1", "errand/found", "Found."),
        ],
        sent=[("1-1", "Gladly."), ("1-2", "Which number?"), ("2-1", "Found.")],
        steps=[("reserve", "A1001", "k1"), ("price", "A1001", "k2")],
        receipts=[("1-1", "sent"), ("1-2", "sent"), ("2-1", "sent")],
        turns=2,
        version=3,
        state=State(
            frames=[
                Frame(
                    dialog="errand",
                    instance="1.1",
                    journal=Journal(entries={"ask:ask_number#1": Answered("A1001", "number")}),
                )
            ],
            profile={"email": Fact("a@example.com", 1, "phone", "errand")},
        ),
    )


def lose_a_message(seen: Evidence) -> None:
    del seen.lines[3]


def double_a_message(seen: Evidence) -> None:
    seen.lines.insert(4, seen.lines[3])


def swap_messages(seen: Evidence) -> None:
    seen.lines[0], seen.lines[3] = seen.lines[3], seen.lines[0]


def double_a_line(seen: Evidence) -> None:
    seen.lines.append(seen.lines[-1])


def another_key(seen: Evidence) -> None:
    seen.steps.append(("price", "A1001", "k3"))


def a_step_again_without_a_death(seen: Evidence) -> None:
    seen.steps.append(seen.steps[-1])


def close_a_row_twice(seen: Evidence) -> None:
    seen.receipts.append(seen.receipts[0])


def never_send(seen: Evidence) -> None:
    del seen.sent[1], seen.receipts[1]


def send_again_without_a_death(seen: Evidence) -> None:
    seen.sent.append(seen.sent[-1])


def send_three_times(seen: Evidence) -> None:
    seen.kills = 5
    seen.sent += [seen.sent[-1]] * 2


def send_what_nobody_said(seen: Evidence) -> None:
    seen.sent.append(("9-9", "Boo."))


def send_other_words(seen: Evidence) -> None:
    seen.sent[1] = ("1-2", "Which letter?")


def send_out_of_order(seen: Evidence) -> None:
    seen.sent.reverse()


def repeat_out_of_order(seen: Evidence) -> None:
    seen.kills = 1
    seen.sent.append(seen.sent[0])


def leave_a_message(seen: Evidence) -> None:
    seen.waiting = 1


def leave_a_row(seen: Evidence) -> None:
    seen.unsent = 1


def park_a_message(seen: Evidence) -> None:
    seen.dead = 1


def be_due_for_nothing(seen: Evidence) -> None:
    seen.due = True


def say_less(seen: Evidence) -> None:
    del seen.lines[-1], seen.sent[-1]


def do_less(seen: Evidence) -> None:
    del seen.steps[-1]


def forget_an_answer(seen: Evidence) -> None:
    seen.state.frames[0].journal.entries.clear()


def forget_a_fact(seen: Evidence) -> None:
    seen.state.profile.clear()


@pytest.mark.parametrize(
    ("spoil", "invariant"),
    [
        (lose_a_message, "I1"),
        (double_a_message, "I1"),
        (swap_messages, "I1"),
        (double_a_line, "I2"),
        (another_key, "I2"),
        (a_step_again_without_a_death, "I2"),
        (close_a_row_twice, "I2"),
        (never_send, "I3"),
        (send_again_without_a_death, "I3"),
        (send_three_times, "I3"),
        (send_what_nobody_said, "I3"),
        (send_other_words, "I10"),
        (send_out_of_order, "I4"),
        (repeat_out_of_order, "I4"),
        (leave_a_message, "I9"),
        (leave_a_row, "I9"),
        (park_a_message, "I9"),
        (be_due_for_nothing, "I9"),
        (say_less, "="),
        (do_less, "="),
        (forget_an_answer, "="),
        (forget_a_fact, "="),
    ],
)
def test_what_is_wrong_is_found(spoil: Callable[[Evidence], None], invariant: str) -> None:
    """Each way of being wrong is named by its invariant."""
    seen = deepcopy(calm())
    assert judge(seen, calm()) == []
    spoil(seen)
    assert [word.partition(":")[0] for word in judge(seen, calm())].count(invariant) == 1


def test_a_death_allows_one_step_and_one_send_again() -> None:
    """After a death the step that was not recorded and the row that was not settled may recur."""
    seen = calm()
    seen.kills = 1
    seen.steps.append(seen.steps[-1])
    seen.sent.append(seen.sent[-1])
    assert judge(seen, calm()) == []
    seen.steps.append(seen.steps[0])
    assert judge(seen, calm()) != []


def test_a_row_may_end_as_unknown() -> None:
    """A row that was never seen outside is accounted for by its receipt."""
    seen = calm()
    del seen.sent[-1]
    seen.receipts[-1] = ("2-1", "unknown")
    assert judge(seen, calm()) == []


def test_in_a_crowd_questions_may_be_missing_and_nothing_else() -> None:
    """A question that was answered before it could be shown is missing; a statement never is."""
    seen = calm()
    del seen.lines[2], seen.sent[1], seen.receipts[1]
    assert judge(seen, calm(), crowd=True) == []
    assert judge(seen, calm()) != []
    seen = calm()
    del seen.lines[1], seen.sent[0], seen.receipts[0]
    assert judge(seen, calm(), crowd=True) != []
