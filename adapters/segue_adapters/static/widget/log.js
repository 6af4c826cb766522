// The conversation on the screen.
//
// One row per message, made once and never moved, so a screen reader reads it once. What changes
// later (times, delivery) stands in parts that are marked as not live. Rows are added at the end
// of a list that starts at the top: what is already on the screen stays where it is.

const RUN_WITHIN = 5 * MINUTE; // messages closer than this share one time, under the last
const ROWS_AT_ONCE = 60;
const NEAR_END = 80;

class Log {
  /** `act`: say(message), retry(entry), discard(entry), focus(), read(n). */
  constructor({ speech, base, readUpTo, act, now }) {
    Object.assign(this, { speech, base, readUpTo, act, now });
    this.rows = []; // {line | entry, element, meta, …} as rendered, in order
    this.earlier = []; // lines before the first rendered one
    this.list = h("div", { role: "log", class: "log", tabindex: "0", "aria-label": speech.say("conversation"), "aria-relevant": "additions" });
    this.more = h("button", { type: "button", class: "plain earlier", hidden: true, onclick: () => this.showEarlier() }, speech.say("earlier"));
    this.scroller = h("div", { class: "scroller" }, this.more, this.list);
    this.pill = h("button", { type: "button", class: "pill", hidden: true, onclick: () => this.toEnd(true) }, icon("down"), speech.say("toNewest"));
    this.element = h("div", { class: "thread" }, this.scroller, this.pill);
    this.following = true; // new lines pull the page along, until somebody scrolls back to read
    this.top = 0;
    this.scroller.addEventListener("scroll", () => this.scrolled(), { passive: true });
    this.sizes = new ResizeObserver(() => this.following && this.toEnd(false));
    this.sizes.observe(this.scroller);
  }

  // -- adding ------------------------------------------------------------------------------------

  lines(fresh, history) {
    if (!fresh.length) return;
    const end = this.following;
    if (history) {
      this.earlier = fresh.slice(0, -ROWS_AT_ONCE).map(({ line }) => line);
      fresh = fresh.slice(-ROWS_AT_ONCE);
    }
    let newest = null;
    for (const { line, entry } of fresh) {
      const row = (entry && this.rowOf(entry)) || this.place({ line, old: history });
      row.line = line;
      row.entry = undefined;
      this.dress(row);
      if (line.who !== "customer") newest ??= row;
    }
    if (history) this.markNew();
    else if (document.hidden && newest && !this.marked) this.mark(newest);
    this.retireChoices();
    this.more.hidden = !this.earlier.length;
    if (history) this.toEnd(false);
    else if (end) this.toEnd(true, newest);
    else if (newest) this.pill.hidden = false;
    this.seen();
  }

  entry(entry) {
    const known = this.rowOf(entry);
    if (known) return this.dress(known);
    this.dress(this.place({ entry }));
    this.retireChoices();
    this.toEnd(true);
  }

  removed(entry) {
    const row = this.rowOf(entry);
    if (!row) return;
    row.element.remove();
    this.rows.splice(this.rows.indexOf(row), 1);
    this.rows.slice(-1).forEach((last) => this.dress(last));
    this.retireChoices();
    this.act.focus();
  }

  cleared() {
    this.rows = [];
    this.earlier = [];
    this.marked = null;
    this.list.replaceChildren();
    this.more.hidden = this.pill.hidden = true;
  }

  rowOf(entry) {
    return this.rows.find((row) => row.entry && row.entry.id === entry.id);
  }

  /** Make a row at its place: lines by number, before whatever is still on its way. */
  place({ line, entry, old }) {
    let index = this.rows.length;
    while (line && index && (this.rows[index - 1].entry || this.rows[index - 1].line.n > line.n)) index -= 1;
    const row = this.make(line || entry, line ? line.who : "customer");
    Object.assign(row, { line, entry });
    if (old) quiet(row);
    this.list.insertBefore(row.element, this.rows[index]?.element ?? null);
    this.rows.splice(index, 0, row);
    const before = this.rows[index - 1];
    if (before) this.dress(before);
    return row;
  }

  showEarlier() {
    const lines = this.earlier.splice(-ROWS_AT_ONCE);
    const rest = this.scroller.scrollHeight - this.scroller.scrollTop;
    const rows = lines.map((line) => quiet(Object.assign(this.make(line, line.who), { line })));
    this.list.prepend(...rows.map((row) => row.element));
    this.rows.unshift(...rows);
    this.rows.slice(0, rows.length + 1).forEach((row) => this.dress(row));
    this.retireChoices();
    this.more.hidden = !this.earlier.length;
    this.scroller.scrollTop = this.scroller.scrollHeight - rest;
    if (this.more.hidden) this.list.focus({ preventScroll: true });
  }

  // -- one row -----------------------------------------------------------------------------------

  make(message, who) {
    const meta = h("div", { class: "meta", "aria-live": "off" });
    const element = h("div", { class: `row ${who}` });
    if (who === "system") {
      element.append(...said(message));
      return { element, meta, who };
    }
    const name = this.speech.say({ customer: "you", agent: "agent" }[who] || "bot");
    const words = said(message);
    const bubble = h("div", { class: "bubble" }, h("span", { class: "unseen" }, `${this.speech.say("said", { who: name })} `), ...words);
    if (!words.length) bubble.classList.add("bare");
    for (const item of message.media || []) bubble.append(this.attachment(item));
    element.append(bubble);
    const buttons = who === "customer" ? [] : message.buttons || [];
    const choices = buttons.length
      ? h("div", { role: "group", class: "choices", "aria-label": this.speech.say("choices") }, ...buttons.map((button) => this.choice(button)))
      : null;
    if (choices) element.append(choices);
    element.append(meta);
    return { element, meta, who, choices, bubble };
  }

  choice({ id, label }) {
    return h("button", { type: "button", class: "choice", onclick: () => this.act.say({ choice: id, text: label }) }, h("span", { dir: "auto" }, String(label)));
  }

  attachment({ kind, url, ref, alt }) {
    const written = String(url || ref || "");
    const address = safeUrl(written.startsWith("/") ? this.base + written : written);
    const name = String(alt || this.speech.say(kind === "image" ? "photo" : "file"));
    if (!address) return h("span", { class: "file" }, icon("file"), name);
    if (kind !== "image") return Object.assign(outward(address, icon("file"), h("span", { dir: "auto" }, name)), { className: "file" });
    const link = outward(address, h("img", { src: address, alt: name, loading: "lazy", decoding: "async", width: "240", height: "180" }));
    link.className = "photo";
    return link;
  }

  /** Bring what may change up to date: delivery, time, day, and whether it ends a run. */
  dress(row) {
    const index = this.rows.indexOf(row);
    const before = this.rows[index - 1];
    const after = this.rows[index + 1];
    const at = atOf(row);
    const sameDay = before && startOfDay(atOf(before)) === startOfDay(at);
    if (!sameDay && !row.day) {
      row.day = h("div", { class: "day", "aria-live": "off" }, h("time", { datetime: new Date(at).toISOString() }, this.speech.day(at, this.now())));
      row.element.prepend(row.day);
    } else if (sameDay && row.day) {
      row.day.remove();
      row.day = null;
    }
    const state = row.entry ? row.entry.state : "";
    const goesOn = after && atOf(after) - at < RUN_WITHIN && (!state || state === "sent");
    row.element.classList.toggle("runs", Boolean(goesOn) && after.who === row.who);
    row.element.classList.toggle("turns", Boolean(goesOn) && after.who !== row.who);
    row.element.classList.toggle("failed", state === "failed");
    row.element.classList.toggle("pending", state === "queued" || state === "sending");
    this.time(row);
  }

  time(row) {
    const { speech } = this;
    const at = atOf(row);
    const exact = speech.exact.format(at);
    if (row.bubble) row.bubble.title = exact;
    const time = h("time", { datetime: new Date(at).toISOString(), title: exact }, speech.ago(at, this.now()));
    if (row.entry?.state === "failed") {
      const { entry } = row;
      return row.meta.replaceChildren(
        h("span", { class: "problem" }, speech.say("failed")),
        h("button", { type: "button", class: "plain", onclick: () => this.act.retry(entry) }, speech.say("retry")),
        h("button", { type: "button", class: "plain", onclick: () => this.act.discard(entry) }, speech.say("discard")),
      );
    }
    const parts = [time];
    const channel = row.line?.channel;
    if (channel && channel !== "web") parts.unshift(h("span", {}, speech.say("via", { channel })));
    if (row.who === "customer") parts.unshift(h("span", { class: "state" }, speech.say(row.entry ? this.wording(row.entry) : "sent")));
    row.meta.replaceChildren(...parts);
  }

  wording({ state }) {
    return state === "queued" && !this.connected ? "queued" : state === "queued" ? "sending" : state;
  }

  /** Whether queued means "at once" or "when we are back". */
  connection(connected) {
    this.connected = connected;
    for (const row of this.rows) if (row.entry) this.time(row);
  }

  tick() {
    const recent = this.now() - 2 * HOUR;
    for (const row of this.rows) if (row.line && atOf(row) > recent && row.who !== "system") this.time(row);
  }

  /** Choices are open only while nothing has been said after them. */
  retireChoices() {
    const last = this.rows.findLastIndex((row) => row.who === "customer" && row.entry?.state !== "failed");
    this.rows.forEach((row, index) => {
      if (!row.choices) return;
      const closed = index < last;
      if (closed && row.choices.contains(row.element.getRootNode().activeElement)) this.act.focus();
      row.choices.hidden = closed;
    });
  }

  // -- reading -----------------------------------------------------------------------------------

  atEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.scroller;
    return scrollHeight - scrollTop - clientHeight < NEAR_END;
  }

  /** Scroll to the end, but never past the beginning of a message that is new. */
  toEnd(gently, first) {
    const { scroller } = this;
    const end = scroller.scrollHeight - scroller.clientHeight;
    const top = first ? Math.min(end, first.element.offsetTop - scroller.offsetTop - 8) : end;
    const still = !gently || matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.following = top === end;
    this.top = Math.min(scroller.scrollTop, top);
    scroller.scrollTo({ top, behavior: still ? "instant" : "smooth" });
    this.pill.hidden = true;
  }

  scrolled() {
    const { scrollTop } = this.scroller;
    const back = scrollTop < this.top;
    this.top = scrollTop;
    if (this.atEnd()) {
      this.following = true;
      this.pill.hidden = true;
      this.seen();
    } else if (back) {
      this.following = false;
    }
  }

  /** What is on the screen of a page that is looked at has been read. */
  seen() {
    const last = this.rows.findLast((row) => row.line);
    if (!last || document.hidden || !this.atEnd() || !this.scroller.offsetParent) return;
    if (last.line.n > this.readUpTo) this.act.read((this.readUpTo = last.line.n));
  }

  unread() {
    return this.rows.filter(({ line, who }) => line && line.n > this.readUpTo && who !== "customer").length;
  }

  markNew() {
    if (this.readUpTo < 0) return;
    const first = this.rows.find(({ line, who }) => line && line.n > this.readUpTo && who !== "customer");
    if (first && first !== this.rows[0]) this.mark(first);
  }

  mark(row) {
    this.marked?.remove();
    this.marked = h("div", { class: "fresh", "aria-live": "off" }, h("span", {}, this.speech.say("newMessages")));
    row.element.prepend(this.marked);
  }

  unmark() {
    this.marked?.remove();
    this.marked = null;
  }
}

/** What was said before is there to be read, and is not news to be read out. */
function quiet(row) {
  row.element.setAttribute("aria-live", "off");
  return row;
}

function atOf({ line, entry }) {
  return (line || entry).at;
}
