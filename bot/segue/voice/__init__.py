"""The voice: everything the bot says, written by people who need no code.

How to write a reply
====================

One file per dialog and locale, `brand_voice/<locale>/<dialog>.j2`. Replies that every dialog may
use stand in `common.j2`, answers that need no dialog in `answers.j2` (and, if they become many, in
`answers_delivery.j2` and the like). A file has at most 32 kB.

    {% reply ask_order() %}
    Happy to help{% if customer.name %}, {{ customer.name }}{% endif %}. What's your order number?
    {% or %}
    Let's get that sent back. Which order is it? It starts with **A**.
    {% on sms %}
    Happy to help. What's your order number (like A1001)?
    {% endreply %}

- The header names the values that the dialog passes: `(order, note=none)`. One with `=` may be
  missing. `customer` is always there, with `name`, `locale` and `channel`, each possibly missing.
- `or` begins another wording. `on sms` (or `on sms, web`) begins what is said on that channel
  instead, and may hold its own `or`. Both stand at the top of a reply, never inside an `if`.
- `{{ order.item }}` prints a value; a dot means a field. What is printed is text and stays text:
  no customer can slip in bold, a link or a mention. A value that is missing needs an `if`.
- Markdown: `**bold**`, `*italics*`, `` `code` ``, `[words](https://…)`, lists with `- ` or `1. `.
  A line end is a space, a blank line begins a paragraph, a line ending in a backslash is broken.
- Indentation does not count, nor blank lines at the ends, nor the line of a tag that stands alone.
- `{% button wrong_size %}Wrong size` is a choice: an id, then its label to the end of the line.
  In a loop the id may be a value: `{% button item.id %}{{ item.name }}`. A plain word that is the
  name of a value is that value. A wording without buttons shows those of the first wording.
- `{% image "https://…" %}what it shows` and `{% link order.url %}Track it`: likewise. The address
  is a value, or written out. An address may hold values: `[Track it](https://x.y/{{ number }})`.
- `{% asked %}how long does delivery take` (answers only): a question the reply answers.
- `{% phrase sign_off(name) %}…{% endphrase %}` above the replies, or in `common.j2` for all files,
  is printed with `{{ sign_off(customer.name) }}`.
- `{% set item = order.item %}` names a value, `{% set line %}…{% endset %}` a piece of text.
- `{% for item in order.items %}…{% endfor %}` goes through a list, with `loop.index`, `loop.last`.
- Filters: `money("EUR") number percent date time datetime join(", ") join_and join_or length upper
  lower title capitalize trim first last`. Dates and money look as the customer's locale has them.
- Comments stand in `{# … #}`. Everything else is refused, with file, line and what to do.
"""

from segue.voice.degrade import degrade
from segue.voice.load import VoiceMistakes, load_voice, reload_voice
from segue.voice.plain import plain, to_json
from segue.voice.reply import ButtonInfo, CustomerView, Rendered, ReplyInfo
from segue.voice.source import check_source
from segue.voice.voice import Voice

__all__ = [
    "ButtonInfo",
    "CustomerView",
    "Rendered",
    "ReplyInfo",
    "Voice",
    "VoiceMistakes",
    "check_source",
    "degrade",
    "load_voice",
    "plain",
    "reload_voice",
    "to_json",
]
