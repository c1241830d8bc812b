// The proof on the right: the sources of the answer at hand, and one of them opened in place.

import { attempt, fill, get, h, iconButton, plural } from "./dom.js";
import { emit, on, state } from "./state.js";
import { place } from "./chat.js";
import { openReader } from "./reader.js";
import { pagePicture } from "./pages.js";

const EXPLAINED = {
  supported: "Supported by its source",
  partly: "Only in part found in its source",
  unsupported: "Not found in the source that it cites",
  uncited: "Cites no source",
};

let panel;
/** Answers by turn, of the conversation at hand. */
let turns = new Map();
/** {turn, order} of the citation that is open. */
let chosen = null;

export function startSources(right) {
  panel = h("div#sources", { "aria-live": "polite" });
  right.append(h("div.drawer-head", null, iconButton("close", "Close sources", () => emit("drawer", null))), panel);
  on("conversation", () => ((turns = new Map()), (chosen = null), empty()));
  on("answered", showLast);
  // The next answer shows its own sources, also where it takes the place of one that is open.
  on("asking", () => (chosen = null));
  on("cite", ({ turn, order }) => open(turn, order));
  on("passage", ({ turn, rank }) => openPassage(turn, rank));
  on("why", showVerdicts);
  on("sources", showSources);
  on("walk", walk);
  const chat = (event, lit) => lightCards(event.target.closest?.("#chat .said"), lit);
  document.addEventListener("mouseover", (event) => (chat(event, true), hover(event)));
  document.addEventListener("mouseout", (event) => chat(event, false));
  document.addEventListener("focusin", hover);
  empty();
}

function empty() {
  fill(panel, 
    h("p.note", null, "The sources of an answer appear here. Click a number in it to see the sentence that it rests on."),
  );
}

async function answerOf(turn) {
  if (!turns.has(turn)) {
    const path = `/ui/conversations/${state.conversation}/turns/${turn}`;
    turns.set(turn, get(path).then((found) => found.answer));
    turns.get(turn).catch(() => turns.delete(turn));
  }
  return turns.get(turn);
}

/** Show the sources of the last answer, unless the person has one open. */
async function showLast() {
  const last = [...document.querySelectorAll("#chat .tools .copy")].at(-1);
  // A turn that was asked anew has another answer under the same number.
  turns = new Map();
  if (!last) {
    chosen = null;
    empty();
    return;
  }
  const turn = Number(last.id.split("-")[1]);
  if (chosen?.turn === turn && chosen.kept) return;
  chosen = null;
  const answer = await attempt(() => answerOf(turn));
  if (answer) list(answer, turn);
}

/** Show all that an answer rests on, or what came closest to one. */
async function showSources(turn) {
  const answer = await attempt(() => answerOf(turn));
  if (!answer) return;
  chosen = { turn, kept: true };
  list(answer, turn);
  emit("drawer", "right");
}

function list(answer, turn, opened = null, order = null) {
  const cards = answer.citations.length
    ? cited(answer).map((source) => (source.orders.includes(order) ? null : citationCard(source, turn)))
    : answer.passages.map((passage) => passageCard(passage, turn));
  const title = answer.citations.length ? "Sources" : answer.passages.length ? "Closest passages" : "";
  if (!title) {
    empty();
    return;
  }
  fill(panel, [opened, cards.some(Boolean) && h("h2", null, opened ? "Other sources" : title), cards]);
}

/** Return {citation, orders, sentences} for each span that is cited: sentences may share one. */
function cited(answer) {
  const spans = new Map();
  answer.citations.forEach((citation, order) => {
    const key = JSON.stringify([citation.number, citation.document_id, citation.start, citation.end]);
    if (!spans.has(key)) spans.set(key, { citation, orders: [], sentences: new Set() });
    spans.get(key).orders.push(order);
    spans.get(key).sentences.add(citation.sentence);
  });
  return [...spans.values()];
}

function head(source) {
  const path = Array.isArray(source.heading) ? source.heading.join(" › ") : source.heading;
  return [
    h(
      "header",
      null,
      h("span.number", null, String(source.number)),
      h("span.name", null, h("bdi", null, source.document), source.page ? ` · p. ${source.page}` : ""),
    ),
    path ? h("div.path", { dir: "auto" }, path) : null,
  ];
}

function citationCard({ citation, orders, sentences }, turn) {
  const lightAll = (lit) => sentences.forEach((sentence) => light(turn, sentence, lit));
  return h(
    "a.source.cite-card",
    {
      href: `#cite-${turn}-${orders[0]}`,
      onmouseenter: () => lightAll(true),
      onmouseleave: () => lightAll(false),
      "data-said": [...sentences].map((sentence) => `said-${turn}-${sentence}`).join(" "),
    },
    head(citation),
    h("div.quote.clamp", { dir: "auto" }, plain(citation.quote)),
  );
}

function passageCard(passage, turn) {
  return h(
    "button.source",
    { type: "button", onclick: () => openPassage(turn, passage.number) },
    head(passage),
    h("div.quote.clamp", { dir: "auto" }, plain(passage.text)),
  );
}

const plain = (text) => text.replace(/^#{1,6}[ \t]+/gm, "").replace(/\s+/g, " ").trim();

// -- one source ----------------------------------------------------------------------------

async function open(turn, order) {
  card.hidden = true;
  chosen = { turn, order, kept: true };
  for (const cite of document.querySelectorAll("a.cite")) cite.classList.toggle("current", cite.getAttribute("href") === `#cite-${turn}-${order}`);
  emit("drawer", document.body.dataset.drawer === "right" ? undefined : "right");
  const path = `/ui/conversations/${state.conversation}/turns/${turn}/citations/${order}`;
  const [source, answer] = (await attempt(() => Promise.all([get(path), answerOf(turn)]))) ?? [];
  if (!source || chosen?.turn !== turn || chosen.order !== order) return;
  list(answer, turn, opened(source, answer.citations[order]), order);
  bringIntoView();
}

async function openPassage(turn, rank) {
  chosen = { turn, rank, kept: true };
  emit("drawer", document.body.dataset.drawer === "right" ? undefined : "right");
  const path = `/ui/conversations/${state.conversation}/turns/${turn}/passages/${rank}`;
  const [source, answer] = (await attempt(() => Promise.all([get(path), answerOf(turn)]))) ?? [];
  if (!source) return;
  list(answer, turn, opened(source, null));
  bringIntoView();
}

/** Show a passage that no answer has cited: one from the map. */
export function showSource(source) {
  chosen = null;
  fill(panel, opened(source, null));
  emit("drawer", "right");
  bringIntoView();
}

function bringIntoView() {
  panel.parentElement.scrollTop = 0;
  const quote = panel.querySelector("#quote");
  const passage = quote?.closest(".passage");
  if (!passage) return;
  // The quote stands in the upper third of its passage, with what leads to it above.
  const offset = quote.getBoundingClientRect().top - passage.getBoundingClientRect().top;
  passage.scrollTop = offset - passage.clientHeight / 3;
}

function opened(source, citation) {
  const where = source.place;
  const text = where
    ? h(
        "div.passage",
        { dir: "auto", tabindex: 0, role: "group", "aria-label": "Passage" },
        h("span.around", null, prose(where.before, where.kind)),
        prose(where.lead, where.kind),
        h("mark#quote", null, prose(where.quote, where.kind)),
        prose(where.tail, where.kind),
        h("span.around", null, prose(where.after, where.kind)),
      )
    : h("div.passage", { dir: "auto" }, h("mark#quote", null, source.quote));
  const changed = source.there ? "The document has changed since; this is what it said." : "The document was removed since; this is what it said.";
  return h(
    "article.source.opened",
    { "aria-label": `Source ${source.number ?? ""}`, "data-said": citation ? `said-${chosen.turn}-${citation.sentence}` : null },
    head(source),
    text,
    where ? null : h("p.note", null, changed),
    where?.kind === "pdf" && where.pages ? pagePicture(source) : null,
    source.there
      ? h(
          "div.source-links",
          null,
          h("button.link", { type: "button", onclick: () => openReader(source.document_id, where) }, "Read in full"),
          h("a.link", { href: `/ui/documents/${source.document_id}/original`, download: "" }, "Original file"),
        )
      : null,
  );
}

/** Return text as nodes: the headings of Markdown are drawn as such. */
function prose(text, kind) {
  if (kind === "pdf" || kind === "text") return [text];
  return text.split(/^(#{1,6}[ \t]+.*)$/m).map((piece) => (/^#{1,6}[ \t]/.test(piece) ? h("b", null, piece.replace(/^#+[ \t]+/, "")) : piece));
}

// -- verdicts ------------------------------------------------------------------------------

async function showVerdicts(turn) {
  const answer = await attempt(() => answerOf(turn));
  if (!answer) return;
  chosen = { turn, kept: true };
  const rows = answer.sentences.map((sentence, index) =>
    h(
      "li",
      { class: sentence.support, onmouseenter: () => light(turn, index, true), onmouseleave: () => light(turn, index, false) },
      h("div.verdict-name", null, EXPLAINED[sentence.support] ?? sentence.support),
      h("div", { dir: "auto" }, sentence.text),
    ),
  );
  fill(panel, 
    h("h2", null, "Sentence by sentence"),
    h("p.note", null, "Each sentence is compared with the passages it cites: words, numbers, names and negations."),
    h("ol.verdicts", null, rows),
    h("button.link", { type: "button", onclick: () => list(answer, turn) }, `Back to ${plural(cited(answer).length, "source")}`),
  );
  emit("drawer", "right");
}

// -- the sentence and its card light up together -------------------------------------------

function light(turn, sentence, lit) {
  document.getElementById(`said-${turn}-${sentence}`)?.classList.toggle("lit", lit);
}

function lightCards(said, lit) {
  if (!said) return;
  for (const card of panel.querySelectorAll(`[data-said~="${said.id}"]`)) card.classList.toggle("lit", lit);
}

/** Go to the next or previous number in the chat and open it. */
function walk(step) {
  const cites = [...document.querySelectorAll("#chat a.cite")];
  if (!cites.length) return;
  const at = cites.findIndex((cite) => cite === document.activeElement || cite.classList.contains("current"));
  const next = cites[Math.max(0, Math.min(cites.length - 1, at < 0 ? (step > 0 ? 0 : cites.length - 1) : at + step))];
  next.focus();
  next.scrollIntoView({ block: "nearest" });
  const [, turn, order] = next.getAttribute("href").split("-").map(Number);
  open(turn, order);
}

// -- a card beside the number under the pointer --------------------------------------------

const card = h("div#hover-card", { role: "tooltip", hidden: true });

async function hover(event) {
  const cite = event.target.closest?.("#chat a.cite");
  if (!cite) {
    card.hidden = true;
    return;
  }
  const [, turn, order] = cite.getAttribute("href").split("-").map(Number);
  const answer = await answerOf(turn).catch(() => null);
  const citation = answer?.citations[order];
  if (!citation || !(cite.matches(":hover") || cite === document.activeElement)) return;
  fill(card, h("b", { dir: "auto" }, place(citation)), h("div.clamp", { dir: "auto" }, plain(citation.quote)));
  if (!card.isConnected) document.body.append(card);
  card.hidden = false;
  const spot = cite.getBoundingClientRect();
  const { width, height } = card.getBoundingClientRect();
  card.style.left = `${Math.max(8, Math.min(spot.left - 12, innerWidth - width - 8))}px`;
  card.style.top = `${spot.top > height + 16 ? spot.top - height - 8 : spot.bottom + 8}px`;
}
