// Documents: collections and counts on the left, and all of them as a list in a view.

import { asked, attempt, bytes, call, confirmed, fill, get, h, iconButton, menu, note, plural, refill, told, when } from "./dom.js";
import { emit, on, scope, setScope, state } from "./state.js";
import { openView, closeView, viewIs } from "./views.js";
import { poll, totals } from "./status.js";
import { chooseFiles, chooseFolder } from "./upload.js";
import { openReader } from "./reader.js";

const ROW = 56;
const PART = 100;

const collections = h("ul.collections", { role: "radiogroup", "aria-label": "Answer from" });
const counts = h("div.counts");
const work = h("div#work", { "aria-live": "polite" });

export function startDocuments(left) {
  left.append(
    h(
      "section#documents",
      { "aria-label": "Documents" },
      h("h2", null, "Answer from"),
      collections,
      work,
      counts,
    ),
  );
  on("overview", ({ changed }) => {
    drawLeft();
    if (viewIs("documents")) changed || state.overview.running.length ? table.reload() : null;
  });
  on("scope", drawLeft);
  on("documents", (filter) => openDocuments(filter));
  on("asking", flush);
  on("uploads", drawLeft);
  addEventListener("pagehide", flush);
}

// -- on the left ---------------------------------------------------------------------------

const openList = h("button.link", { type: "button", onclick: () => openDocuments() });

function drawLeft() {
  const all = totals();
  const rows = [collectionRow(null, "All documents", all)];
  for (const one of state.overview?.collections ?? []) rows.push(collectionRow(one.name, one.name, one));
  refill(collections, ...(all.documents ? rows : []));
  collections.previousElementSibling.hidden = !all.documents;
  refill(work, ...(state.overview?.running ?? []).slice(0, 3).map(working), ...more(all));
  openList.textContent = all.documents ? plural(all.documents, "document") : "Documents";
  refill(counts,
    openList,
    all.failed ? h("button.link.failed", { type: "button", onclick: () => openDocuments({ state: "failed" }) }, `${all.failed.toLocaleString("en")} failed ›`) : null,
    h("span.spacer"),
    iconButton("add-file", "Add files", () => chooseFiles()),
    iconButton("map", "Map", () => emit("map")),
    iconButton("settings", "Settings", () => emit("settings-dialog")),
  );
}

function collectionRow(name, label, one) {
  const chosen = !scope.documents.length && scope.collection === name;
  return h(
    "li",
    { role: "none" },
    h(
      "button",
      { type: "button", role: "radio", "aria-checked": String(chosen), onclick: () => setScope({ collection: name, documents: [] }) },
      h("span.radio", { "aria-hidden": true }),
      h("bdi.name", { title: label }, label),
      h("span.quiet", null, one.documents.toLocaleString("en")),
    ),
  );
}

const stageWords = (row) => (row.state === "running" ? `${row.stage || "starting"} ${Math.round(row.fraction * 100)} %` : "waiting");

function working(row) {
  return h(
    "div.working",
    null,
    h("bdi.name", { title: row.name }, row.name),
    h("span.quiet", null, stageWords(row)),
    h("progress", { value: row.state === "running" ? row.fraction : 0, max: 1, "aria-label": `${row.name}: ${stageWords(row)}` }),
  );
}

const more = (all) => (all.busy > 3 ? [h("div.quiet", null, `and ${(all.busy - 3).toLocaleString("en")} more`)] : []);

// -- the view ------------------------------------------------------------------------------

const view = { text: "", collection: "", state: "", order: "name", descending: false };
/** The rows that are ticked: id → row. */
const ticked = new Map();

class Table {
  /** A list of any length: rows are fetched in parts and drawn where they are in sight. */
  constructor() {
    this.rows = new Map();
    this.total = 0;
    this.spacer = h("div.rows", { role: "rowgroup" });
    this.scroller = h("div.scroller", { role: "table", "aria-label": "Documents", onscroll: () => this.draw() });
    this.epoch = 0;
  }

  async reload() {
    const epoch = ++this.epoch;
    const first = Math.floor(this.scroller.scrollTop / ROW / PART) * PART;
    const parts = await Promise.all([this.fetch(first), this.fetch(first + PART)].map((part) => part.catch(() => null)));
    if (epoch !== this.epoch) return;
    this.rows = new Map();
    for (const part of parts) if (part) this.take(part);
    this.draw();
  }

  async fetch(offset) {
    const query = new URLSearchParams({ order: view.order, descending: view.descending, offset, limit: PART });
    for (const key of ["text", "collection", "state"]) if (view[key]) query.set(key, view[key]);
    return { offset, ...(await get(`/ui/documents?${query}`)) };
  }

  take({ offset, total, documents }) {
    this.total = total;
    documents.forEach((row, index) => {
      this.rows.set(offset + index, row);
      if (ticked.has(row.id)) ticked.set(row.id, row);
    });
  }

  async load(offset) {
    if (this.loading?.has(offset)) return;
    (this.loading ??= new Set()).add(offset);
    const epoch = this.epoch;
    const part = await this.fetch(offset).catch(() => null);
    this.loading.delete(offset);
    if (part && epoch === this.epoch) {
      this.take(part);
      this.draw();
    }
  }

  draw() {
    const { scrollTop, clientHeight } = this.scroller;
    const first = Math.max(0, Math.floor(scrollTop / ROW) - 5);
    const last = Math.min(this.total, Math.ceil((scrollTop + clientHeight) / ROW) + 5);
    this.spacer.style.height = `${this.total * ROW}px`;
    const held = document.activeElement?.dataset?.key;
    const drawn = [];
    for (let index = first; index < last; index++) {
      const row = this.rows.get(index);
      if (row) drawn.push(documentRow(row, index));
      else this.load(Math.floor(index / PART) * PART);
    }
    fill(this.spacer, ...drawn);
    if (held) this.spacer.querySelector(`[data-key="${held}"]`)?.focus({ preventScroll: true });
    drawCounts();
  }
}

const table = new Table();
const summary = h("span.quiet", { "aria-live": "polite" });
const selection = h("div.selection");

function openDocuments(filter = {}) {
  Object.assign(view, { text: "", collection: scope.collection ?? "", state: "" }, filter);
  const search = h("input", { type: "search", placeholder: "Filter by name", "aria-label": "Filter by name", value: view.text, oninput: debounce(() => change({ text: search.value.trim() })) });
  const names = (state.overview?.collections ?? []).map((one) => one.name);
  const collection = select("Collection", [["", "All collections"], ...names.map((name) => [name, name])], view.collection, (value) => change({ collection: value }));
  const states = select("State", [["", "Any state"], ["ready", "Ready"], ["running", "In work"], ["failed", "Failed"]], view.state, (value) => change({ state: value }));
  const body = openView("documents", "Documents", [
    h("button.primary", { type: "button", onclick: () => chooseFiles() }, "Add files"),
    h("button.plain", { type: "button", onclick: () => chooseFolder() }, "Add folder"),
    h("button.plain", { type: "button", onclick: () => emit("map") }, "Map"),
  ]);
  fill(table.scroller, headings(), table.spacer);
  body.append(h("div.filters", null, search, collection, states, summary), selection, table.scroller);
  table.reload();
  drawSelection();
}

function select(label, options, value, onchange) {
  const element = h("select", { "aria-label": label, onchange: () => onchange(element.value) }, options.map(([key, name]) => h("option", { value: key }, name)));
  element.value = value;
  return element;
}

function debounce(work, wait = 150) {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(work, wait);
  };
}

function change(part) {
  Object.assign(view, part);
  table.scroller.scrollTop = 0;
  table.scroller.firstChild?.replaceWith(headings());
  table.reload();
}

const COLUMNS = [["name", "Name"], ["state", "State"], ["chunks", "Passages"], ["pages", "Pages"], ["size", "Size"], ["updated", "Changed"]];

function headings() {
  return h(
    "div.row.head",
    { role: "row" },
    h("span", { role: "columnheader" }, h("input", { type: "checkbox", "aria-label": "Select all that are shown", onchange: (event) => tickAll(event.target.checked) })),
    COLUMNS.map(([key, label]) => {
      const sorted = view.order === key;
      const direction = sorted ? (view.descending ? "descending" : "ascending") : "none";
      return h(
        "span",
        { role: "columnheader", "aria-sort": direction, class: key },
        h("button.link", { type: "button", onclick: () => change({ order: key, descending: sorted ? !view.descending : key !== "name" && key !== "state" }) }, label, sorted ? (view.descending ? " ↓" : " ↑") : ""),
      );
    }),
    h("span", { role: "columnheader" }, h("span.hidden", null, "Actions")),
  );
}

function documentRow(row, index) {
  if (pending.has(row.id)) return h("div.row.gone", { role: "row", "--at": `${index * ROW}px` }, h("span", { role: "cell" }), h("span.name", { role: "cell" }, `${row.name} is being removed`));
  const failed = row.state === "failed";
  const busy = row.state === "queued" || row.state === "running";
  const more = iconButton("more", `More for ${row.name}`, () => menu(more, actionsOf(row)), { "data-key": `more-${row.id}` });
  const tick = h("input", { type: "checkbox", "aria-label": `Select ${row.name}`, "data-key": `tick-${row.id}`, onchange: () => (tick.checked ? ticked.set(row.id, row) : ticked.delete(row.id), drawSelection()) });
  tick.checked = ticked.has(row.id);
  const folder = row.collection === view.collection ? null : h("span.quiet", null, row.collection);
  return h(
    "div.row",
    { role: "row", class: row.state, "--at": `${index * ROW}px` },
    h("span", { role: "cell" }, tick),
    h(
      "span.name",
      { role: "cell" },
      row.known
        ? h("button.link", { type: "button", title: row.name, "data-key": `read-${row.id}`, onclick: () => openReader(row.id) }, h("bdi", null, row.name))
        : h("bdi", { title: row.name }, row.name),
      failed || (busy && row.error) || row.notice ? reason(row) : folder,
    ),
    h("span.state", { role: "cell" }, busy ? [stageWords(row), h("progress", { value: row.state === "running" ? row.fraction : 0, max: 1, "aria-label": row.name })] : failed ? ["failed ", h("button.link", { type: "button", "data-key": `retry-${row.id}`, onclick: () => retry(row) }, "Retry")] : "ready"),
    h("span.chunks", { role: "cell" }, row.known ? row.chunks.toLocaleString("en") : ""),
    h("span.pages", { role: "cell" }, row.pages ? row.pages.toLocaleString("en") : ""),
    h("span.size", { role: "cell" }, bytes(row.size)),
    h("span.updated", { role: "cell" }, when(row.updated)),
    h("span", { role: "cell" }, more),
  );
}

/** One line of why a document failed, waits or was read in part; a click tells it in full. */
function reason(row) {
  const words = row.error || row.notice;
  const classes = row.state === "failed" ? "reason" : "quiet";
  return h("button", { type: "button", class: classes, title: words, "data-key": `reason-${row.id}`, onclick: () => told(row.name, words) }, words);
}

function actionsOf(row) {
  const actions = [["Ask this document alone", () => askThese([row])]];
  if (row.known) actions.push(["Read in full", () => openReader(row.id)]);
  actions.push(["Download the original", () => download(row)], ["Move to a collection…", () => move([row])]);
  if (row.state === "failed" || row.state === "ready") actions.push([row.state === "failed" ? "Retry" : "Index again", () => retry(row)]);
  actions.push(["Remove", () => remove([row])]);
  return actions;
}

function drawCounts() {
  summary.textContent = table.total ? plural(table.total, "document") : "";
  if (table.total) return;
  const empty = view.text || view.collection || view.state ? "No document fits. Change the filter above." : "No documents yet. Drop files or a folder here.";
  table.spacer.style.height = "";
  fill(table.spacer, h("p.empty", null, empty));
}

// -- what is ticked ------------------------------------------------------------------------

function tickAll(checked) {
  for (const row of table.rows.values()) checked ? ticked.set(row.id, row) : ticked.delete(row.id);
  table.draw();
  drawSelection();
}

function drawSelection() {
  const rows = [...ticked.values()];
  selection.hidden = !rows.length;
  fill(selection, 
    h("span", null, `${rows.length.toLocaleString("en")} selected`),
    h("button.plain", { type: "button", onclick: () => askThese(rows) }, "Ask these"),
    h("button.plain", { type: "button", onclick: () => move(rows) }, "Move…"),
    h("button.plain", { type: "button", onclick: () => remove(rows) }, "Remove"),
    h("button.link", { type: "button", onclick: () => (ticked.clear(), table.draw(), drawSelection()) }, "Clear"),
  );
}

function askThese(rows) {
  setScope({ collection: null, documents: rows.map(({ id, name }) => ({ id, name })) });
  ticked.clear();
  closeView();
  document.querySelector("#question textarea")?.focus();
}

async function retry(row) {
  await attempt(() => call("POST", `/ui/documents/${row.id}/retry`));
  poll().then(() => table.reload());
}

function download(row) {
  const link = h("a", { href: `/ui/documents/${row.id}/original`, download: "" });
  document.body.append(link);
  link.click();
  link.remove();
}

async function move(rows) {
  const collection = await asked(`Move ${rows.length === 1 ? `“${rows[0].name}”` : plural(rows.length, "document")} to the collection`, rows[0].collection, "Move");
  if (!collection) return;
  let moved = 0;
  for (const row of rows) {
    if (!(await attempt(() => call("POST", `/ui/documents/${row.id}/move`, { collection })))) break;
    moved += 1;
  }
  ticked.clear();
  drawSelection();
  if (moved) note(`${plural(moved, "document")} moved to ${collection}.`);
  poll().then(() => table.reload());
}

// -- removing: asked once, and for ten seconds it can be taken back --------------------------

const pending = new Map();

async function remove(rows) {
  const what = rows.length === 1 ? `“${rows[0].name}”` : plural(rows.length, "document");
  if (!(await confirmed(`Remove ${what} from your documents?`, "Remove"))) return;
  const timer = setTimeout(() => settle(rows), 10_000);
  for (const row of rows) {
    pending.set(row.id, timer);
    ticked.delete(row.id);
  }
  setScope({ documents: scope.documents.filter((one) => !pending.has(one.id)) });
  table.draw();
  drawSelection();
  const single = rows.length === 1;
  note(`${what} ${single ? "is" : "are"} removed.`, {
    action: "Undo",
    seconds: 10,
    onaction: () => {
      clearTimeout(timer);
      for (const row of rows) pending.delete(row.id);
      table.draw();
    },
  });
}

async function settle(rows) {
  for (const row of rows) {
    if (!pending.has(row.id)) continue;
    await attempt(() => call("DELETE", `/ui/documents/${row.id}`, undefined, { keepalive: true }));
    pending.delete(row.id);
  }
  poll().then(() => viewIs("documents") && table.reload());
}

/** Before a question is asked, or the page is left, what was removed goes for good. */
function flush() {
  for (const [id, timer] of pending) {
    clearTimeout(timer);
    call("DELETE", `/ui/documents/${id}`, undefined, { keepalive: true }).catch(() => null);
  }
  pending.clear();
}
