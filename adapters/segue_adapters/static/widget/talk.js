// The conversation as this page knows it: lines the server has, and messages on their way.
//
//   queued ──► sending ──► sent ──► (its line arrives: it is a line now)
//      ▲          │ connection lost, or "later"
//      └──────────┘          └──► failed ──► queued   by "Try again"
//
// A message keeps its `client_message_id` through all of this and through a reload, so however
// often it is sent, it takes effect once.

const LATER = 2_000;
const MOST_TRIES = 6;
const GREET_AFTER = 250; // a transcript that has lines shows them by then
const FULL_PAGE = 50; // the server reads so many lines at once; after a full page comes more
const NEXT_PAGE = 200;

class Talk {
  /** `view`: lines([{line, entry}], history), entry(entry), removed(entry), cleared(). */
  constructor({ keep, view, now }) {
    Object.assign(this, { keep, view, now });
    this.lines = [];
    this.known = new Set();
    this.cursor = -1;
    this.greeted = false;
    this.behind = []; // what was said before we came, until all of it is here
    this.entries = new Map(keep.outbox(now()).map((entry) => [entry.id, entry]));
    for (const entry of this.entries.values()) {
      if (entry.state === "sending") entry.state = "queued";
      entry.tries = 0;
    }
  }

  // -- from the server ---------------------------------------------------------------------------

  receive(lines, cursor) {
    const fresh = [];
    for (const line of lines) {
      if (this.known.has(line.n)) continue;
      this.known.add(line.n);
      this.lines.push(line);
      const entry = line.client_message_id ? this.entries.get(line.client_message_id) : undefined;
      if (entry) this.settle(entry);
      fresh.push({ line, entry });
    }
    if (cursor > this.cursor) this.cursor = cursor;
    if (this.lines.length) this.keep.set("known", "1");
    if (!this.behind) this.view.lines(fresh, false);
    else if (fresh.length) {
      this.behind.push(...fresh);
      clearTimeout(this.paging);
      this.paging = setTimeout(() => this.caughtUp(), lines.length < FULL_PAGE ? 0 : NEXT_PAGE);
    }
    this.flush();
  }

  /** All that was said before is here: show it at once, and not as news. */
  caughtUp() {
    clearTimeout(this.paging);
    const behind = this.behind;
    this.behind = null;
    if (behind?.length) this.view.lines(behind, true);
  }

  /** It is in the conversation: nothing is left to do for it, here or in another tab. */
  settle(entry) {
    this.entries.delete(entry.id);
    this.keep.drop(`out:${entry.id}`);
  }

  accepted(id) {
    const entry = this.entries.get(id);
    if (entry) this.move(entry, "sent");
    this.flush();
  }

  refused(id, retry, seconds) {
    const entry = this.entries.get(id);
    if (!entry) return;
    entry.tries += 1;
    const again = retry && entry.tries < MOST_TRIES;
    this.move(entry, again ? "queued" : "failed");
    setTimeout(() => this.flush(), again ? Math.max(seconds * 1_000 || 0, LATER * entry.tries) : 0);
  }

  /** The connection is gone: what was not acknowledged will be sent again. */
  lost() {
    for (const entry of this.entries.values()) {
      if (entry.state === "sending") this.move(entry, "queued");
    }
  }

  welcome() {
    this.flush();
    if (this.greeted || this.lines.length) return;
    setTimeout(() => {
      if (!this.lines.length) this.caughtUp();
      if (this.greeted || this.lines.length || this.entries.size) return;
      this.greeted = true;
      this.wire.tell({ type: "opened" });
    }, GREET_AFTER);
  }

  // -- from the customer -------------------------------------------------------------------------

  say({ text = "", choice, media = [] }) {
    const entry = { id: freshId(), at: this.now(), state: "queued", tries: 0, text, choice, media };
    this.caughtUp(); // whatever comes now is news
    this.entries.set(entry.id, entry);
    this.keep.put(entry);
    this.view.entry(entry);
    this.flush();
  }

  retry(entry) {
    entry.tries = 0;
    this.move(entry, "queued");
    this.flush();
  }

  discard(entry) {
    this.settle(entry);
    this.view.removed(entry);
  }

  move(entry, state) {
    if (entry.state === state) return;
    entry.state = state;
    this.keep.put(entry);
    this.view.entry(entry);
  }

  /** Send the oldest that waits; the next follows when the server has it, so order is kept. */
  async flush() {
    const entries = [...this.entries.values()];
    const next = entries.find((entry) => entry.state === "queued" || entry.state === "sending");
    if (!next || next.state === "sending") return;
    if (this.wire.state !== "open" && this.wire.state !== "polling") return;
    this.move(next, "sending");
    if (!(await this.wire.send(forServer(next))) && next.state === "sending") this.move(next, "queued");
  }

  /** Another customer, or the same one anew. Unsent words go along only if they are theirs. */
  reset({ forget }) {
    if (forget) for (const entry of [...this.entries.values()]) this.settle(entry);
    this.lines = [];
    this.known.clear();
    this.cursor = -1;
    this.greeted = false;
    this.behind = [];
    clearTimeout(this.paging);
    this.view.cleared();
    for (const entry of this.entries.values()) this.view.entry(entry);
  }
}

function forServer({ id, text, choice, media }) {
  const message = { client_message_id: id };
  if (choice === undefined) message.text = text;
  else message.choice = choice;
  if (media.length) message.media = media.map((item) => item.ref);
  return message;
}
