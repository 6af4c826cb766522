// <segue-chat>: one element, its attributes, its methods.
//
//   <script src="https://bot.example/channels/web/widget.js" defer></script>
//   <segue-chat name="Your shop" privacy-url="/privacy" token-url="/chat-token"></segue-chat>
//
//   mode         "launcher" (default: a button that opens a panel) or "inline" (fills its box)
//   name, subtitle   what stands at the top
//   locale       language of the widget; default: the page's, then the browser's
//   theme        "light", "dark" or "auto" (default)
//   server       where Segue runs; default: where the script came from
//   privacy-url  the privacy notice, linked under the message field
//   token-url    a page of yours that gives {"token": "<signed JWT>"} for the person signed in
//   words        JSON with words of your own (see WORDS)
//   open         the panel is open
//   max-upload-mb    largest file, default 10
//
// Methods, on the element and on `window.segue`: identify(jwt), logout(), show(), hide(),
// compose(text). Event `segue-state` and attribute `state` tell the connection: connecting, open,
// polling, waiting, stopped.

const HERE = (document.currentScript?.src || location.href).replace(/\/channels\/web\/.*$/, "");
const SHEET = new CSSStyleSheet();
SHEET.replaceSync(STYLE);
const REBUILT_BY = ["mode", "name", "subtitle", "locale", "privacy-url", "words", "dir"];
const LEAVE_AGAIN = 3_000;
const QUIET_FOR = 1_500; // a hiccup shorter than this is nobody's business

class SegueChat extends HTMLElement {
  static observedAttributes = [...REBUILT_BY, "theme", "open"];

  constructor() {
    super();
    this.root = this.attachShadow({ mode: "open" });
    this.root.adoptedStyleSheets = [SHEET];
    this.night = matchMedia("(prefers-color-scheme: dark)");
    this.small = matchMedia("(max-width: 480px), (max-height: 480px)");
    this.now = () => Date.now();
    this.lit = () => this.light();
    this.sized = () => this.fit();
    this.looked = () => this.log && (document.hidden ? this.log.unmark() : this.log.seen());
  }

  get inline() {
    return this.getAttribute("mode") === "inline";
  }

  get visible() {
    return this.inline || this.panel?.open;
  }

  connectedCallback() {
    this.server = (this.getAttribute("server") || HERE).replace(/\/$/, "");
    this.keep = new Keep(this.server);
    this.talk = new Talk({ keep: this.keep, now: this.now, view: this.view() });
    this.wire = new Wire({
      server: this.server,
      keep: this.keep,
      cursor: () => this.talk.cursor,
      locale: () => this.speech.locale,
      on: this.events(),
    });
    this.talk.wire = this.wire;
    this.build();
    this.light();
    this.night.addEventListener("change", this.lit);
    this.small.addEventListener("change", this.sized);
    window.visualViewport?.addEventListener("resize", this.sized);
    document.addEventListener("visibilitychange", this.looked);
    this.ticking = setInterval(() => this.log.tick(), 30_000);
    this.others = new BroadcastChannel(this.keep.prefix);
    this.others.onmessage = () => {
      this.wire.session = this.keep.get("session");
      this.anew({ forget: true });
    };
    if (this.hasAttribute("open") && !this.inline) this.show();
    else if (this.inline || this.keep.get("known")) this.begin();
  }

  disconnectedCallback() {
    this.begun = false;
    this.wire.stop();
    this.others.close();
    clearInterval(this.ticking);
    clearTimeout(this.troubling);
    this.night.removeEventListener("change", this.lit);
    this.small.removeEventListener("change", this.sized);
    window.visualViewport?.removeEventListener("resize", this.sized);
    document.removeEventListener("visibilitychange", this.looked);
  }

  attributeChangedCallback(name, before, after) {
    if (!this.log || before === after) return;
    if (name === "theme") this.light();
    else if (name === "open") this.inline || (after === null ? this.hide() : this.show());
    else this.build();
  }

  set words(words) {
    this.ownWords = words;
    if (this.log) this.build();
  }

  get words() {
    if (this.ownWords) return this.ownWords;
    try {
      return JSON.parse(this.getAttribute("words") || "{}");
    } catch {
      return {};
    }
  }

  // -- what is on the screen ---------------------------------------------------------------------

  build() {
    const locale = this.getAttribute("locale") || document.documentElement.lang || navigator.language;
    const speech = (this.speech = new Speech(locale, this.words));
    const title = this.getAttribute("name") || speech.say("title");
    const act = {
      say: (message) => {
        this.talk.say(message);
        if (message.choice !== undefined) this.composer.focus();
      },
      retry: (entry) => this.talk.retry(entry),
      discard: (entry) => this.talk.discard(entry),
      focus: () => this.composer.focus(),
      read: (n) => this.read(n),
      typing: () => this.wire.tell({ type: "typing", on: true }),
      upload: (file, progress) => this.wire.upload(file, progress),
      announce: (text) => (this.note.textContent = text),
    };
    const readUpTo = Number(this.keep.get("read") ?? -1);
    const draft = this.composer?.field.value;
    this.log = new Log({ speech, base: this.server, readUpTo, act, now: this.now });
    this.composer = new Composer({
      speech,
      draftKey: `${this.keep.prefix}draft`,
      mostMegabytes: Number(this.getAttribute("max-upload-mb")) || 10,
      act,
    });
    if (draft) this.composer.field.value = draft;
    this.cover = h("div", { class: "cover" });
    this.typing = h("div", { class: "typing" }, h("span", { class: "dots" }, h("i"), h("i"), h("i")), h("span", {}, speech.say("typing")));
    this.trouble = h("div", { class: "trouble", hidden: true });
    this.status = h("div", { role: "status", class: "unseen" });
    this.note = h("div", { role: "alert", class: "unseen" });
    this.panel = this.makePanel(speech, title);
    this.root.replaceChildren(this.panel, ...this.makeLauncher(speech));
    this.log.element.append(this.cover);
    this.replay();
    this.state();
  }

  makePanel(speech, title) {
    const subtitle = this.getAttribute("subtitle") || speech.say("subtitle");
    const close = h("button", { type: "button", class: "tool", "aria-label": speech.say("close"), title: speech.say("close"), onclick: () => this.hide() }, icon("close"));
    const panel = h(
      this.inline ? "section" : "dialog",
      { class: "panel", "aria-label": title, lang: speech.locale, dir: this.getAttribute("dir") || speech.dir },
      h("header", { class: "head" }, h("span", { class: "mark", "aria-hidden": "true" }, [...title][0]), h("div", { class: "who" }, h("h2", {}, h("bdi", {}, title)), h("p", {}, subtitle)), this.inline ? null : close),
      this.log.element,
      this.typing,
      this.trouble,
      this.composer.element,
      (this.foot = h("footer", { class: "foot" }, ...this.privacy())),
      this.status,
      this.note,
    );
    panel.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || this.inline || event.isComposing) return;
      event.preventDefault();
      this.hide();
    });
    for (const name of ["dragover", "dragleave", "drop"]) {
      panel.addEventListener(name, (event) => {
        event.preventDefault();
        this.composer.element.classList.toggle("over", name === "dragover");
        if (name === "drop") this.composer.take(event.dataTransfer.files);
      });
    }
    return panel;
  }

  makeLauncher(speech) {
    if (this.inline) return [];
    this.badge = h("span", { class: "badge", hidden: true, "aria-hidden": "true" });
    this.launcher = h("button", { type: "button", class: "launcher", "aria-expanded": "false", "aria-label": speech.say("launch"), onclick: () => (this.panel.open ? this.hide() : this.show()) }, icon("chat"), this.badge);
    return [h("div", { dir: this.getAttribute("dir") || speech.dir }, this.launcher)];
  }

  /** Draw what is known already, after the panel was built anew. */
  replay() {
    const { lines, entries } = this.talk;
    if (lines.length) this.log.lines(lines.map((line) => ({ line })), true);
    for (const entry of entries.values()) this.log.entry(entry);
  }

  light() {
    const theme = this.getAttribute("theme");
    this.toggleAttribute("dark", theme === "dark" || (theme !== "light" && this.night.matches));
  }

  /** On a small screen the panel is the screen, and shrinks when the keyboard comes up. */
  fit() {
    if (!this.panel || this.inline) return;
    const seen = window.visualViewport?.height;
    if (seen) this.panel.style.setProperty("--seen", `${Math.round(seen)}px`);
    this.panel.classList.toggle("whole", this.small.matches);
  }

  // -- open and closed ---------------------------------------------------------------------------

  show() {
    if (this.inline || this.panel.open) return;
    this.fit();
    // On a phone the page behind is out of reach, for fingers and for the Tab key alike.
    if (this.small.matches) this.panel.showModal();
    else this.panel.show();
    this.launcher.setAttribute("aria-expanded", "true");
    this.toggleAttribute("open", true);
    this.begin();
    this.composer.fit();
    this.composer.focus();
    this.log.toEnd(false);
    this.log.seen();
    if (this.wire.state === "open") this.talk.welcome();
  }

  hide() {
    if (this.inline || !this.panel.open) return;
    this.panel.close();
    this.launcher.setAttribute("aria-expanded", "false");
    this.toggleAttribute("open", false);
    this.launcher.focus();
  }

  compose(text) {
    this.show();
    this.composer.compose(text);
  }

  read(n) {
    this.keep.set("read", String(n));
    this.wire.tell({ type: "read", cursor: n });
    this.unread();
  }

  unread() {
    if (this.inline) return;
    const unread = this.log.unread();
    this.badge.hidden = !unread;
    this.badge.textContent = unread > 9 ? "9+" : String(unread);
    this.launcher.setAttribute("aria-label", unread ? this.speech.say("launchNew", { n: unread }) : this.speech.say("launch"));
  }

  // -- the conversation --------------------------------------------------------------------------

  view() {
    const afterwards = () => {
      this.covered();
      this.unread();
    };
    return {
      lines: (lines, history) => {
        this.log.lines(lines, history);
        afterwards();
      },
      entry: (entry) => {
        this.log.entry(entry);
        if (entry.state === "failed") this.note.textContent = `${this.speech.say("failed")} ${entry.text}`;
        afterwards();
      },
      removed: (entry) => {
        this.log.removed(entry);
        afterwards();
      },
      cleared: () => {
        this.welcomed = false;
        this.log.cleared();
        this.log.readUpTo = -1;
        afterwards();
      },
    };
  }

  events() {
    return {
      state: () => this.state(),
      welcome: (frame) => {
        if (frame) this.welcome(frame);
        this.welcomed = true;
        if (this.visible) this.talk.welcome();
        else this.talk.flush();
        setTimeout(() => this.covered(), GREET_AFTER * 2);
      },
      lines: (lines, cursor) => this.talk.receive(lines, cursor),
      typing: (on) => this.typing.classList.toggle("on", on),
      accepted: (id) => this.talk.accepted(id),
      refused: (id, retry, seconds) => this.talk.refused(id, retry, seconds),
      ended: () => {
        this.talk.reset({ forget: true });
        this.note.textContent = this.speech.say("ended");
      },
    };
  }

  /** What the server tells with its welcome: limits, the privacy notice, who we are to it. */
  welcome({ cursor, identified, text_limit, media_bytes, privacy_url }) {
    if (cursor < this.talk.cursor) this.talk.reset({ forget: false }); // not the one we read
    if (text_limit) this.composer.longest = text_limit;
    if (media_bytes) this.composer.mostMegabytes = Math.round(media_bytes / 1024 / 1024);
    if (privacy_url && privacy_url !== this.told) {
      this.told = privacy_url;
      this.foot.replaceChildren(...this.privacy());
    }
    if (identified === false && this.keep.get("as")) this.signIn(true);
  }

  privacy() {
    const url = safeUrl(this.getAttribute("privacy-url") || this.told || "about:", document.baseURI);
    return url ? [outward(url, this.speech.say("privacy"))] : [];
  }

  state() {
    const { state } = this.wire;
    const connected = state === "open" || state === "polling";
    if (!connected) this.talk.lost();
    this.log.connection(connected);
    clearTimeout(this.troubling);
    if (connected) this.calm();
    else if (this.lostAt || state === "waiting") {
      this.lostAt ??= performance.now();
      const quiet = Math.max(0, this.lostAt + QUIET_FOR - performance.now());
      this.troubling = setTimeout(() => this.upset(), quiet);
    }
    this.covered();
    this.setAttribute("state", state);
    this.dispatchEvent(new CustomEvent("segue-state", { detail: { state } }));
  }

  calm() {
    this.lostAt = undefined;
    this.trouble.hidden = true;
    this.status.textContent = "";
  }

  upset() {
    const text = this.speech.say(navigator.onLine ? "unreachable" : "offline");
    if (!this.trouble.hidden && this.status.textContent === text) return;
    this.status.textContent = text;
    this.trouble.replaceChildren(
      h("p", {}, text),
      h("button", { type: "button", class: "plain", onclick: () => this.wire.now() }, this.speech.say("tryNow")),
    );
    this.trouble.hidden = false;
    this.covered();
  }

  /** The skeleton while we do not know, an invitation when there is nothing, else the log. */
  covered() {
    const nothing = !this.talk.lines.length && !this.talk.entries.size;
    const want = !nothing ? "" : this.welcomed || !this.trouble.hidden ? "empty" : "bones";
    if (this.cover.dataset.shows === want) return;
    this.cover.dataset.shows = want;
    this.cover.hidden = !want;
    this.cover.classList.toggle("empty", want === "empty");
    this.cover.setAttribute("aria-hidden", want === "bones" ? "true" : "false");
    if (want === "bones") this.cover.replaceChildren(...[1, 2, 3].map(() => h("div", { class: "bone" })));
    else if (want) this.cover.replaceChildren(h("p", {}, this.speech.say("emptyTitle")), h("p", {}, this.speech.say("emptyText")));
    else this.cover.replaceChildren();
  }

  // -- who it is ---------------------------------------------------------------------------------

  async begin() {
    if (this.begun) return;
    this.begun = true;
    if (this.keep.get("leaving")) await this.logout();
    else await this.signIn(false);
    if (this.begun) this.wire.start();
  }

  /** Ask the host site who this is, and pass it on unless the session says so already. */
  async signIn(anyway) {
    const url = safeUrl(this.getAttribute("token-url"), document.baseURI);
    if (!url || !this.hasAttribute("token-url")) return;
    let token = "";
    try {
      const answer = await fetch(url, { credentials: "same-origin", cache: "no-store" });
      if (answer.ok && answer.status !== 204) token = (await answer.json()).token || "";
    } catch {
      return; // the host site is away: stay who we were
    }
    const before = this.keep.get("as");
    if (!token) return before ? this.logout() : undefined;
    if (anyway || subjectOf(token) !== before) await this.identify(token);
  }

  /** Go on as the person the host site signed for. Resolves to whether the server took it. */
  async identify(token) {
    const before = this.keep.get("as");
    const subject = subjectOf(token);
    const taken = await this.wire.identify(token).catch(() => false);
    if (!taken) {
      if (this.begun) this.wire.now();
      return false;
    }
    this.keep.set("as", subject);
    this.keep.drop("read");
    this.anew({ forget: Boolean(before && before !== subject) });
    this.others.postMessage("moved");
    return true;
  }

  /** End the session here, in this browser's other tabs and on the server; begin a new one. */
  async logout() {
    this.keep.clear();
    this.composer.clear();
    this.talk.reset({ forget: true });
    this.keep.set("leaving", "1"); // should the server be away now, it hears of it first thing
    const left = await this.wire.identify(null).catch(() => false);
    this.wire.session = null;
    this.others.postMessage("moved");
    if (left) {
      this.keep.drop("leaving");
      this.anew({ forget: true });
      return true;
    }
    this.begun = false;
    this.wire.stop(); // nothing of the old conversation is shown again before it has ended
    this.upset();
    setTimeout(() => this.isConnected && this.begin(), LEAVE_AGAIN);
    return false;
  }

  anew({ forget }) {
    this.talk.reset({ forget });
    if (this.begun && this.wire.state !== "stopped") this.wire.now();
  }
}

/** `sub` of a JWT, only to know whether it is the same person; the server checks the signature. */
function subjectOf(token) {
  try {
    const part = String(token).split(".")[1].replace(/-/g, "+").replace(/_/g, "/");
    return String(JSON.parse(atob(part)).sub);
  } catch {
    return "";
  }
}

if (!customElements.get("segue-chat")) {
  customElements.define("segue-chat", SegueChat);
  const chat = () => document.querySelector("segue-chat");
  window.segue = Object.fromEntries(
    ["identify", "logout", "show", "hide", "compose"].map((name) => [
      name,
      (...values) => customElements.whenDefined("segue-chat").then(() => chat()?.[name](...values)),
    ]),
  );
}
