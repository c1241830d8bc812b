// A document in full: its headings, its pages, and a search in it.

import { attempt, bytes, get, h, plural } from "./dom.js";
import { openView } from "./views.js";

const MOST_FOUND = 2000;

/** Open a document; with a place {start, end}, go there and mark it. */
export async function openReader(id, place) {
  const found = await attempt(() => get(`/ui/documents/${id}/text`));
  if (!found) return;
  const { document: row, kind } = found;
  const text = found.text;
  const units = counter(text);
  const search = h("input", { type: "search", placeholder: "Search in this document", "aria-label": "Search in this document" });
  const count = h("span.quiet", { "aria-live": "polite" });
  const body = openView("reader", row.name, [search, count], () => CSS.highlights?.clear());
  const sections = found.headings.map((one) => ({ ...one, start: units(one.start), end: units(one.end) }));
  const pages = found.pages.map((one) => ({ ...one, start: units(one.start) }));
  const { article, blocks } = draw(text, kind, sections, pages);
  const outline = sections.length
    ? h(
        "nav.outline",
        { "aria-label": "Headings" },
        sections.map((one) => h("button.link", { type: "button", dir: "auto", class: `level-${one.level}`, onclick: () => goTo(one.start) }, one.title)),
      )
    : null;
  const facts = [row.collection, row.pages && plural(row.pages, "page"), plural(row.chunks, "passage"), bytes(row.size)].filter(Boolean).join(" · ");
  const scroller = h("div.reading", { tabindex: 0, role: "document", "aria-label": row.name }, h("p.quiet", null, facts), article);
  body.append(...[outline, scroller].filter(Boolean));

  const blockAt = (position) => {
    let low = 0;
    let high = blocks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (blocks[middle].start <= position) low = middle;
      else high = middle - 1;
    }
    return blocks[low];
  };
  /** The range of a span of the text in the page, cut at the end of its block. */
  const rangeOf = (start, end, block = blockAt(start)) => {
    const range = new Range();
    const length = block.node.data.length;
    range.setStart(block.node, Math.min(start - block.start, length));
    range.setEnd(block.node, Math.min(end - block.start, length));
    return range;
  };
  const rangesOf = (start, end) => blocks.filter((one) => one.start < end && one.start + one.node.data.length > start).map((one) => rangeOf(Math.max(start, one.start), end, one));
  const show = (name, ranges) => CSS.highlights?.set(name, new Highlight(...ranges));
  function goTo(position) {
    blockAt(position).element.scrollIntoView({ block: "start" });
  }

  // -- searching ---------------------------------------------------------------------------
  const lower = text.toLowerCase();
  // A few letters grow when they are made small; places would no longer fit.
  const folded = lower.length === text.length ? lower : text;
  let hits = [];
  let at = -1;
  const step = (by) => {
    if (!hits.length) return;
    at = (at + by + hits.length) % hits.length;
    count.textContent = `${at + 1} of ${hits.length}${hits.length === MOST_FOUND ? "+" : ""}`;
    const [start, end] = hits[at];
    show("hit", rangesOf(start, end));
    const range = rangeOf(start, end);
    range.startContainer.parentElement.scrollIntoView({ block: "center" });
  };
  search.addEventListener("input", () => {
    const wanted = search.value.trim().toLowerCase();
    hits = [];
    at = -1;
    for (let from = folded.indexOf(wanted); wanted && from >= 0 && hits.length < MOST_FOUND; from = folded.indexOf(wanted, from + wanted.length)) hits.push([from, from + wanted.length]);
    show("found", hits.flatMap(([start, end]) => rangesOf(start, end)));
    CSS.highlights?.delete("hit");
    count.textContent = wanted ? (hits.length ? `${hits.length}${hits.length === MOST_FOUND ? "+" : ""} found` : "Not found") : "";
  });
  search.addEventListener("keydown", (event) => {
    if (event.key === "Enter") {
      event.preventDefault();
      step(event.shiftKey ? -1 : 1);
    }
  });

  if (place) {
    const [start, end] = [units(place.start), units(place.end)];
    show("quote", rangesOf(start, end));
    blockAt(start).element.scrollIntoView({ block: "center" });
  }
}

/** Return a function from characters, as the server counts, to the units of this language. */
function counter(text) {
  if (!/[\ud800-\udbff]/.test(text)) return (position) => position;
  const pairs = [];
  let characters = 0;
  for (const character of text) {
    if (character.length === 2) pairs.push(characters);
    characters += 1;
  }
  return (position) => {
    let low = 0;
    let high = pairs.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (pairs[middle] < position) low = middle + 1;
      else high = middle;
    }
    return position + low;
  };
}

/** Draw the text in blocks, each one text node whose place in the text is known. */
function draw(text, kind, sections, pages) {
  const cuts = new Set([0, text.length]);
  for (const match of text.matchAll(/\n[ \t]*\n\s*/g)) cuts.add(match.index + match[0].length);
  for (const one of sections) cuts.add(one.start).add(one.end);
  for (const one of pages) cuts.add(one.start);
  const ordered = [...cuts].sort((a, b) => a - b);
  const levels = new Map(sections.map((one) => [one.start, one.level]));
  const numbers = new Map(pages.map((one) => [one.start, one.number]));
  const article = h("div.text", { dir: "auto" });
  const blocks = [];
  for (let index = 0; index + 1 < ordered.length; index++) {
    const start = ordered[index];
    const mark = levels.has(start) ? /^#+[ \t]+/.exec(text.slice(start, start + 12)) : null;
    const first = start + (mark ? mark[0].length : 0);
    const piece = text.slice(first, ordered[index + 1]);
    if (numbers.has(start)) article.append(h("div.page-mark", null, `Page ${numbers.get(start)}`));
    const shown = kind === "pdf" ? joined(piece) : piece;
    const node = document.createTextNode(shown.trimEnd());
    if (!node.data) continue;
    const level = levels.get(start);
    const element = h("div.block", { dir: "auto", class: level ? `heading level-${level}` : "" }, node);
    blocks.push({ start: first, node, element });
    article.append(element);
  }
  return { article, blocks: blocks.length ? blocks : [{ start: 0, node: document.createTextNode(""), element: article }] };
}

/** A PDF's lines end at the paper's edge: each such end becomes a space, of the same length. */
const joined = (text) => text.replace(/(?<!\n)\n(?=.)(?!\s*(?:\n|\d+[.)\d]*\s|\(\w{1,3}\)|[-•*–]\s))/g, " ");
