// Chat models: what there is, and a button that gets one where Ollama runs.

import { attempt, fill, get, h, Refusal } from "./dom.js";

const NOTHING = { models: [], ollama: false, chosen: null, suggested: "llama3.2", passages: 5, temperature: 0, languages: {} };

export const chatModels = () => get("/ui/models").catch(() => NOTHING);

/** Whether answers can be written at all. */
export const canWrite = (known) => known.models.length > 0 || known.chosen !== null;

/** What to do where no model writes; null where one does. `onready` is called when one was got. */
export function missingModel(known, onready) {
  if (canWrite(known)) return null;
  const room = h("div.no-model");
  if (known.ollama) offer(room, known.suggested, onready);
  else fill(room, h("p.quiet", null, "No Ollama is running, so answers are quotes. To get written ones, start it with ", h("code", null, "ollama serve"), "; Footnote notices by itself."));
  return room;
}

function offer(room, name, onready) {
  fill(
    room,
    h("p.quiet", null, "Ollama has no chat model yet, so answers are quotes."),
    h("button.plain", { type: "button", onclick: () => attempt(() => pull(room, name, onready)) }, `Get ${name}`),
  );
}

async function pull(room, name, onready) {
  const stop = new AbortController();
  const words = h("span.quiet", { role: "status" }, `Getting ${name}…`);
  const bar = h("progress", { max: 1, "aria-label": `Getting ${name}` });
  const cancel = h("button.link", { type: "button", onclick: () => stop.abort() }, "Cancel");
  fill(room, h("div.pulling", null, words, cancel), bar);
  try {
    for await (const step of lines("/ui/models/pull", { name }, stop.signal)) {
      if (step.error) throw new Refusal(step.error);
      // Without a value a bar only shows that something is going on.
      if (step.fraction > 0) bar.value = step.fraction;
      words.textContent = step.fraction > 0 ? `Getting ${name}: ${Math.floor(step.fraction * 100)} %` : `Getting ${name}: ${step.status}`;
    }
    fill(room, h("p.quiet", { role: "status" }, `${name} is ready.`));
    onready();
  } catch (error) {
    offer(room, name, onready);
    if (error.name !== "AbortError") throw error;
  }
}

/** Post to the server and yield what it answers, a line of JSON at a time. */
async function* lines(path, body, signal) {
  const response = await fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body), signal });
  if (!response.ok) throw new Refusal(`Footnote answered with an error (${response.status}). Reload the page.`);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const parts = (rest + value).split("\n");
    rest = parts.pop();
    yield* parts.map((line) => JSON.parse(line));
  }
}
