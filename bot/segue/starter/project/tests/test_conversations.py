"""Conversations that must go on working.

A test is a transcript: it is played against the real bot, with a clock that stands still.
`…` stands for any words.
"""


async def test_a_return_that_begins_on_the_web_and_ends_by_sms(rehearse):
    """A customer changes the channel in the middle, and goes on where they were."""
    await rehearse(
        "web",
        """
        customer: I want to send something back
        bot:      …
        bot:      …A1001…
        customer: A1001
        bot:      …postcode…
        on sms
        customer: D02 AF30
        bot:      …
        bot:      …
        customer: the second
        bot:      …
        """,
    )


async def test_a_process_that_dies(rehearse):
    """Whatever is killed, the question stays open."""
    await rehearse(
        "web",
        """
        customer: where is my order?
        bot:      …
        bot:      …
        crash
        customer: A1002
        bot:      …postcode…
        """,
    )
