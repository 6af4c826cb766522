// What is kept in the browser, and for how long.
//
//   session   only where the server's HttpOnly cookie does not come back to it
//   out:ID    one message that is not yet in the conversation; one key each, so that two tabs
//             never overwrite each other
//   read      how far the conversation has been looked at
//   known     1 once there is a conversation, so that a launcher knows whether to connect
//   as        who the host site said this is (`sub`), so that a page load signs in only once
//
// The conversation itself is never kept here: on a shared computer it is gone with the session.
// Where storage is refused (private windows, strict settings) a plain map serves this page.

const DAYS_KEPT = 7;

class Keep {
  constructor(server) {
    this.prefix = `segue:${server}:`;
    this.spare = new Map();
    try {
      this.storage = window.localStorage;
      this.storage.getItem(this.prefix);
    } catch {
      this.storage = null;
    }
  }

  get(name) {
    const kept = this.spare.get(name);
    if (kept !== undefined || !this.storage) return kept ?? null;
    return this.storage.getItem(this.prefix + name);
  }

  set(name, value) {
    if (value === null || value === undefined) return this.drop(name);
    try {
      this.storage.setItem(this.prefix + name, value);
      this.spare.delete(name);
    } catch {
      this.spare.set(name, String(value)); // full or refused: this page still knows
    }
  }

  drop(name) {
    this.spare.delete(name);
    if (this.storage) this.storage.removeItem(this.prefix + name);
  }

  names() {
    const names = [...this.spare.keys()];
    for (let at = 0; this.storage && at < this.storage.length; at += 1) {
      const key = this.storage.key(at);
      if (key.startsWith(this.prefix)) names.push(key.slice(this.prefix.length));
    }
    return names;
  }

  /** Messages that were written and are not in the conversation yet, oldest first. */
  outbox(now) {
    const entries = [];
    for (const name of this.names()) {
      if (!name.startsWith("out:")) continue;
      try {
        const entry = JSON.parse(this.get(name));
        if (now - entry.at > DAYS_KEPT * DAY) this.drop(name);
        else entries.push(entry);
      } catch {
        this.drop(name);
      }
    }
    return entries.sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1));
  }

  put(entry) {
    this.set(`out:${entry.id}`, JSON.stringify(entry));
  }

  /** Forget everything about this customer. */
  clear() {
    for (const name of this.names()) this.drop(name);
  }
}

/** An id nobody else will make; `randomUUID` is missing on plain http. */
function freshId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
