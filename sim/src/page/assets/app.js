// The page: keeps the state that the simulator streams, and draws it for one persona in one channel.

import { avatar, byId, make, refreshTimes, setNow } from "./dom.js";
import { label, startComposer, type } from "./composer.js";
import { showDialog } from "./dialog.js";
import { showMessages } from "./messages.js";
import { addCall, look, startPanel } from "./panel.js";

const HINT = "sim-hint-hidden";
const wanted = new URLSearchParams(location.search);
let me = wanted.get("as") ?? sessionStorage.getItem("sim-me") ?? "";
let channel = wanted.get("channel") ?? "";
let state = null;
let stream = null;

function listen() {
  stream?.close();
  byId("calls").replaceChildren();
  stream = new EventSource(`/_sim/events?as=${encodeURIComponent(me)}`);
  stream.addEventListener("state", (event) => take(JSON.parse(event.data)));
  stream.addEventListener("call", (event) => { addCall(JSON.parse(event.data)); look(); });
  stream.addEventListener("error", () => connection(false, "The simulator does not answer"));
}

function take(next) {
  if (!next.people.some((person) => person.username === next.me)) {
    me = next.people[0]?.username ?? "";
    if (me) listen();
    return;
  }
  state = next;
  setNow(state.now);
  if (!state.channels.some((one) => one.name === channel)) channel = state.channels[0]?.name ?? "";
  draw();
}

function connection(up, text) {
  const element = byId("link");
  element.classList.toggle("down", !up);
  if (element.textContent !== text) element.textContent = text;
}

const world = {
  person: (id) => state.people.find((person) => person.id === id)?.display_name
    ?? (state.bot_id === id ? state.bot : undefined),
  role: (id) => state.roles.find((role) => role.id === id)?.name,
  channel: (id) => state.channels.find((one) => one.id === id)?.name,
};

function draw() {
  byId("guild").textContent = state.guild;
  byId("guild-badge").textContent = state.guild.split(/\s+/).map((word) => word[0]).join("").slice(0, 2).toUpperCase();
  document.title = `#${channel} · ${state.guild} (simulated)`;
  connection(state.connected, state.connected ? `${state.bot} is online` : `${state.bot} is offline`);
  byId("channel-name").textContent = channel;
  byId("topic").textContent = state.channels.find((one) => one.name === channel)?.topic ?? "";
  label(channel);
  drawList("channels", state.channels, channelItem);
  drawList("people", state.people, personItem);
  showMessages(state, channel, world);
  showDialog(state);
}

const drawn = {};
/** Draws a list again only where it changed, so that focus stays. */
function drawList(id, things, item) {
  const text = JSON.stringify([things, me, channel]);
  if (drawn[id] === text) return;
  drawn[id] = text;
  const focus = document.activeElement?.dataset.key;
  byId(id).replaceChildren(...things.map(item));
  if (focus) byId(id).querySelector(`[data-key="${CSS.escape(focus)}"]`)?.focus();
}

function channelItem(one) {
  const button = make("button", {
    type: "button", class: "channel", "aria-current": one.name === channel ? "page" : undefined, data: { key: one.id },
    onclick: () => { channel = one.name; draw(); closeDrawers(); byId("box").focus(); },
  }, make("span", { class: "hash", "aria-hidden": "true", text: "#" }), one.name);
  return make("li", {}, button);
}

function personItem(person) {
  const chips = person.roles.map((role) => make("span", { class: "role", text: role }));
  const button = make("button", {
    type: "button", class: "person", "aria-pressed": String(person.username === me), data: { key: person.id, user: person.username },
    onclick: () => become(person.username),
  }, avatar(person.display_name, false), make("span", { class: "who" },
    make("span", { class: "name", text: person.display_name }),
    make("span", { class: "about", text: person.about }),
    make("span", { class: "roles" }, ...chips)));
  return make("li", {}, button);
}

function become(username) {
  me = username;
  sessionStorage.setItem("sim-me", me);
  listen();
  closeDrawers();
}

function drawer(buttonId, className) {
  byId(buttonId).addEventListener("click", () => {
    const open = document.body.classList.toggle(className);
    byId(buttonId).setAttribute("aria-expanded", String(open));
  });
}

function closeDrawers() {
  document.body.classList.remove("side-open", "panel-open");
  for (const id of ["toggle-side", "toggle-panel"]) byId(id).setAttribute("aria-expanded", "false");
}

function hint() {
  const element = byId("hint");
  element.hidden = localStorage.getItem(HINT) === "yes";
  byId("hint-close").addEventListener("click", () => {
    localStorage.setItem(HINT, "yes");
    element.hidden = true;
    byId("box").focus();
  });
  byId("hint-try").addEventListener("click", () => type("/sync device:LT-042"));
}

drawer("toggle-side", "side-open");
drawer("toggle-panel", "panel-open");
byId("scroll").addEventListener("click", closeDrawers);
byId("panel-close").addEventListener("click", () => { closeDrawers(); byId("toggle-panel").focus(); });
document.addEventListener("keydown", (event) => { if (event.key === "Escape") closeDrawers(); });
startComposer(() => ({ state, channel }));
startPanel();
hint();
listen();
setInterval(refreshTimes, 1000);
