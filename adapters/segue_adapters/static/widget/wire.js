// The line to the server.
//
//   connecting ──► open ──► waiting ──► connecting …     socket, resumed by cursor
//        │                     ▲
//        └──► polling ─────────┘        when sockets are blocked and plain requests are not
//
// The server's transcript is the truth and the cursor says how far we have read it, so a broken
// connection can neither lose nor double a line. A message that was not acknowledged is sent
// again with the same `client_message_id`, which the server takes once.

const FIRST_WAIT = 500;
const LONGEST_WAIT = 30_000;
const ANSWER_WITHIN = 8_000; // a socket that says nothing for so long after a send is dead
const POLL_EVERY = 2_000;
const POLL_HIDDEN = 15_000;
const SOCKET_AGAIN = 60_000; // how often a polling widget tries the socket once more
const FAILURES_BEFORE_POLLING = 2;

/** Why the server closed, where that says more than "try again". */
const CLOSED = { never: 1006, policy: 1008, tooFast: 4429 };
const PATIENCE = 5; // tries that such a closing counts for

class Wire {
  /** `on`: state(), welcome(frame or null), lines(lines, cursor), typing(on), accepted(id),
      refused(id, retry, seconds), ended(). `cursor()` and `locale()` are asked when needed. */
  constructor({ server, keep, cursor, locale, on }) {
    Object.assign(this, { server, keep, cursor, locale, on });
    this.state = "stopped";
    this.session = keep.get("session");
    this.tries = 0;
    this.blocked = 0;
    this.socket = null;
    this.timers = {};
    this.wake = () => {
      if (!document.hidden && this.state === "waiting") this.now();
    };
    this.lost = () => this.state === "open" && this.socket.close();
  }

  start() {
    if (this.state !== "stopped") return;
    window.addEventListener("online", this.wake);
    window.addEventListener("offline", this.lost);
    document.addEventListener("visibilitychange", this.wake);
    this.connect();
  }

  stop() {
    window.removeEventListener("online", this.wake);
    window.removeEventListener("offline", this.lost);
    document.removeEventListener("visibilitychange", this.wake);
    this.hangUp();
    this.become("stopped");
  }

  /** Connect at once instead of waiting for the next try. */
  now() {
    this.tries = 0;
    this.hangUp();
    this.connect();
  }

  become(state) {
    if (this.state === state) return;
    this.state = state;
    this.on.state();
  }

  later(name, act, wait) {
    clearTimeout(this.timers[name]);
    this.timers[name] = setTimeout(act, wait);
  }

  hangUp() {
    for (const timer of Object.values(this.timers)) clearTimeout(timer);
    const socket = this.socket;
    this.socket = null;
    if (socket) socket.close();
    if (this.state === "open") this.become("connecting");
  }

  // -- socket ------------------------------------------------------------------------------------

  connect() {
    if (this.state !== "polling") this.become("connecting");
    this.session ??= this.keep.get("session");
    const url = `${this.server.replace(/^http/, "ws")}/channels/web/socket`;
    let socket;
    try {
      socket = new WebSocket(url);
    } catch {
      return this.failed(false, CLOSED.never); // a policy of the page forbids it
    }
    this.socket = socket;
    let welcomed = false;
    socket.onopen = () => {
      socket.send(
        JSON.stringify({
          type: "hello",
          session: this.session,
          after: this.cursor(),
          locale: this.locale(),
        }),
      );
    };
    socket.onmessage = ({ data }) => {
      if (this.socket !== socket) return;
      const frame = JSON.parse(data);
      if (frame.type === "welcome") {
        welcomed = true;
        this.tries = 0;
        this.blocked = 0;
        clearTimeout(this.timers.poll);
      }
      this.read(frame);
    };
    socket.onclose = ({ code }) => {
      if (this.socket !== socket) return;
      this.socket = null;
      this.failed(welcomed, code);
    };
    this.later("open", () => !welcomed && socket.close(), ANSWER_WITHIN);
  }

  read(frame) {
    clearTimeout(this.timers.answer);
    switch (frame.type) {
      case "welcome":
        this.handed(frame.session);
        this.become("open");
        return this.on.welcome(frame);
      case "session": // what we have is old, since two conversations became one
        return void this.handed(frame.session);
      case "lines":
        return this.on.lines(frame.lines, frame.cursor);
      case "typing":
        return this.on.typing(Boolean(frame.on));
      case "accepted":
        return this.on.accepted(frame.client_message_id);
      case "refused":
        return this.on.refused(frame.client_message_id, Boolean(frame.retry), frame.after_seconds);
      case "ended":
        return this.over();
    }
  }

  failed(welcomed, code) {
    if (this.state === "stopped") return;
    this.on.typing(false);
    if (!welcomed && code === CLOSED.never) this.blocked += 1;
    if (code === CLOSED.policy || code === CLOSED.tooFast) this.tries = Math.max(this.tries, PATIENCE);
    if (this.state === "polling") return; // that was only another try beside it
    if (this.blocked >= FAILURES_BEFORE_POLLING) return this.poll();
    this.wait();
  }

  wait() {
    const wait = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** this.tries) * (0.5 + Math.random() / 2);
    this.tries += 1;
    this.become("waiting");
    this.later("again", () => this.connect(), wait);
  }

  // -- plain requests ----------------------------------------------------------------------------

  async request(path, options = {}) {
    const headers = { ...options.headers };
    if (this.session) headers.Authorization = `Bearer ${this.session}`;
    return fetch(`${this.server}/channels/web/${path}`, {
      credentials: "include",
      cache: "no-store",
      ...options,
      headers,
    });
  }

  ask(path, body) {
    return this.request(path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
  }

  async poll() {
    let page = null;
    try {
      // Before the first message there may be nobody to read for: then only see who answers.
      const known = this.session || (await (await this.ask("session", {})).json()).cookie;
      if (known) {
        const answer = await this.request(`messages?after=${this.cursor()}`);
        if (answer.status === 401) return this.over();
        if (!answer.ok) throw answer.status;
        page = await answer.json();
      }
    } catch {
      return this.state !== "stopped" && this.state !== "open" && this.wait();
    }
    if (this.state === "stopped" || this.state === "open") return;
    const first = this.state !== "polling";
    this.become("polling");
    if (page) {
      this.on.lines(page.lines, page.cursor);
      this.on.typing(Boolean(page.typing));
    }
    if (first) {
      this.on.welcome(null);
      this.later("socket", () => this.socketAgain(), SOCKET_AGAIN);
    }
    this.later("poll", () => this.poll(), document.hidden ? POLL_HIDDEN : POLL_EVERY);
  }

  socketAgain() {
    if (this.state !== "polling") return;
    this.connect();
    this.later("socket", () => this.socketAgain(), SOCKET_AGAIN);
  }

  // -- sending -----------------------------------------------------------------------------------

  /** Tell the server something it may also miss (typing, read, opened). */
  tell(frame) {
    if (this.state === "open") this.socket.send(JSON.stringify(frame));
  }

  /** Send one message; resolves when it has been handed to the network. */
  async send(message) {
    if (this.state === "open") {
      this.socket.send(JSON.stringify({ type: "message", ...message }));
      const socket = this.socket;
      this.later("answer", () => socket.close(), ANSWER_WITHIN);
      return true;
    }
    if (this.state !== "polling") return false;
    const id = message.client_message_id;
    try {
      const answer = await this.ask("messages", message);
      if (answer.ok) {
        this.handed((await answer.json()).session);
        this.on.accepted(id);
        this.later("poll", () => this.poll(), FIRST_WAIT);
      } else if (answer.status === 401 && this.session) {
        this.over();
      } else {
        const retry = answer.status === 429 || answer.status >= 500;
        this.on.refused(id, retry, Number(answer.headers.get("Retry-After")));
      }
      return true;
    } catch {
      this.wait();
      return false;
    }
  }

  /** Upload a file: {done: promise of {ref, url}, cancel()}. `progress` is told 0 to 1. */
  upload(file, progress) {
    const request = new XMLHttpRequest(); // fetch cannot say how far an upload has come
    const done = new Promise((resolve, reject) => {
      request.open("POST", `${this.server}/channels/web/media`);
      request.withCredentials = true;
      request.responseType = "json";
      request.setRequestHeader("Content-Type", file.type || "application/octet-stream");
      if (this.session) request.setRequestHeader("Authorization", `Bearer ${this.session}`);
      request.upload.onprogress = ({ loaded, total }) => progress(total ? loaded / total : 0);
      request.onload = () => {
        if (request.status >= 300 || !request.response) return reject(request.status);
        this.handed(request.response.session);
        resolve(request.response);
      };
      request.onerror = request.ontimeout = () => reject(0);
      request.send(file);
    });
    return { done, cancel: () => request.abort() };
  }

  // -- session -----------------------------------------------------------------------------------

  /** The server handed out a session: keep it, until the cookie has proved that it keeps it. */
  async handed(session) {
    if (!session) return;
    this.session = session;
    this.keep.set("session", session);
    try {
      await this.ask("session", {}); // a socket cannot set a cookie
      const answer = await fetch(`${this.server}/channels/web/session`, {
        method: "POST",
        credentials: "include",
        headers: { "Content-Type": "application/json" },
        body: "{}",
      });
      const { cookie } = await answer.json();
      if (cookie && this.keep.get("session") === session) this.keep.drop("session");
    } catch {
      // It stays where it is.
    }
  }

  /** The session is no more. Another tab may have got a newer one: take that, else begin anew. */
  over() {
    const kept = this.keep.get("session");
    if (kept === this.session) this.keep.drop("session");
    this.session = kept === this.session ? null : kept;
    this.on.ended();
    this.hangUp();
    this.wait();
  }

  /** Sign in with the host site's word, or out with none. Resolves to whether it was taken. */
  async identify(token) {
    this.hangUp(); // that this session ends is no news then
    let answer = await this.turn(token);
    if (answer.status === 401 && token) {
      this.session = null; // it had ended already: as somebody new, then
      this.keep.drop("session");
      answer = await this.turn(token);
    }
    if (!answer.ok && (token || answer.status !== 401)) return false;
    this.session = null;
    this.keep.drop("session");
    if (token) await this.handed((await answer.json()).session);
    return true;
  }

  turn(token) {
    return token ? this.ask("identify", { token }) : this.ask("logout", {});
  }
}
