# ruff: noqa: E501 - a line of a script is what was said, however long
"""The sample company's journeys, as a support lead would read them aloud.

"…" stands for words that may vary: a date, a code, one of several wordings.
"""

from __future__ import annotations

from segue.testing.plugin import Rehearse


async def test_a_return_by_post_on_the_web(rehearse: Rehearse) -> None:
    """Number, proof, reason, way, e-mail, yes: six answers and the label is on its way."""
    stage = await rehearse(
        "web",
        """
        customer: I want to send something back
        bot:      You're writing with Tarnwood's automated assistant. …
        bot:      …order number…
        customer: A1001
        bot:      …postcode or e-mail…
        customer: d02 af30
        bot:      Why are you sending back the Ridge Jacket? [Wrong size] [Arrived damaged] [Changed my mind]
        customer: [Wrong size]
        bot:      Both are free: by post with a label, or over the counter in Dublin or Hamburg. Which suits you better? [By post] [In a shop]
        customer: by post
        bot:      …e-mail address…
        customer: ada@example.com
        bot:      So you're sending back the Ridge Jacket by post, and the label goes to ada@example.com. Shall I make it? [Yes] [No]
        customer: yes please
        bot:      Done: your label L… is on its way to ada@example.com. …
        """,
    )
    assert (await stage.profile())["email"] == "ada@example.com"


async def test_a_return_over_the_counter_by_sms(rehearse: Rehearse) -> None:
    """By SMS the choices are numbered; a proof by e-mail is enough; the shop is told."""
    await rehearse(
        "sms",
        """
        customer: return A1003
        bot:      This is Tarnwood's automated assistant. For a human, text PERSON.
        bot:      …postcode or e-mail…
        customer: ada@example.com
        bot:      Found it. Which one is coming back? 1. Fern Shirt 2. Heath Trousers 3. Moss Socks
        customer: the second one
        bot:      Why are you sending back the Heath Trousers? 1. Wrong size 2. Arrived damaged 3. Changed my mind
        customer: 3
        bot:      Both are free. Which suits you better? 1. By post 2. In a shop
        customer: shop
        bot:      So you'll bring the Heath Trousers to one of our shops. Shall I tell them? 1. Yes 2. No
        customer: y
        bot:      Done: show R… at the till by … and hand over the Heath Trousers. You get your money back there and then.
        """,
    )


async def test_an_email_that_proved_the_order_is_not_asked_again(rehearse: Rehearse) -> None:
    """Who opens the order with an e-mail address gets the label there without being asked."""
    await rehearse(
        "web",
        """
        customer: return A1001
        bot:      …
        bot:      …postcode or e-mail…
        customer: ada@example.com
        bot:      Why are you sending back the Ridge Jacket? …
        customer: damaged
        bot:      Both are free: …
        customer: post
        bot:      So you're sending back the Ridge Jacket by post, and the label goes to ada@example.com. …
        customer: no
        bot:      All right, nothing was sent. …
        """,
    )


async def test_a_return_in_german(rehearse: Rehearse) -> None:
    """German is answered in German, to the end."""
    await rehearse(
        "web",
        """
        customer: ich möchte etwas zurückschicken
        bot:      Hier schreibt der automatische Assistent von Tarnwood. …
        bot:      …A1001…
        customer: A1011
        bot:      …Postleitzahl oder E-Mail…
        customer: 20095
        bot:      Was ist mit „Summit Tent“ nicht in Ordnung? [Falsche Größe] [Kam beschädigt an] [Gefällt mir doch nicht]
        customer: kam beschädigt an
        bot:      Beides kostet dich nichts: … [Per Post] [Im Laden]
        customer: Im Laden
        bot:      Also: Du bringst „Summit Tent“ in einen unserer Läden. Soll ich dort Bescheid geben? [Ja] [Nein]
        customer: ja
        bot:      Erledigt: Zeig bis zum … den Code R… an der Kasse und gib „Summit Tent“ ab. …
        """,
    )


async def test_a_return_in_german_by_sms(rehearse: Rehearse) -> None:
    """By SMS German is short, too, and numbers stand for the choices."""
    await rehearse(
        "sms",
        """
        customer: A1011 zurückschicken
        bot:      Hier schreibt der automatische Assistent von Tarnwood. Lieber ein Mensch? Schreib MENSCH.
        bot:      …Postleitzahl oder E-Mail…
        customer: ben@example.com
        bot:      Was ist mit „Summit Tent“ nicht in Ordnung? 1. Falsche Größe 2. Kam beschädigt an 3. Gefällt mir doch nicht
        customer: 1
        bot:      Beides kostet nichts. Was passt dir besser? 1. Per Post 2. Im Laden
        customer: 1
        bot:      Also: Du schickst „Summit Tent“ per Post zurück, und das Etikett geht an ben@example.com. …
        customer: ja
        bot:      Erledigt: Etikett L… ist unterwegs an ben@example.com. Gib das Paket in einer Postfiliale ab.
        """,
    )


async def test_what_cannot_come_back_says_what_to_do(rehearse: Rehearse) -> None:
    """Too late, already back, not yet there: each is said with the next step."""
    await rehearse(
        "web",
        """
        customer: return A1004
        bot:      …
        bot:      …
        customer: ada@example.com
        bot:      Returns for this order were possible until …, so I can't make a label any more. If something is broken, the two-year warranty still holds: just ask me about it.
        customer: return A1005
        bot:      …
        customer: ada@example.com
        bot:      That order is already back with us, since …. The refund goes to … Write "person" …
        customer: return A1002
        bot:      …
        customer: ada@example.com
        bot:      That order hasn't reached you yet, so there's nothing to send back. …
        """,
    )


async def test_where_an_order_is(rehearse: Rehearse) -> None:
    """Each state of an order has its answer."""
    await rehearse(
        "web",
        """
        customer: where is my order A1002
        bot:      …
        bot:      …postcode or e-mail…
        customer: ada@example.com
        bot:      It's on its way and should be with you on …. An Post has it under TW51002.
        customer: where is my order A1006
        bot:      …
        customer: ada@example.com
        bot:      …pack…
        customer: where is my order S2001
        bot:      …
        customer: ada@example.com
        bot:      That one you bought over the counter in Dublin, on …. So there's no parcel on its way.
        """,
    )


async def test_an_order_number_alone(rehearse: Rehearse) -> None:
    """Nothing but a number: the bot asks what is wanted, and does not ask for the number again."""
    await rehearse(
        "web",
        """
        customer: A1001
        bot:      …
        bot:      What would you like to do with that order? [Where is it?] [Send something back] [Change the address]
        customer: [Where is it?]
        bot:      …postcode or e-mail…
        customer: D02AF30
        bot:      It was delivered on …, says An Post (TW51001). …
        """,
    )


async def test_an_address_is_changed_once_it_was_read_back(rehearse: Rehearse) -> None:
    """The new address is read back before anything changes; then the order shows it."""
    await rehearse(
        "web",
        """
        customer: change my address
        bot:      …
        bot:      …
        customer: A1006
        bot:      …postcode or e-mail…
        customer: ada@example.com
        bot:      …14 Merrion Row, D02 AF30 Dublin…street, number, postcode and town…
        customer: 5 Dawson Street, D02 XY45 Dublin
        bot:      So order A1006 goes to 5 Dawson Street, D02 XY45 Dublin. Is that right? [Yes] [No]
        customer: yes
        bot:      Done: order A1006 now goes to 5 Dawson Street, D02 XY45 Dublin. …
        """,
    )


async def test_what_has_left_keeps_its_address(rehearse: Rehearse) -> None:
    """An order on its way cannot be turned round, and the bot says who can."""
    await rehearse(
        "web",
        """
        customer: Adresse ändern
        bot:      …
        bot:      …
        customer: A1013
        bot:      …Postleitzahl oder E-Mail…
        customer: 20095
        bot:      Sie ist schon unterwegs, aufhalten kann ich sie nicht mehr. DHL leitet sie noch um: Halte dort online TW51013 bereit.
        """,
    )


async def test_a_wrong_postcode_opens_nothing(rehearse: Rehearse) -> None:
    """The words are the same whether the order exists or not, and five wrong tries lock."""
    await rehearse(
        "web",
        """
        customer: return A1001
        bot:      …
        bot:      …
        customer: 10001
        bot:      …
        customer: A9999
        bot:      …
        customer: 10002
        bot:      …
        customer: A1001
        bot:      …
        customer: 10003
        bot:      …
        customer: A1001
        bot:      …
        customer: 10004
        bot:      …
        customer: A1001
        bot:      …
        customer: 10005
        bot:      Too many of those didn't match, so I can't open orders for you for an hour. …
        """,
    )


async def test_a_question_in_between(rehearse: Rehearse) -> None:
    """A question about something else is answered, and the open question asked again."""
    await rehearse(
        "web",
        """
        customer: return A1001
        bot:      …
        bot:      …
        customer: how long does delivery take?
        bot:      Two working days within Ireland, …
        bot:      …postcode or e-mail…
        customer: ada@example.com
        bot:      Why are you sending back the Ridge Jacket? …
        """,
    )


async def test_a_correction(rehearse: Rehearse) -> None:
    """ "No, the order is …" replaces the number, and the proof is not asked again."""
    await rehearse(
        "web",
        """
        customer: return A1001
        bot:      …
        bot:      …
        customer: ada@example.com
        bot:      Why are you sending back the Ridge Jacket? …
        customer: no, the order is A1003
        bot:      …
        bot:      Found it. Which one is coming back? [Fern Shirt] [Heath Trousers] [Moss Socks]
        """,
    )


async def test_a_straight_yes(rehearse: Rehearse) -> None:
    """Who asks whether this is a bot gets a straight yes, and the way to a person."""
    await rehearse(
        "web",
        """
        customer: are you a robot?
        bot:      You're writing with Tarnwood's automated assistant. …
        bot:      Yes, …bot…person…
        customer: person
        bot:      …+353 1 555 0100…hello@tarnwood.example…
        """,
    )


async def test_a_return_goes_on_after_a_crash_and_on_another_channel(rehearse: Rehearse) -> None:
    """Begun on the web, the process dies, finished by SMS: nothing is asked twice."""
    await rehearse(
        "web",
        """
        customer: return A1001
        bot:      …
        bot:      …
        customer: ada@example.com
        bot:      Why are you sending back the Ridge Jacket? …
        crash
        on sms
        customer: wrong size
        bot:      This is Tarnwood's automated assistant. For a human, text PERSON.
        bot:      Both are free. Which suits you better? 1. By post 2. In a shop
        customer: 1
        bot:      So you're sending back the Ridge Jacket by post, and the label goes to ada@example.com. …
        customer: yes
        bot:      Done: label L… is on its way to ada@example.com. Drop the parcel at any post office.
        """,
    )
