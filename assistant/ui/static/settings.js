// How a person likes their answers and their page; kept in this browser.

import { h } from "./dom.js";
import { chatModels, missingModel } from "./models.js";
import { on, setSettings, settings } from "./state.js";

const THEMES = [["system", "As the system has it"], ["light", "Light"], ["dark", "Dark"]];
const FREEDOM = [["0", "Keeps to the sources"], ["0.3", "A little freer"], ["0.7", "Freer"], ["1", "Free"]];

export function startSettings() {
  on("settings-dialog", open);
}

async function open() {
  const known = await chatModels();
  const dialog = h(
    "dialog.ask",
    { "aria-label": "Settings", onclose: () => dialog.remove() },
    h(
      "form",
      { method: "dialog" },
      h("h2", null, "Settings"),
      chatModel(known),
      missingModel(known, () => (dialog.close(), open())),
      choice("Answers are in", languages(known), settings.language ?? "", (value) => setSettings({ language: value || null })),
      choice("How freely they are written", freedom(known), settings.temperature === null ? "" : String(settings.temperature), (value) => setSettings({ temperature: value === "" ? null : Number(value) })),
      passages(known),
      choice("Theme", THEMES, settings.theme, (value) => setSettings({ theme: value })),
      h("div.buttons", null, h("button.primary", { value: "done" }, "Done")),
    ),
  );
  document.body.append(dialog);
  dialog.showModal();
}

function chatModel({ models, chosen }) {
  const names = settings.model && !models.includes(settings.model) ? [settings.model, ...models] : models;
  const first = chosen ?? models[0];
  const usual = first ? `The usual one (${first})` : "The first that there is";
  return choice("Chat model", [["", usual], ...names.map((name) => [name, name])], settings.model ?? "", (value) => setSettings({ model: value || null }));
}

function languages({ languages: names }) {
  const sorted = Object.entries(names).sort(([, a], [, b]) => a.localeCompare(b));
  return [["", "The language of the question"], ...sorted];
}

function freedom({ temperature }) {
  const usual = FREEDOM.find(([value]) => Number(value) === temperature)?.[1] ?? `temperature ${temperature}`;
  return [["", `As usual (${usual[0].toLowerCase()}${usual.slice(1)})`], ...FREEDOM];
}

function passages({ passages: usual }) {
  const count = h("input", {
    type: "number",
    min: 1,
    max: 50,
    placeholder: String(usual),
    value: settings.passages ?? "",
    onchange: () => setSettings({ passages: count.validity.valid && count.value ? Number(count.value) : null }),
  });
  return h("label", null, "Passages that an answer is made from", count);
}

function choice(label, options, value, onchange) {
  const select = h("select", { onchange: () => onchange(select.value) }, options.map(([key, name]) => h("option", { value: key }, name)));
  select.value = value;
  return h("label", null, label, select);
}
