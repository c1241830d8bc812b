// The documents as a picture: every passage a point, near ones alike. Drawn at once by
// principal components; by neighbours (UMAP), where that is installed and asked for.

import { attempt, call, get, h, plural } from "./dom.js";
import { emit, on, scope, setSettings, settings, state } from "./state.js";
import { openView, viewIs } from "./views.js";
import { plot } from "./plot.js";
import { showSource } from "./sources.js";

const KINDS = {
  components: ["Overview", "Two principal components: how far points stand apart means the same everywhere"],
  neighbours: ["Neighbours", "UMAP: passages that say similar things stand in groups of their own"],
};
const LOOK = 1000;

/** The last answered turn of the chat, whose question and passages are marked, or null. */
function lastTurn() {
  const last = [...document.querySelectorAll("#chat .tools .copy")].at(-1);
  return last ? Number(last.id.split("-")[1]) : null;
}

export function startMap() {
  on("map", open);
}

function decoded(text) {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  return new Int16Array(bytes.buffer);
}

const colour = (number) => `hsl(${(number * 137.5) % 360} 62% ${document.body.classList.contains("dark") ? 66 : 42}%)`;

async function open() {
  const label = h("span.quiet", { "aria-live": "polite" }, "Drawing the map…");
  const kinds = h("div.kinds", { role: "group", "aria-label": "Arrange by", hidden: true });
  let left = false;
  const body = openView("map", "Map", [kinds, label], () => (left = true));
  const room = h("div.map");
  const legend = h("ul.legend");
  body.append(room, legend);
  const collection = scope.collection;
  const query = collection === null ? "" : `?collection=${encodeURIComponent(collection)}`;
  const map = await attempt(() => get(`/ui/map${query}`));
  if (!map || left || !viewIs("map")) return;
  const components = decoded(map.places);
  const owner = new Uint32Array(components.length / 2);
  map.documents.forEach((one, number) => owner.fill(number, one.first, one.first + one.count));
  const summary = owner.length ? `${plural(owner.length, "passage")} of ${plural(map.documents.length, "document")}` : "Nothing to draw yet.";
  label.textContent = summary;
  const turn = lastTurn();
  const marks = owner.length && turn !== null ? await call("POST", "/ui/map/marks", { conversation: state.conversation, turn, collection }).catch(() => null) : null;
  if (left) return;

  const points = plot(room, `Map of ${summary}`, { owner, colour, name: (number) => map.documents[number].name, onopen });
  points.show(components, marks);
  drawLegend(legend, map.documents, marks);
  emit("map-drawn");
  if (!map.neighbours) return;

  const buttons = Object.fromEntries(Object.entries(KINDS).map(([kind, [name, title]]) => [kind, h("button", { type: "button", title, "aria-pressed": "false", onclick: () => choose(kind) }, name)]));
  kinds.append(...Object.values(buttons));
  kinds.hidden = false;
  let chosen;
  let neighbours = null;
  choose(settings.map ?? "components");

  function choose(kind) {
    chosen = kind;
    setSettings({ map: kind });
    for (const [name, button] of Object.entries(buttons)) button.setAttribute("aria-pressed", String(name === kind));
    label.textContent = summary;
    if (kind === "components") points.show(components, marks);
    else if (neighbours) showNeighbours();
    else wait();
  }

  function showNeighbours() {
    label.textContent = summary;
    // UMAP places no question; it is marked where the passage nearest to it stands.
    const at = marks && marks.nearest !== null ? [neighbours[2 * marks.nearest], neighbours[2 * marks.nearest + 1]] : null;
    points.show(neighbours, marks && { hits: marks.hits, question: at });
  }

  async function wait() {
    while (!left && chosen === "neighbours") {
      const answer = await attempt(() => get(`/ui/map/neighbours${query}`));
      if (left || chosen !== "neighbours") return;
      if (!answer) return choose("components");
      if (answer.places) {
        neighbours = decoded(answer.places);
        return showNeighbours();
      }
      label.textContent = `Finding the neighbours of ${plural(owner.length, "passage")}… ${answer.seconds} s`;
      await new Promise((resolve) => setTimeout(resolve, LOOK));
    }
  }

  async function onopen(index) {
    const point = new URLSearchParams({ point: index });
    if (collection !== null) point.set("collection", collection);
    const source = await attempt(() => get(`/ui/map/passage?${point}`));
    if (source) showSource(source);
  }
}

function drawLegend(legend, documents, marks) {
  legend.append(
    ...documents.slice(0, 12).map((one, number) => h("li", null, h("i", { "--colour": colour(number) }), h("bdi", { title: one.name }, one.name))),
    documents.length > 12 ? h("li.quiet", null, `and ${(documents.length - 12).toLocaleString("en")} more`) : "",
    marks ? h("li.quiet", null, "cross: your last question · rings: its passages") : "",
  );
}
