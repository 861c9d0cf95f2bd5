// The tenant beside the chat: one device as Intune knows it, and the calls to Graph as they arrive.

import { byId, get, make, moment, now, post, time, toast } from "./dom.js";

const CALLS = 200;
/** How often the shown device is read again. */
const LOOK = 2000;
let chosen = "";
let shown = "";
let searching;

export function startPanel() {
  for (const button of document.querySelectorAll("[data-seconds]")) {
    button.addEventListener("click", () => post("advance", { seconds: Number(button.dataset.seconds) })
      .then(look).catch((error) => toast(error.message)));
  }
  byId("device-search").addEventListener("input", () => { clearTimeout(searching); searching = setTimeout(search, 150); });
  search();
  setInterval(look, LOOK);
  setInterval(tick, 1000);
  tick();
}

function tick() {
  const clock = byId("clock");
  clock.textContent = moment(now(), "T");
  clock.title = `Simulated time: ${moment(now(), "F")}`;
  clock.dateTime = new Date(now()).toISOString();
}

async function search() {
  const query = byId("device-search").value;
  const found = (await get(`panel/devices?q=${encodeURIComponent(query)}`)) ?? [];
  byId("devices").replaceChildren(...found.map((device) => make("li", {},
    make("button", { type: "button", "aria-pressed": String(device.id === chosen), onclick: () => choose(device.id) },
      make("span", { class: "device-name", text: device.name }),
      make("span", { class: "device-user", text: [device.user, device.os].filter(Boolean).join(" · ") })))));
  if (!found.length) byId("devices").append(make("li", { class: "empty", text: query ? "No device matches." : "No devices in this tenant." }));
  if (!chosen && found.length) choose(found[0].id);
}

function choose(id) {
  chosen = id;
  for (const button of byId("devices").querySelectorAll("button")) button.setAttribute("aria-pressed", "false");
  look().then(search);
}

export async function look() {
  if (!chosen) return;
  const device = await get(`panel/device/${encodeURIComponent(chosen)}`);
  const text = JSON.stringify(device);
  if (text === shown) return;
  shown = text;
  byId("device").replaceChildren(device ? card(device) : make("p", { class: "empty", text: "This device is gone." }));
}

function when(text) {
  return text ? time(Date.parse(text), "R") : document.createTextNode("–");
}

const good = /^(compliant|installed|managed)$/i;
const bad = /(noncompliant|failed|error|retire|wipe|lost)/i;
const badge = (text) => make("span", { class: `badge ${bad.test(text) ? "bad" : good.test(text) ? "good" : ""}`, text });

function card(device) {
  const facts = make("dl", { class: "facts" });
  const fact = (name, value) => facts.append(make("div", {}, make("dt", { text: name }), make("dd", {}, value)));
  fact("Last check-in", when(device.last_check_in));
  fact("Next planned", when(device.next_check_in));
  if (device.compliance) fact("Compliance", badge(device.compliance));
  if (device.state) fact("State", badge(device.state));
  const apps = (device.apps ?? []).map((app) => make("li", {},
    make("span", { class: "app-name", text: app.name }), badge(app.state),
    app.code ? make("code", { text: String(app.code) }) : null));
  return make("article", { class: "device-card" },
    make("h4", { text: device.name }),
    make("p", { class: "device-user", text: [device.user, device.os].filter(Boolean).join(" · ") }),
    facts,
    device.note ? make("p", { class: "note", text: device.note }) : null,
    apps.length ? make("ul", { class: "apps", "aria-label": "Apps" }, ...apps) : null,
    make("button", {
      type: "button", class: "press secondary", id: "check-in", text: "Check in now",
      onclick: () => post(`panel/device/${encodeURIComponent(device.id)}/check-in`, {}).then(look).catch((error) => toast(error.message)),
    }));
}

/** Notes one call to Graph, newest first. */
export function addCall(call) {
  const tone = call.status === 0 || call.status >= 500 ? "bad" : call.status >= 400 ? "warn" : "good";
  const list = byId("calls");
  list.prepend(make("li", { title: `${call.path}${call.query ? `?${call.query}` : ""}` },
    make("span", { class: `method ${call.method === "POST" ? "write" : ""}`, text: call.method }),
    make("span", { class: "path", text: call.path.replace(/^\/(v1\.0|beta)\//, "/") }),
    make("span", { class: `status ${tone}`, text: call.status || "lost" }),
    make("time", { text: call.at ? moment(Date.parse(call.at), "T") : "" })));
  while (list.children.length > CALLS) list.lastElementChild.remove();
}
