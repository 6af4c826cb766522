"""Conversations that must go on working. A test is a transcript: `segue` plays it for real."""


async def test_a_return_from_the_first_word_to_the_label(rehearse):
    """A customer sends a jacket back by post."""
    await rehearse(
        "web",
        """
        customer: I want to send this back
        bot:      …
        bot:      …order number…
        """,
    )
