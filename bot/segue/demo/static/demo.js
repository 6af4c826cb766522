// The demo page: who you are, sentences to try, and the margin that tells what Segue just did.
// Everything it shows is built from text nodes.

(() => {
  "use strict";
  const rooms = document.getElementById("rooms");
  const texts = JSON.parse(rooms.dataset.texts);
  const chat = document.querySelector("segue-chat");
  const locale = document.documentElement.lang;
  const clock = new Intl.DateTimeFormat(locale, { hour: "numeric", minute: "2-digit" });
  const exact = new Intl.DateTimeFormat(locale, { dateStyle: "full", timeStyle: "medium" });
  const SAME_TURN = 1_000;
  const signs = JSON.parse(rooms.dataset.signs);
  const WAIT = 20;
  const AGAIN = 2_000;

  function make(tag, className, ...children) {
    const element = document.createElement(tag);
    if (className) element.className = className;
    element.append(...children);
    return element;
  }

  function fill(text, values) {
    return text.replace(/\{(\w+)\}/g, (hole, name) => values[name] ?? hole);
  }

  function toast(text) {
    const element = document.getElementById("toast");
    element.textContent = text;
    element.hidden = false;
    clearTimeout(toast.timer);
    toast.timer = setTimeout(() => (element.hidden = true), 6_000);
  }

  // -- sentences to try ----------------------------------------------------------------------------

  document.addEventListener("click", (event) => {
    const chip = event.target.closest("[data-say]");
    if (!chip) return;
    chat.compose(chip.dataset.say);
    chat.scrollIntoView({ block: "nearest" });
  });

  // -- who you are ---------------------------------------------------------------------------------

  const who = document.getElementById("who");
  let current = sessionOf();

  function sessionOf() {
    try {
      return localStorage.getItem("segue-demo:who") || "";
    } catch {
      return "";
    }
  }

  function choose(key) {
    for (const radio of who.querySelectorAll("input")) radio.checked = radio.value === key;
  }

  async function become(key) {
    who.setAttribute("aria-busy", "true");
    try {
      if (key) {
        const answer = await fetch(`/demo/token?as=${encodeURIComponent(key)}`);
        if (!answer.ok) throw new Error(String(answer.status));
        if (!(await chat.identify((await answer.json()).token))) throw new Error("refused");
      } else if (!(await chat.logout())) {
        throw new Error("refused");
      }
      current = key;
      localStorage.setItem("segue-demo:who", key);
      const name = who.querySelector("input:checked + span").textContent;
      toast(fill(texts.switched, { name }));
      notes.anew();
    } catch {
      choose(current);
      toast(texts.switch_failed);
    } finally {
      who.removeAttribute("aria-busy");
    }
  }

  who.addEventListener("change", (event) => become(event.target.value));
  choose(current);

  // -- running or not ------------------------------------------------------------------------------

  const running = document.getElementById("running");

  function isRunning(yes, again) {
    running.dataset.state = yes ? "running" : "stopped";
    const text = yes ? (again ? texts.went_on : texts.running) : texts.stopped;
    const place = running.querySelector("[role=status]");
    if (place.textContent !== text) place.textContent = text;
    if (again) document.getElementById("try-stop").classList.add("done");
  }

  // -- the margin ----------------------------------------------------------------------------------

  const notes = {
    list: document.getElementById("notes-list"),
    box: document.getElementById("notes"),
    empty: document.getElementById("notes-empty"),
    cursor: -1,
    edition: -1,
    instance: "",
    known: false,
    away: false,
    seenAgain: false,
    request: null,

    anew() {
      this.cursor = -1;
      this.list.replaceChildren();
      this.empty.hidden = false;
      this.request?.abort();
    },

    add(element) {
      const end = this.box.scrollHeight - this.box.scrollTop - this.box.clientHeight < 60;
      this.empty.hidden = true;
      this.list.append(element);
      if (end) this.box.scrollTop = this.box.scrollHeight;
    },

    tell(text) {
      this.add(make("li", "event", text));
    },

    show(note) {
      if (note.kind === "reloaded.voice") {
        document.getElementById("reworded").hidden = false;
        document.getElementById("try-words").classList.add("done");
      }
      const first = !(note.at - this.at < SAME_TURN);
      this.at = note.at;
      const time = make("time", "", first ? clock.format(note.at) : "");
      time.dateTime = new Date(note.at).toISOString();
      time.title = exact.format(note.at);
      const words = note.parts.map(([tag, text, code]) => {
        if (tag !== "v") return text;
        const mark = make("mark", "", text);
        if (code) mark.title = code;
        return mark;
      });
      const sign = make("span", "sign", signs[note.sort] || "·");
      sign.setAttribute("aria-hidden", "true");
      this.add(make("li", `note ${note.sort}${first ? " first" : ""}`, sign, make("div", "", make("b", "", texts[note.sort] || note.sort, time), make("span", "", ...words))));
    },

    problems(found) {
      const place = document.getElementById("problems");
      place.replaceChildren(
        ...found.map((problem) => {
          const title = problem.line ? texts.problem_title : texts.problem_title_no_line;
          return make("div", "trouble", make("strong", "", fill(title, problem)), `${problem.found.charAt(0).toUpperCase()}${problem.found.slice(1)}. ${problem.cure} `, make("span", "muted", texts.still_answering));
        }),
      );
    },

    take(news) {
      const restarted = this.instance && this.instance !== news.instance;
      if (restarted) {
        this.cursor = -1;
        this.tell(texts.was_started);
        this.seenAgain = true;
      }
      isRunning(true, this.seenAgain);
      this.away = false;
      this.instance = news.instance;
      for (const note of news.notes) if (note.n > this.cursor) this.show(note);
      this.cursor = Math.max(this.cursor, news.cursor);
      if (this.edition !== news.edition || restarted) this.problems(news.problems);
      this.edition = news.edition;
      this.known = news.known;
    },

    async ask() {
      const wait = this.instance && this.known ? WAIT : 0;
      this.request = new AbortController();
      const url = `${rooms.dataset.notes}?after=${this.cursor}&edition=${this.edition}&wait=${wait}&lang=${locale}`;
      const answer = await fetch(url, { signal: this.request.signal });
      if (!answer.ok) throw new Error(String(answer.status));
      this.take(await answer.json());
      if (!this.known) await pause(AGAIN / 2); // nobody has written yet
    },

    async listen() {
      for (;;) {
        try {
          await this.ask();
        } catch (error) {
          if (error.name === "AbortError") continue;
          if (!this.away) {
            this.away = true;
            isRunning(false);
            this.tell(texts.was_stopped);
          }
          await pause(AGAIN);
        }
      }
    },
  };

  function pause(milliseconds) {
    return new Promise((done) => setTimeout(done, milliseconds));
  }

  notes.listen();
})();
