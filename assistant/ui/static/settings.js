// How a person likes their answers and their page; kept in this browser.

import { get, h } from "./dom.js";
import { on, setSettings, settings } from "./state.js";

const THEMES = [["system", "As the system has it"], ["light", "Light"], ["dark", "Dark"]];

export function startSettings() {
  on("settings-dialog", open);
}

async function open() {
  const { models, passages, running } = await get("/ui/models").catch(() => ({ models: [], passages: 5, running: false }));
  const known = settings.model && !models.includes(settings.model) ? [settings.model, ...models] : models;
  const model = choice("Chat model", [["", "The one that is set up"], ...known.map((name) => [name, name])], settings.model ?? "", (value) => setSettings({ model: value || null }));
  const count = h("input", {
    type: "number",
    min: 1,
    max: 50,
    placeholder: String(passages),
    value: settings.passages ?? "",
    onchange: () => setSettings({ passages: count.validity.valid && count.value ? Number(count.value) : null }),
  });
  const dialog = h(
    "dialog.ask",
    { "aria-label": "Settings", onclose: () => dialog.remove() },
    h(
      "form",
      { method: "dialog" },
      h("h2", null, "Settings"),
      model,
      running ? null : h("p.quiet", null, "No Ollama is running. To get written answers: start it with ollama serve, then ollama pull llama3.2."),
      h("label", null, "Passages that an answer is made from", count),
      choice("Theme", THEMES, settings.theme, (value) => setSettings({ theme: value })),
      h("div.buttons", null, h("button.primary", { value: "done" }, "Done")),
    ),
  );
  document.body.append(dialog);
  dialog.showModal();
}

function choice(label, options, value, onchange) {
  const select = h("select", { onchange: () => onchange(select.value) }, options.map(([key, name]) => h("option", { value: key }, name)));
  select.value = value;
  return h("label", null, label, select);
}
