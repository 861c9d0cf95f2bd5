// Discord's markdown as elements. Text only ever becomes text nodes.

import { follow, make, time } from "./dom.js";

/** Renders a text; `world` names the people, roles and channels that mentions refer to. */
export function render(text, world) {
  const out = document.createDocumentFragment();
  const parts = text.split(/```(?:([\w+-]+)\n)?([\s\S]*?)```/);
  for (let at = 0; at < parts.length; at += 3) {
    if (parts[at]) blocks(parts[at].replace(/^\n|\n$/g, ""), world, out);
    if (at + 2 < parts.length) {
      const code = make("code", { text: parts[at + 2].replace(/^\n|\n$/g, "") });
      if (parts[at + 1]) code.dataset.language = parts[at + 1];
      out.append(make("pre", {}, code));
    }
  }
  return out;
}

function blocks(text, world, out) {
  const lines = text.split("\n");
  let list = null;
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at];
    const item = /^(\s*)(?:([-*])|(\d+)\.)\s+(\S.*)$/.exec(line);
    if (item) {
      const tag = item[2] ? "UL" : "OL";
      if (!list || list.tagName !== tag) {
        list = make(tag.toLowerCase(), tag === "OL" ? { start: item[3] } : {});
        out.append(list);
      }
      const entry = make("li", { class: item[1].length > 1 ? "deep" : undefined });
      inline(item[4], world, entry);
      list.append(entry);
      continue;
    }
    list = null;
    const heading = /^(#{1,3})\s+(\S.*)$/.exec(line);
    const small = /^-#\s+(\S.*)$/.exec(line);
    if (heading) {
      // The page has headings of its own; in a message they are only large text.
      const element = make("p", { class: `head head-${heading[1].length}`, role: "heading", "aria-level": String(heading[1].length + 3) });
      inline(heading[2], world, element);
      out.append(element);
    } else if (small) {
      const element = make("p", { class: "subtext" });
      inline(small[1], world, element);
      out.append(element);
    } else if (line.startsWith(">>> ")) {
      const quote = make("blockquote");
      blocks([line.slice(4), ...lines.slice(at + 1)].join("\n"), world, quote);
      out.append(quote);
      return;
    } else if (line.startsWith("> ")) {
      const quoted = [line.slice(2)];
      while (lines[at + 1]?.startsWith("> ")) quoted.push(lines[++at].slice(2));
      const quote = make("blockquote");
      blocks(quoted.join("\n"), world, quote);
      out.append(quote);
    } else {
      const element = make("p");
      inline(line, world, element);
      if (!line) element.append(make("br"));
      out.append(element);
    }
  }
}

const wrap = (tag, className) => (match, world) => {
  const element = make(tag, { class: className });
  inline(match[1], world, element);
  return element;
};

const mention = (text) => make("span", { class: "mention", text });

function link(text, url) {
  const element = make("span", { class: "link", role: "link", tabindex: "0", title: url });
  element.append(text);
  element.addEventListener("click", () => follow(url));
  element.addEventListener("keydown", (event) => event.key === "Enter" && follow(url));
  return element;
}

// Tried in order at each place; the first that matches there wins.
const rules = [
  [/^\\([\\`*_~|<>\[\]()#@:-])/, (match) => document.createTextNode(match[1])],
  [/^(`+)([\s\S]*?[^`])\1(?!`)/, (match) => make("code", { text: match[2] })],
  [/^\*\*\*(?=\S)([\s\S]*?\S)\*\*\*/, (match, world) => make("strong", {}, wrap("em")(match, world))],
  [/^\*\*(?=\S)([\s\S]*?\S)\*\*(?!\*)/, wrap("strong")],
  [/^__(?=\S)([\s\S]*?\S)__(?!_)/, wrap("u")],
  [/^\*(?=[^\s*])([\s\S]*?[^\s*])\*(?!\*)/, wrap("em")],
  [/^_(?=[^\s_])([\s\S]*?[^\s_])_(?![\w_])/, wrap("em")],
  [/^~~(?=\S)([\s\S]*?\S)~~/, wrap("s")],
  [/^\|\|([\s\S]+?)\|\|/, spoiler],
  [/^\[([^\]\n]+)\]\(<?(https?:\/\/[^\s)>]+)>?(?:\s+"[^"]*")?\)/, (match, world) => link(wrap("span")(match, world), match[2])],
  [/^<(https?:\/\/[^\s>]+)>/, (match) => link(match[1], match[1])],
  [/^https?:\/\/[^\s<>"]+[^\s<>".,:;!?)\]]/, (match) => link(match[0], match[0])],
  [/^<@!?(\d+)>/, (match, world) => mention(`@${world.person(match[1]) ?? "unknown-user"}`)],
  [/^<@&(\d+)>/, (match, world) => mention(`@${world.role(match[1]) ?? "unknown-role"}`)],
  [/^<#(\d+)>/, (match, world) => mention(`#${world.channel(match[1]) ?? "unknown"}`)],
  [/^<\/([^:>]+):\d+>/, (match) => mention(`/${match[1]}`)],
  [/^<a?:(\w+):\d+>/, (match) => document.createTextNode(`:${match[1]}:`)],
  [/^<t:(-?\d{1,12})(?::([tTdDfFR]))?>/, (match) => time(Number(match[1]) * 1000, match[2] ?? "f", "stamp")],
  [/^@(?:everyone|here)\b/, (match) => mention(match[0])],
];

function spoiler(match, world) {
  const hidden = make("span", { class: "spoiler", role: "button", tabindex: "0", "aria-label": "Spoiler; press to show" });
  const inner = make("span", { class: "inner" });
  inline(match[1], world, inner);
  hidden.append(inner);
  const show = () => { hidden.classList.add("open"); hidden.removeAttribute("aria-label"); hidden.removeAttribute("role"); };
  hidden.addEventListener("click", show);
  hidden.addEventListener("keydown", (event) => event.key === "Enter" && show());
  return hidden;
}

function inline(text, world, out) {
  let plain = "";
  const flush = () => { if (plain) out.append(plain); plain = ""; };
  for (let at = 0; at < text.length;) {
    const rest = text.slice(at);
    // A lone underscore inside a word is not emphasis.
    const inWord = rest[0] === "_" && /\w$/.test(plain);
    const hit = /^[\\`*_~|[<h@]/.test(rest) && !inWord
      ? rules.map(([pattern, build]) => [pattern.exec(rest), build]).find(([match]) => match)
      : undefined;
    if (hit) {
      flush();
      out.append(hit[1](hit[0], world));
      at += hit[0][0].length;
    } else {
      const letter = String.fromCodePoint(text.codePointAt(at));
      plain += letter;
      at += letter.length;
    }
  }
  flush();
}
