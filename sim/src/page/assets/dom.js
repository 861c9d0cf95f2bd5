// Small tools: elements from data (never from HTML text), requests, and time.

/** Makes an element. `attributes` may hold `class`, `text`, `on…` handlers, `data` and any attribute. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (key === "text") element.textContent = value;
    else if (key === "data") Object.assign(element.dataset, value);
    else if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== undefined && child !== null));
  return element;
}

export const byId = (id) => document.getElementById(id);

/** Sends JSON to the simulator; throws its sentence where it refuses. */
export async function post(path, body) {
  const answer = await fetch(`/_sim/${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const text = await answer.text();
  const json = text ? JSON.parse(text) : {};
  if (!answer.ok) throw new Error(json.error ?? `The simulator answered ${answer.status}`);
  return json;
}

export async function get(path) {
  const answer = await fetch(`/_sim/${path}`);
  return answer.ok ? answer.json() : null;
}

let ahead = 0;
/** Sets the simulated present. */
export function setNow(text) {
  ahead = Date.parse(text) - Date.now();
}
export const now = () => Date.now() + ahead;

const steps = [[31536000, "year"], [2592000, "month"], [86400, "day"], [3600, "hour"], [60, "minute"], [1, "second"]];
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
/** "3 minutes ago", measured in simulated time. */
export function ago(milliseconds) {
  const seconds = Math.round((milliseconds - now()) / 1000);
  const [size, unit] = steps.find(([size]) => Math.abs(seconds) >= size) ?? [1, "second"];
  return relative.format(Math.trunc(seconds / size), unit);
}

const formats = {
  t: { timeStyle: "short" }, T: { timeStyle: "medium" }, d: { dateStyle: "short" }, D: { dateStyle: "long" },
  f: { dateStyle: "long", timeStyle: "short" }, F: { dateStyle: "full", timeStyle: "short" },
};
/** A moment in one of Discord's styles. */
export function moment(milliseconds, style = "f") {
  if (style === "R") return ago(milliseconds);
  return new Intl.DateTimeFormat("en-GB", formats[style] ?? formats.f).format(milliseconds);
}

/** A <time> that stays right while time goes by. */
export function time(milliseconds, style, className) {
  const element = make("time", {
    class: className, datetime: new Date(milliseconds).toISOString(), title: moment(milliseconds, "F"),
    text: moment(milliseconds, style),
  });
  if (style === "R") element.dataset.live = String(milliseconds);
  return element;
}

export function refreshTimes() {
  for (const element of document.querySelectorAll("time[data-live]")) {
    const text = ago(Number(element.dataset.live));
    if (element.textContent !== text) element.textContent = text;
  }
}

const colours = ["#5865f2", "#3ba55d", "#c9622c", "#b5467c", "#2b8fb8", "#8a5cd6", "#a8842a", "#4e7f8f", "#bf4a4a"];
/** A round picture of initials, in a colour of the name's own. */
export function avatar(name, isBot) {
  const initials = name.split(/\s+/).map((word) => [...word][0] ?? "").slice(0, 2).join("").toUpperCase();
  const sum = [...name].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % 9973, 7);
  const element = make("span", { class: "avatar", "aria-hidden": "true", text: initials });
  element.style.background = isBot ? "#0a7a6b" : colours[sum % colours.length];
  return element;
}

let fading;
/** A short note at the bottom of the page. */
export function toast(text) {
  const element = byId("toast");
  element.textContent = text;
  element.classList.add("shown");
  clearTimeout(fading);
  fading = setTimeout(() => element.classList.remove("shown"), 4000);
}

/** Links never leave the page, except to this machine. */
export function follow(url) {
  const target = URL.canParse(url) ? new URL(url) : null;
  const here = target && /^https?:$/.test(target.protocol) && ["127.0.0.1", "localhost", "[::1]"].includes(target.hostname);
  if (here) window.open(target.href, "_blank", "noopener,noreferrer");
  else toast(`Links do not open here: ${url}`);
}
