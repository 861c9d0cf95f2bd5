// The dialog that a bot opens in front of somebody.

import { byId, make, post } from "./dom.js";

const dialog = byId("dialog");
let open = "";

dialog.addEventListener("cancel", (event) => { event.preventDefault(); leave(); });
let who = "";

function leave() {
  post("close-modal", { as: who }).catch(() => undefined);
}

/** Shows, keeps or closes the dialog, as the state says. */
export function showDialog(state) {
  who = state.me;
  const key = state.modal ? `${state.me} ${state.modal.interaction}` : "";
  if (key === open) return;
  open = key;
  if (!key) { if (dialog.open) dialog.close(); return; }
  const { modal } = state;
  const inputs = modal.inputs.map((input) => make(input.paragraph ? "textarea" : "input", {
    id: `field-${input.custom_id}`, name: input.custom_id, required: input.required, placeholder: input.placeholder || undefined,
    minlength: input.min || undefined, maxlength: String(input.max), rows: input.paragraph ? "4" : undefined, autocomplete: "off",
  }));
  inputs.forEach((element, index) => { element.value = modal.inputs[index].value; });
  const problem = make("p", { class: "problem", role: "alert" });
  const form = make("form", { method: "dialog", novalidate: true },
    make("h2", { id: "dialog-title", text: modal.title }),
    make("p", { class: "subtext", text: `This form goes to ${state.bot}. Do not share passwords.` }),
    ...modal.inputs.map((input, index) => make("div", { class: "field" },
      make("label", { for: `field-${input.custom_id}` }, input.label,
        input.required ? make("span", { class: "star", text: " *", title: "required" }) : null),
      inputs[index])),
    problem,
    make("div", { class: "ends" },
      make("button", { type: "button", class: "press secondary", id: "dialog-cancel", text: "Cancel", onclick: leave }),
      make("button", { type: "submit", class: "press primary", id: "dialog-submit", text: "Submit" })));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const fields = Object.fromEntries(inputs.map((element) => [element.name, element.value]));
    post("submit", { as: state.me, fields }).catch((error) => { problem.textContent = error.message; });
  });
  dialog.replaceChildren(form);
  dialog.showModal();
  inputs[0]?.focus();
}
