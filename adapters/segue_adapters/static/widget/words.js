// What the widget itself says. The conversation's words are the voice's and come from the server.
//
// A host page adds a language or changes a sentence with the `words` property (or a JSON
// attribute): {"placeholder": "Ask us"}, or by locale {"fr": {"placeholder": "Votre message"}}.

const WORDS = {
  en: {
    title: "Chat",
    subtitle: "Automated assistant",
    launch: "Chat with us",
    launchNew: "Chat with us, {n} new",
    close: "Close chat",
    conversation: "Conversation",
    placeholder: "Write a message",
    send: "Send",
    attach: "Attach a photo or file",
    choices: "Choose an answer",
    you: "You",
    bot: "Assistant",
    agent: "Colleague",
    said: "{who} said:",
    via: "via {channel}",
    newMessages: "New messages",
    toNewest: "New messages below",
    earlier: "Show earlier messages",
    sending: "Sending",
    queued: "Waiting to be sent",
    sent: "Sent",
    failed: "Not sent.",
    retry: "Try again",
    discard: "Remove",
    typing: "Writing an answer",
    connecting: "Connecting",
    offline: "You are offline. What you write is kept and sent later.",
    unreachable: "We cannot be reached right now. What you write is kept and sent later.",
    tryNow: "Try now",
    emptyTitle: "How can we help?",
    emptyText: "Write in your own words: an order, a delivery, something to send back.",
    privacy: "Privacy",
    ended: "This conversation has ended. A new one begins here.",
    uploading: "Uploading {name}",
    uploaded: "{name} is ready to send",
    uploadFailed: "{name} was not uploaded. Try again, or remove it.",
    tooLarge: "{name} is too large. At most {mb} MB.",
    wrongKind: "{name} cannot be sent. Photos (PNG, JPEG, GIF, WebP) and PDF files can.",
    remove: "Remove {name}",
    retryUpload: "Upload {name} again",
    tooLong: "{n} characters too many",
    dropHere: "Drop to attach",
    photo: "Photo",
    file: "File",
  },
  de: {
    title: "Chat",
    subtitle: "Automatischer Assistent",
    launch: "Chat öffnen",
    launchNew: "Chat öffnen, {n} neu",
    close: "Chat schließen",
    conversation: "Unterhaltung",
    placeholder: "Nachricht schreiben",
    send: "Senden",
    attach: "Foto oder Datei anhängen",
    choices: "Antwort auswählen",
    you: "Ich",
    bot: "Assistent",
    agent: "Team",
    said: "{who}:",
    via: "über {channel}",
    newMessages: "Neue Nachrichten",
    toNewest: "Neue Nachrichten weiter unten",
    earlier: "Frühere Nachrichten zeigen",
    sending: "Wird gesendet",
    queued: "Wartet aufs Senden",
    sent: "Gesendet",
    failed: "Nicht gesendet.",
    retry: "Noch einmal senden",
    discard: "Entfernen",
    typing: "Schreibt eine Antwort",
    connecting: "Verbindung wird aufgebaut",
    offline: "Kein Netz. Neue Nachrichten bleiben hier und werden später gesendet.",
    unreachable: "Gerade nicht erreichbar. Neue Nachrichten bleiben hier und gehen später raus.",
    tryNow: "Jetzt versuchen",
    emptyTitle: "Wobei können wir helfen?",
    emptyText: "Einfach losschreiben: eine Bestellung, eine Lieferung, etwas soll zurück.",
    privacy: "Datenschutz",
    ended: "Diese Unterhaltung ist beendet. Hier beginnt eine neue.",
    uploading: "{name} wird hochgeladen",
    uploaded: "{name} kann gesendet werden",
    uploadFailed: "{name} wurde nicht hochgeladen. Noch einmal versuchen oder entfernen.",
    tooLarge: "{name} ist zu groß. Höchstens {mb} MB.",
    wrongKind: "{name} kann nicht gesendet werden. Fotos (PNG, JPEG, GIF, WebP) und PDF gehen.",
    remove: "{name} entfernen",
    retryUpload: "{name} noch einmal hochladen",
    tooLong: "{n} Zeichen zu viel",
    dropHere: "Zum Anhängen loslassen",
    photo: "Foto",
    file: "Datei",
  },
};

const RIGHT_TO_LEFT = new Set(["ar", "ckb", "dv", "fa", "he", "ps", "sd", "ug", "ur", "yi"]);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** The words, times and direction of one locale. */
class Speech {
  constructor(locale, own) {
    try {
      this.locale = Intl.getCanonicalLocales(locale)[0] || "en";
    } catch {
      this.locale = "en";
    }
    const language = this.locale.split("-")[0];
    const mine = own && typeof own === "object" ? own : {};
    this.table = { ...WORDS.en, ...WORDS[language], ...mine, ...mine[language], ...mine[this.locale] };
    this.dir = RIGHT_TO_LEFT.has(language) ? "rtl" : "ltr";
    this.relative = new Intl.RelativeTimeFormat(this.locale, { numeric: "auto" });
    this.clock = new Intl.DateTimeFormat(this.locale, { hour: "numeric", minute: "2-digit" });
    this.exact = new Intl.DateTimeFormat(this.locale, { dateStyle: "full", timeStyle: "medium" });
    this.date = new Intl.DateTimeFormat(this.locale, { weekday: "long", day: "numeric", month: "long" });
  }

  say(key, values = {}) {
    return String(this.table[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
  }

  /** "now", "4 minutes ago", and from the second hour on the time of day. */
  ago(at, now) {
    const past = now - at;
    if (past < 45_000) return this.relative.format(0, "second");
    if (past < HOUR) return this.relative.format(-Math.round(past / MINUTE), "minute");
    return this.clock.format(at);
  }

  day(at, now) {
    const days = Math.round((startOfDay(now) - startOfDay(at)) / DAY);
    const words = days < 2 ? this.relative.format(-days, "day") : this.date.format(at);
    return words.charAt(0).toLocaleUpperCase(this.locale) + words.slice(1);
  }
}

function startOfDay(at) {
  return new Date(at).setHours(0, 0, 0, 0);
}
