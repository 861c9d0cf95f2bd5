// The channel's messages: kept by id, replaced only where they changed.

import { avatar, byId, follow, make, moment, post, time, toast } from "./dom.js";
import { render } from "./markdown.js";

const kept = new Map();
let shownChannel = "";

/** Brings the log up to date with the state. */
export function showMessages(state, channel, world) {
  const log = byId("log");
  const scroll = byId("scroll");
  if (shownChannel !== `${state.me} ${channel}`) {
    kept.clear();
    log.replaceChildren(opening(channel, state));
    shownChannel = `${state.me} ${channel}`;
  }
  const atEnd = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 120;
  const entries = entriesOf(state, channel);
  const wanted = new Set(entries.map((entry) => entry.key));
  for (const [key, old] of kept) {
    if (!wanted.has(key)) { old.element.remove(); kept.delete(key); }
  }
  let previous = log.firstElementChild;
  let changed = false;
  entries.forEach((entry, index) => {
    const grouped = follows(entries[index - 1], entry);
    const text = JSON.stringify([entry, grouped]);
    const old = kept.get(entry.key);
    let element = old?.element;
    if (old?.text !== text) {
      const focus = element?.contains(document.activeElement) ? document.activeElement.dataset.id : undefined;
      const fresh = entry.kind === "message" ? messageElement(entry, grouped, state, world) : waitingElement(entry, state);
      if (element) element.replaceWith(fresh);
      element = fresh;
      kept.set(entry.key, { text, element });
      if (focus) element.querySelector(`[data-id="${CSS.escape(focus)}"]`)?.focus();
      changed = true;
    }
    if (previous.nextElementSibling !== element) previous.after(element);
    previous = element;
  });
  if (changed && atEnd) scroll.scrollTop = scroll.scrollHeight;
}

function opening(channel, state) {
  return make("div", { class: "opening" },
    make("p", { class: "opening-title", text: `Welcome to #${channel}` }),
    make("p", { text: `This is the start of #${channel}. It is simulated: nothing here reaches Discord or a real device. `
      + `Type / to see what ${state.bot} can do.` }));
}

/** Messages, and commands that have no answer (yet), by time. */
function entriesOf(state, channel) {
  const messages = (state.messages[channel] ?? []).map((message) => ({
    kind: "message", key: message.id, at: message.created, message,
    failed: state.interactions.some((one) => one.source === message.id && one.state !== "waiting"
      && !newer(state, one)),
    busy: state.interactions.some((one) => one.source === message.id && one.state === "waiting"),
  }));
  const waiting = state.interactions.filter((one) => one.channel === channel && one.kind === 2)
    .map((one) => ({ kind: "waiting", key: `i${one.id}`, at: one.at, one }));
  return [...messages, ...waiting].sort((a, b) => a.at.localeCompare(b.at) || a.key.localeCompare(b.key));
}

/** Whether the message was edited after a click failed on it. */
const newer = (state, one) => Object.values(state.messages).flat()
  .some((message) => message.id === one.source && message.edited && message.edited > one.at);

function follows(before, entry) {
  if (before?.kind !== "message" || entry.kind !== "message") return false;
  const [a, b] = [before.message, entry.message];
  return a.author === b.author && !b.used && !b.reply_to && a.ephemeral_for === b.ephemeral_for
    && Date.parse(b.created) - Date.parse(a.created) < 420000;
}

function heading(name, isBot, at) {
  const words = make("span", { class: isBot ? "author bot" : "author", text: name });
  return make("div", { class: "heading" }, words,
    isBot ? make("span", { class: "tag", text: "APP" }) : null,
    time(Date.parse(at), "t", "when"));
}

function usedLine(name, command) {
  return make("div", { class: "used" }, avatar(name, false), make("span", { class: "used-name", text: name }),
    " used ", make("span", { class: "mention", text: command }));
}

function messageElement(entry, grouped, state, world) {
  const { message } = entry;
  const ephemeral = Boolean(message.ephemeral_for);
  const pinged = message.pings.some((ping) => ping === "Everyone" || ping.User === state.me
    || (ping.Role && state.people.find((person) => person.username === state.me)?.roles.includes(ping.Role)));
  const classes = ["message", grouped ? "grouped" : "", ephemeral ? "ephemeral" : "", pinged ? "pinged" : ""];
  const element = make("div", { role: "article", class: classes.filter(Boolean).join(" "), data: { message: message.id } });
  if (message.used) element.append(usedLine(...message.used));
  if (message.reply_to) element.append(make("div", { class: "used", text: "In reply to an earlier message" }));
  const body = make("div", { class: "body" });
  if (grouped) body.append(make("time", { class: "side-time", text: moment(Date.parse(message.created), "t"), "aria-hidden": "true" }));
  else element.append(avatar(message.author, message.from_bot));
  if (!grouped) body.append(heading(message.author, message.from_bot, message.created));
  if (message.loading) {
    body.append(make("p", { class: "thinking" }, dots(), ` ${message.author} is thinking…`));
  }
  if (message.content) {
    const content = make("div", { class: "content" });
    content.append(render(message.content, world));
    body.append(content);
  }
  if (message.edited && message.content) body.append(editedMark(message));
  for (const embed of message.embeds) body.append(embedElement(embed, world));
  for (const url of message.attachments) {
    if (!message.embeds.some((embed) => embed.image?.url === url)) body.append(attachment(url));
  }
  for (const row of message.rows) body.append(rowElement(row, entry, state));
  if (message.edited && !message.content) body.append(editedMark(message));
  if (entry.failed) body.append(make("p", { class: "failed", text: "This interaction failed: the application did not respond" }));
  if (ephemeral) body.append(ephemeralLine(message, state));
  element.append(body);
  return element;
}

function editedMark(message) {
  return make("span", { class: "edited", text: "(edited)", title: moment(Date.parse(message.edited), "F") });
}

function dots() {
  return make("span", { class: "dots", "aria-hidden": "true" }, make("i"), make("i"), make("i"));
}

function ephemeralLine(message, state) {
  const dismiss = make("button", {
    type: "button", class: "textual", text: "Dismiss message", data: { id: "dismiss" },
    onclick: () => post("dismiss", { as: state.me, message: message.id }).catch((error) => toast(error.message)),
  });
  return make("p", { class: "only-you" }, make("span", { text: "Only you can see this" }), " · ", dismiss);
}

/** A command on its way, or one that nobody answered. */
function waitingElement({ one }, state) {
  const person = state.people.find((person) => person.username === one.user);
  const name = person?.display_name ?? one.user;
  const element = make("div", { role: "article", class: "message ephemeral" }, usedLine(name, one.label), avatar(state.bot, true));
  const body = make("div", { class: "body" }, heading(state.bot, true, one.at));
  if (one.state === "waiting") body.append(make("p", { class: "thinking" }, dots(), " Sending command…"));
  else body.append(make("p", { class: "failed", text: "The application did not respond" }));
  if (one.state === "answered_late") {
    body.append(make("p", { class: "subtext", text: `It answered after ${(one.after_ms / 1000).toFixed(1)} s; Discord waits 3 s.` }));
  }
  element.append(body);
  return element;
}

function embedElement(embed, world) {
  const element = make("article", { class: "embed" });
  if (embed.color !== null && embed.color !== undefined) element.style.borderLeftColor = `#${embed.color.toString(16).padStart(6, "0")}`;
  const add = (className, text) => {
    if (!text) return;
    const part = make("div", { class: className });
    part.append(render(text, world));
    element.append(part);
  };
  if (embed.thumbnail?.url) element.append(picture(embed.thumbnail.url, "thumbnail"));
  if (embed.author?.name) element.append(make("div", { class: "embed-author", text: embed.author.name }));
  add("embed-title", embed.title);
  add("embed-text", embed.description);
  if (embed.fields.length) {
    const fields = make("dl", { class: "fields" });
    for (const field of embed.fields) {
      const group = make("div", { class: field.inline ? "inline" : "whole" });
      const [name, value] = [make("dt"), make("dd")];
      name.append(render(field.name, world));
      value.append(render(field.value, world));
      group.append(name, value);
      fields.append(group);
    }
    element.append(fields);
  }
  if (embed.image?.url) element.append(picture(embed.image.url, "picture"));
  if (embed.footer?.text || embed.timestamp) {
    const footer = make("footer", {}, embed.footer?.text ?? "");
    if (embed.footer?.text && embed.timestamp) footer.append(" • ");
    if (embed.timestamp) footer.append(time(Date.parse(embed.timestamp), "f"));
    element.append(footer);
  }
  return element;
}

/** Pictures come from the simulator only; others are named, not fetched. */
function picture(url, className) {
  if (new URL(url, location.href).origin === location.origin) return make("img", { class: className, src: url, alt: "" });
  return make("p", { class: "subtext", text: `(picture: ${url})` });
}

function attachment(url) {
  if (/\.(png|jpe?g|gif|webp)$/i.test(url)) return picture(url, "picture");
  const name = url.split("/").pop();
  return make("p", { class: "file" }, make("a", { href: url, download: name, text: name }));
}

const styles = { 1: "primary", 2: "secondary", 3: "success", 4: "danger", 5: "outward" };

function rowElement(row, entry, state) {
  const element = make("div", { class: "row" });
  for (const one of row) element.append(one.kind === "button" ? button(one, entry, state) : menu(one, entry, state));
  return element;
}

function button(one, { message, busy }, state) {
  const element = make("button", {
    type: "button", class: `press ${styles[one.style] ?? "secondary"}`, disabled: one.disabled,
    data: { id: one.custom_id ?? one.url ?? "" }, title: one.url ?? undefined,
    "aria-disabled": busy ? "true" : undefined,
  }, one.label, one.url ? make("span", { class: "outward-mark", "aria-hidden": "true", text: " ↗" }) : null);
  element.addEventListener("click", () => {
    if (one.url) return follow(one.url);
    if (element.getAttribute("aria-disabled")) return undefined;
    element.setAttribute("aria-disabled", "true");
    // While the bot has not answered, the state says so; this mark only bridges the time until it does.
    const release = () => setTimeout(() => { if (!kept.get(message.id)?.text.includes('"busy":true')) element.removeAttribute("aria-disabled"); }, 600);
    return post("click", { as: state.me, message: message.id, custom_id: one.custom_id })
      .catch((error) => toast(error.message)).finally(release);
  });
  return element;
}

function choicesOf(one, state) {
  const people = state.people.map((person) => ({ label: person.display_name, value: person.id, description: "" }));
  const roles = state.roles.map((role) => ({ label: `@${role.name}`, value: role.id, description: "" }));
  const channels = state.channels.map((channel) => ({ label: `#${channel.name}`, value: channel.id, description: "" }));
  return { 3: one.options, 5: people, 6: roles, 7: [...people, ...roles], 8: channels }[one.component] ?? [];
}

function menu(one, { message }, state) {
  const many = one.max > 1;
  const select = make("select", {
    class: "menu", disabled: one.disabled, multiple: many, size: many ? "4" : undefined,
    "aria-label": one.placeholder || "Make a selection", data: { id: one.custom_id },
  });
  if (!many) select.append(make("option", { value: "", text: one.placeholder || "Make a selection", selected: true, disabled: true }));
  for (const option of choicesOf(one, state)) {
    const text = option.description ? `${option.label} — ${option.description}` : option.label;
    select.append(make("option", { value: option.value, text, selected: option.default }));
  }
  const send = () => post("select", {
    as: state.me, message: message.id, custom_id: one.custom_id,
    values: [...select.selectedOptions].map((option) => option.value).filter(Boolean),
  }).catch((error) => toast(error.message));
  if (!many) { select.addEventListener("change", send); return select; }
  const apply = make("button", { type: "button", class: "press secondary", text: "Choose", disabled: one.disabled, onclick: send });
  return make("div", { class: "many" }, select, apply);
}
