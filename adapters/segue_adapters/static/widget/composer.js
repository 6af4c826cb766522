// Where the customer writes: text, photos and files.
//
// Enter sends, Shift+Enter begins a new line. A draft survives a reload of the tab. Files are
// uploaded as soon as they are chosen, so that sending is quick and a problem shows before it.

const TYPING_EVERY = 3_000;
const LINES_SHOWN = 6;

class Composer {
  /** `act`: say(message), upload(file, progress), typing(), announce(text). */
  constructor({ speech, draftKey, mostMegabytes, act }) {
    Object.assign(this, { speech, draftKey, mostMegabytes, act });
    this.uploads = [];
    this.longest = 4_000;
    this.typed = 0;
    this.field = h("textarea", { rows: "1", enterkeyhint: "send", dir: "auto", "aria-label": speech.say("placeholder"), placeholder: speech.say("placeholder") });
    this.picker = h("input", { type: "file", multiple: true, tabindex: "-1", "aria-hidden": "true", class: "picker", accept: "image/png,image/jpeg,image/gif,image/webp,application/pdf" });
    this.attachButton = h("button", { type: "button", class: "tool", "aria-label": speech.say("attach"), title: speech.say("attach"), onclick: () => this.picker.click() }, icon("attach"));
    this.sendButton = h("button", { type: "submit", class: "tool send", "aria-label": speech.say("send"), title: speech.say("send") }, icon("send"));
    this.tray = h("ul", { class: "tray", hidden: true });
    this.count = h("p", { class: "count", hidden: true, role: "status" });
    this.element = h("form", { class: "composer", novalidate: true }, this.tray, this.count, h("div", { class: "box" }, this.attachButton, this.field, this.sendButton), this.picker);
    this.listen();
    this.field.value = this.draft();
    this.fit();
  }

  listen() {
    const { field, element, picker } = this;
    element.addEventListener("submit", (event) => {
      event.preventDefault();
      this.send();
    });
    field.addEventListener("keydown", (event) => {
      // While an input method composes a word, Enter belongs to it (229: Safari says so late).
      if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
      event.preventDefault();
      this.send();
    });
    field.addEventListener("input", () => {
      this.fit();
      this.keepDraft();
      const now = performance.now();
      if (!field.value || now - this.typed < TYPING_EVERY) return;
      this.typed = now;
      this.act.typing();
    });
    field.addEventListener("paste", ({ clipboardData }) => this.take(clipboardData?.files));
    picker.addEventListener("change", () => {
      this.take(picker.files);
      picker.value = "";
      this.focus();
    });
  }

  focus() {
    this.field.focus({ preventScroll: true });
  }

  /** Put words into the field, ready to be changed and sent. */
  compose(text) {
    this.field.value = String(text);
    this.fit();
    this.keepDraft();
    this.focus();
    this.field.setSelectionRange(this.field.value.length, this.field.value.length);
  }

  /** As high as its text, up to six lines; says when there is too much of it. */
  fit() {
    const { field } = this;
    const over = field.value.length - this.longest;
    this.count.hidden = over <= 0;
    this.count.textContent = over > 0 ? this.speech.say("tooLong", { n: over }) : "";
    field.style.height = "auto";
    if (field.scrollHeight) field.style.height = `${Math.min(field.scrollHeight, LINES_SHOWN * 22 + 22)}px`;
    this.ready();
  }

  ready() {
    const text = this.field.value.trim();
    const done = this.uploads.filter((upload) => upload.ref);
    const able = (text || done.length) && text.length <= this.longest && done.length === this.uploads.length;
    this.sendButton.setAttribute("aria-disabled", able ? "false" : "true");
    return Boolean(able);
  }

  send() {
    if (!this.ready()) return;
    const media = this.uploads.map(({ ref, url, file }) => ({ ref, url, alt: file.name, kind: kindOf(file) }));
    this.act.say({ text: this.field.value.trim(), media });
    for (const upload of this.uploads) upload.item.remove();
    this.uploads = [];
    this.tray.hidden = true;
    this.compose("");
  }

  draft() {
    try {
      return sessionStorage.getItem(this.draftKey) || "";
    } catch {
      return "";
    }
  }

  keepDraft() {
    try {
      sessionStorage.setItem(this.draftKey, this.field.value);
    } catch {
      // Not kept: the words still stand in the field.
    }
  }

  clear() {
    for (const upload of this.uploads) upload.cancel();
    this.uploads = [];
    this.tray.replaceChildren();
    this.tray.hidden = true;
    this.field.value = "";
    this.keepDraft();
    this.fit();
  }

  // -- files -------------------------------------------------------------------------------------

  take(files) {
    for (const file of files || []) this.add(file);
  }

  add(file) {
    const upload = { file, item: h("li", {}), ref: "", cancel() {} };
    this.uploads.push(upload);
    this.tray.append(upload.item);
    this.tray.hidden = false;
    this.begin(upload);
  }

  begin(upload) {
    const { speech } = this;
    const { file } = upload;
    if (file.size > this.mostMegabytes * 1024 * 1024) return this.tooLarge(upload);
    const bar = h("progress", { max: "1", value: "0", "aria-label": speech.say("uploading", { name: file.name }) });
    this.show(upload, "", bar);
    const { done, cancel } = this.act.upload(file, (part) => (bar.value = part));
    upload.cancel = cancel;
    done.then(
      ({ ref, url }) => {
        if (!this.uploads.includes(upload)) return;
        Object.assign(upload, { ref, url });
        this.show(upload, "done");
        this.act.announce(speech.say("uploaded", { name: file.name }));
        this.ready();
      },
      (status) => {
        if (!this.uploads.includes(upload)) return;
        if (status === 413) return this.tooLarge(upload);
        if (status === 415) return this.problem(upload, speech.say("wrongKind", { name: file.name }), false);
        this.problem(upload, speech.say("uploadFailed", { name: file.name }), true);
      },
    );
    this.ready();
  }

  tooLarge(upload) {
    const values = { name: upload.file.name, mb: this.mostMegabytes };
    this.problem(upload, this.speech.say("tooLarge", values), false);
  }

  problem(upload, text, again) {
    const label = this.speech.say("retryUpload", { name: upload.file.name });
    const button = h("button", { type: "button", class: "tool small", "aria-label": label, title: label, onclick: () => this.begin(upload) }, icon("retry"));
    this.show(upload, "problem", h("span", { class: "problem" }, text), again ? button : null);
    this.act.announce(text);
    this.ready();
  }

  show(upload, state, ...parts) {
    const label = this.speech.say("remove", { name: upload.file.name });
    const held = upload.item.contains(upload.item.getRootNode().activeElement);
    upload.item.className = state;
    upload.item.replaceChildren(
      icon("file"),
      h("span", { class: "name", dir: "auto" }, upload.file.name),
      ...parts.filter(Boolean),
      h("button", { type: "button", class: "tool small", "aria-label": label, title: label, onclick: () => this.remove(upload) }, icon("close")),
    );
    if (held) this.focus();
  }

  remove(upload) {
    upload.cancel();
    upload.item.remove();
    this.uploads.splice(this.uploads.indexOf(upload), 1);
    this.tray.hidden = !this.uploads.length;
    this.ready();
    this.focus();
  }
}

function kindOf(file) {
  return /^image\/(png|jpeg|gif|webp)$/.test(file.type) ? "image" : "file";
}
