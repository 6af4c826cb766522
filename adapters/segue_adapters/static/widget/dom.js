// Making elements. What people wrote only ever becomes text nodes: there is no innerHTML here,
// no style attribute and no inline handler, so the strictest content security policy will do.

function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

const ICONS = {
  chat: "M4 5.5h16v10.5H11L6.5 19.5V16H4z",
  close: "M6 6l12 12M18 6L6 18",
  send: "M4 12h14M12 5.5L18.5 12 12 18.5",
  attach: "M8 12.5l6-6a3 3 0 0 1 4.3 4.3l-7.8 7.8a5 5 0 0 1-7-7l7.2-7.3",
  down: "M12 5v13M6 12.5l6 6 6-6",
  file: "M7 3.5h7l4 4V20.5H7zM13.5 3.5V8H18",
  retry: "M18.5 8.5A7 7 0 1 0 19 13M19 4.5v4.5h-4.5",
};

function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", `icon ${name}`);
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/** An address a browser may open from here, or "" for anything else (javascript:, data:, …). */
function safeUrl(url, base) {
  try {
    const parsed = new URL(String(url), base);
    return parsed.protocol === "https:" || parsed.protocol === "http:" ? parsed.href : "";
  } catch {
    return "";
  }
}

function outward(url, ...children) {
  return h("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, ...children);
}

// -- the neutral tree: ["p", [inline…]], ["l", [[inline…]…], start], and inline
//    ["t", text], ["b", [inline…]], ["i", [inline…]], ["c", text], ["a", url, [inline…]]

function inlines(nodes) {
  return (Array.isArray(nodes) ? nodes : []).map(inline);
}

function inline(node) {
  const [tag, first, second] = Array.isArray(node) ? node : [];
  switch (tag) {
    case "t":
      return document.createTextNode(String(first ?? ""));
    case "b":
      return h("strong", {}, ...inlines(first));
    case "i":
      return h("em", {}, ...inlines(first));
    case "c":
      return h("code", {}, String(first ?? ""));
    case "a": {
      const url = safeUrl(first);
      return url ? outward(url, ...inlines(second)) : h("span", {}, ...inlines(second));
    }
    default:
      return document.createTextNode(""); // a newer server may know more than this widget
  }
}

function block(node) {
  const [tag, content, start] = Array.isArray(node) ? node : [];
  if (tag === "p") return h("p", { dir: "auto" }, ...inlines(content));
  if (tag !== "l") return document.createTextNode("");
  const items = (Array.isArray(content) ? content : []).map((item) =>
    h("li", {}, ...inlines(item)),
  );
  return start ? h("ol", { start, dir: "auto" }, ...items) : h("ul", { dir: "auto" }, ...items);
}

/** What a line says, as elements: its tree, or its plain text where there is no tree. */
function said(line) {
  if (Array.isArray(line.body) && line.body.length) return line.body.map(block);
  return line.text ? [h("p", { dir: "auto" }, String(line.text))] : [];
}
