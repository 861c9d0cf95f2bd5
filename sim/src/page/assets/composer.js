// The message box: commands and options complete as one types; arrows, Enter, Tab and Esc work as in Discord.

import { byId, make, post } from "./dom.js";
import { known, read, typeable } from "./command.js";

/** How long typing must pause before the bot is asked. */
const PAUSE = 130;
const SHOWN = 25;

const box = byId("box");
const list = byId("suggestions");
let context = () => ({ state: null, channel: "" });
let items = [];
let active = -1;
let picked = {};
let asked = 0;
let timer;

/** Wires the box; `look` gives the present state and channel. */
export function startComposer(look) {
  context = look;
  box.addEventListener("input", refresh);
  box.addEventListener("keydown", key);
  box.addEventListener("blur", () => setTimeout(() => { if (document.activeElement !== box) close(); }, 150));
  byId("send").addEventListener("click", send);
}

/** Puts a text in the box, as if typed. */
export function type(text) {
  box.value = text;
  box.focus();
  refresh();
}

/** What the box says about itself. */
export function label(channel) {
  box.placeholder = `Message #${channel}, or / for commands`;
}

function refresh() {
  byId("problem").textContent = "";
  clearTimeout(timer);
  asked += 1;
  const { state } = context();
  if (!state || !box.value.startsWith("/")) { picked = {}; chips(null); return close(); }
  const reading = read(box.value, typeable(state.commands));
  chips(reading);
  if (reading.stage === "name") return offerNames(reading.found);
  const { current } = reading;
  if (!current) return offerOptions(reading, reading.loose);
  if (picked[current.option.name]?.name === current.value) {
    return /\s$/.test(current.raw) ? offerOptions(reading, "") : close();
  }
  delete picked[current.option.name];
  const fixed = known(current.option, state);
  if (fixed) {
    const typed = current.value.toLowerCase();
    const fits = fixed.filter((one) => `${one.name} ${one.note ?? ""}`.toLowerCase().includes(typed));
    if (fits.length === 1 && fits[0].name === current.value) return /\s$/.test(current.raw) ? offerOptions(reading, "") : close();
    return offer(`${current.option.name}: ${current.option.description}`, fits.map((one) => choice(one, current)), 0);
  }
  const word = /\s(\S*)$/.exec(current.raw)?.[1];
  const next = word !== undefined && current.value ? reading.left.filter((option) => option.name.startsWith(word)) : [];
  if (!current.option.autocomplete) {
    return next.length && (word || current.raw.endsWith(" ")) ? offerOptions({ ...reading, left: next }, word) : close();
  }
  timer = setTimeout(() => ask(reading, asked), PAUSE);
  return undefined;
}

async function ask({ current }, mine) {
  const { state, channel } = context();
  const title = `${current.option.name}: ${current.option.description}`;
  if (!items.length) offer(title, [], -1, "Loading options…");
  try {
    const { choices } = await post("autocomplete", { as: state.me, channel, text: box.value });
    if (mine !== asked) return;
    offer(title, choices.map((one) => choice({ ...one, exact: true }, current)), choices.length ? 0 : -1, "No options match");
  } catch (error) {
    if (mine === asked) offer(title, [], -1, error.message);
  }
}

function offerNames(found) {
  offer("Commands", found.map((one) => ({
    name: `/${one.name}`, note: one.description,
    pick: () => {
      const first = one.options.find((option) => option.required);
      type(`/${one.name} ${first ? `${first.name}:` : ""}`);
    },
  })), 0);
}

function offerOptions(reading, typed) {
  const fits = reading.left.filter((option) => option.name.startsWith(typed));
  if (!fits.length) return close();
  return offer("Options", fits.map((option) => ({
    name: option.name, note: `${option.description}${option.required ? " (required)" : ""}`,
    pick: () => type(`${box.value.slice(0, box.value.length - typed.length).trimEnd()} ${option.name}:`),
  })), typed ? 0 : -1);
}

function choice(one, current) {
  return {
    name: one.name, note: one.note,
    pick: () => {
      if (one.exact) picked[current.option.name] = { name: one.name.trim(), value: String(one.value) };
      type(`${box.value.slice(0, current.from)}${one.name.trim()}${box.value.slice(current.to) || " "}`);
    },
  };
}

function offer(title, next, first, empty) {
  items = next.slice(0, SHOWN);
  if (!items.length && !empty) return close();
  byId("pop-title").textContent = items.length ? title : `${title} — ${empty}`;
  list.replaceChildren(...items.map((item, index) => make("li", {
    role: "option", id: `suggestion-${index}`, "aria-selected": "false",
    onmousedown: (event) => { event.preventDefault(); item.pick(); },
  }, make("span", { class: "suggestion-name", text: item.name }), item.note ? make("span", { class: "suggestion-note", text: item.note }) : null)));
  byId("pop").hidden = false;
  box.setAttribute("aria-expanded", String(items.length > 0));
  return mark(first);
}

function mark(index) {
  active = index;
  for (const [at, element] of [...list.children].entries()) {
    element.setAttribute("aria-selected", String(at === index));
    if (at === index) element.scrollIntoView({ block: "nearest" });
  }
  if (index >= 0) box.setAttribute("aria-activedescendant", `suggestion-${index}`);
  else box.removeAttribute("aria-activedescendant");
}

function close() {
  items = [];
  list.replaceChildren();
  byId("pop").hidden = true;
  box.setAttribute("aria-expanded", "false");
  mark(-1);
}

/** The command's options, what is filled in and what is still needed. */
function chips(reading) {
  const bar = byId("options");
  bar.hidden = reading?.stage !== "options" || !reading.command.options.length;
  if (bar.hidden) return bar.replaceChildren();
  const given = new Map(reading.given.map((one) => [one.option.name, one]));
  return bar.replaceChildren(...reading.command.options.map((option) => {
    const one = given.get(option.name);
    const state = one === reading.current && one ? "now" : one?.value ? "done" : option.required ? "needed" : "free";
    const chip = make("button", { type: "button", class: `chip ${state}`, title: option.description },
      option.name, option.required && !one?.value ? make("span", { class: "star", text: " required" }) : null,
      one?.value ? make("span", { class: "chip-value", text: one.value }) : null);
    chip.addEventListener("click", () => {
      if (one) { box.focus(); box.setSelectionRange(one.from, one.to); } else type(`${box.value.trimEnd()} ${option.name}:`);
    });
    return chip;
  }));
}

function key(event) {
  if (event.isComposing) return;
  const open = items.length > 0;
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (open && step) {
    event.preventDefault();
    mark(active < 0 ? (step > 0 ? 0 : items.length - 1) : (active + step + items.length) % items.length);
  } else if (open && event.key === "Tab" && !event.shiftKey) {
    event.preventDefault();
    items[Math.max(active, 0)].pick();
  } else if (event.key === "Enter" && !event.shiftKey) {
    event.preventDefault();
    if (open && active >= 0) items[active].pick();
    else send();
  } else if (event.key === "Escape" && (open || !byId("pop").hidden)) {
    event.preventDefault();
    close();
  }
}

async function send() {
  const { state, channel } = context();
  const text = box.value.trim();
  if (!text || !state) return;
  clearTimeout(timer);
  asked += 1;
  close();
  try {
    if (text.startsWith("/")) {
      const reading = read(`${text} `, typeable(state.commands));
      if (reading.missing?.length) {
        const [first] = reading.missing;
        if (!reading.given.some((one) => one.option === first)) type(`${text} ${first.name}:`);
        byId("problem").textContent = `The option “${first.name}” is required.`;
        return;
      }
      const exact = Object.fromEntries((reading.given ?? [])
        .filter((one) => picked[one.option.name]?.name === one.value)
        .map((one) => [one.option.name, picked[one.option.name].value]));
      await post("run", { as: state.me, channel, text, exact });
    } else {
      await post("say", { as: state.me, channel, text });
    }
    box.value = "";
    picked = {};
    refresh();
    byId("scroll").scrollTop = byId("scroll").scrollHeight;
  } catch (error) {
    byId("problem").textContent = error.message;
  }
}
