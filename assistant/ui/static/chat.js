// The chat itself is Gradio's. This listens to what is clicked in it, by the ids that
// render.py gives, and fills in what Gradio's events send (page.py calls window.footnote).

import { attempt, call, get, h, note } from "./dom.js";
import { emit, on, scope, settings, settleAddress, state } from "./state.js";

/** The turn that the next question replaces: {number, question, retry}. */
let replacing = null;
let growing = 0;

const box = () => document.querySelector("#question textarea");
const chat = () => document.querySelector("#chat");

export function startChat() {
  window.footnote = { asking, current: () => state.conversation, loaded, drawn };
  on("escape", escape);
  on("conversation", () => edit(null));
  on("ask", ask);
  document.addEventListener("click", clicked);
  document.addEventListener("toggle", unfolded, true);
  earlyBox();
}

// -- what Gradio's events send -------------------------------------------------------------

function asking(question) {
  const turn = replacing;
  const asked = turn?.retry ? turn.question : question;
  emit("asking");
  const request = {
    conversation: state.conversation,
    replace: turn ? turn.number : null,
    typed: !turn?.retry,
    collection: scope.documents.length ? null : scope.collection,
    documents: scope.documents.length ? scope.documents.map((one) => one.id) : null,
    k: settings.passages,
    model: settings.model,
    temperature: settings.temperature,
    language: settings.language,
  };
  edit(null);
  if (asked.trim()) settleAddress();
  state.busy = true;
  return [asked, JSON.stringify(request)];
}

/** Called when Gradio has drawn what was there at the start; whoever is quick has asked by then. */
function loaded() {
  if (!state.busy) drawn();
}

/** Called when Gradio has drawn an answer to its end, or a conversation. */
function drawn() {
  state.busy = false;
  for (const cite of document.querySelectorAll("#chat a.cite[title]")) {
    // The hover card says it better than a title, which would stand beside it.
    cite.setAttribute("aria-label", `Source ${cite.textContent}: ${cite.title}`);
    cite.removeAttribute("title");
  }
  // Gradio names each message by its markup; its text is all that is to be read out.
  for (const message of document.querySelectorAll("#chat .message > [aria-label]")) message.removeAttribute("aria-label");
  clearTimeout(growing);
  // An answer that another tab waits for, or that was under way before a reload.
  if (chat()?.querySelector(".growing")) growing = setTimeout(() => window.dispatchEvent(new CustomEvent("footnote:show")), 600);
  emit("answered");
}

// -- asking --------------------------------------------------------------------------------

/** Write something into Gradio's box. */
function fill(text) {
  const element = box();
  if (!element) return;
  element.value = text;
  element.dispatchEvent(new Event("input", { bubbles: true }));
}

/** Ask a question that is not typed: a suggestion. */
function ask(question) {
  replacing = { number: null, question, retry: true };
  document.querySelector("#send")?.click();
}

function questionOf(number) {
  // Gradio gives no number to a turn; the button that Edit sits in has one.
  const message = document.getElementById(`edit-${number}`)?.closest(".message");
  const copy = message?.cloneNode(true);
  copy?.querySelectorAll(".tools").forEach((tools) => tools.remove());
  copy?.querySelectorAll("br").forEach((line) => line.replaceWith("\n"));
  return copy?.textContent.trim() ?? "";
}

function retry(number) {
  replacing = { number, question: questionOf(number), retry: true };
  document.querySelector("#send")?.click();
}

const editing = h("div#editing", { hidden: true });

function edit(number) {
  if (number === null) {
    if (!editing.hidden && replacing && !replacing.retry) fill("");
    replacing = null;
    editing.hidden = true;
    return;
  }
  replacing = { number, retry: false };
  fill(questionOf(number));
  editing.hidden = false;
  editing.replaceChildren(
    "The question is asked anew; its answer and what follows are replaced. ",
    h("button.link", { type: "button", onclick: () => edit(null) }, "Cancel"),
  );
  document.querySelector("#asking")?.before(editing);
  box()?.focus();
}

function escape() {
  if (!editing.hidden) edit(null);
  else document.querySelector("#stop")?.click();
}

// -- what is clicked in an answer ----------------------------------------------------------

function clicked(event) {
  const cite = event.target.closest('a[href^="#cite-"]');
  if (cite) {
    event.preventDefault();
    const [, turn, order] = cite.getAttribute("href").split("-").map(Number);
    emit("cite", { turn, order });
    return;
  }
  const button = event.target.closest("#chat button[id]");
  const [, action, number] = /^(copy|retry|edit|up|down|why|near)-(\d+)$/.exec(button?.id ?? "") ?? [];
  if (action) actions[action](Number(number), button);
}

const turnPath = (number) => `/ui/conversations/${state.conversation}/turns/${number}`;

const actions = {
  retry,
  edit,
  why: (number) => emit("why", number),
  near: (number) => emit("sources", number),
  up: (number, button) => rate(number, "up", button),
  down: (number, button) => rate(number, "down", button),
  copy: (number) =>
    attempt(async () => {
      const { copy } = await get(turnPath(number));
      await toClipboard(copy);
      note("Copied with its sources.", { seconds: 3 });
    }),
};

async function toClipboard(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  // Browsers have no clipboard for pages that are neither on this machine nor encrypted.
  const area = h("textarea", { value: text, readonly: true });
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

async function rate(number, rating, button) {
  const taken = button.classList.contains("chosen") ? "" : rating;
  const done = await attempt(async () => (await call("PUT", `${turnPath(number)}/rating`, { rating: taken }), true));
  if (!done) return;
  for (const one of ["up", "down"]) document.getElementById(`${one}-${number}`)?.classList.toggle("chosen", one === taken);
  document.getElementById(`remark-${number}`)?.remove();
  if (taken) askWhy(number, taken);
}

const REASONS = {
  up: ["Right", "Well sourced", "Clear"],
  down: ["Wrong", "Source doesn't say so", "Incomplete", "Not what was asked"],
};

function askWhy(number, rating) {
  const input = h("input", { type: "text", placeholder: "Why? (kept with the answer)", "aria-label": "Why", maxlength: 500 });
  const send = async (remark) => {
    await attempt(() => call("PUT", `${turnPath(number)}/rating`, { rating, remark }));
    row.replaceChildren(h("span.quiet", null, remark ? `Kept: ${remark}` : "Kept."));
    setTimeout(() => row.remove(), 2500);
  };
  const row = h(
    "form.remark",
    { id: `remark-${number}`, onsubmit: (event) => (event.preventDefault(), send(input.value.trim())) },
    REASONS[rating].map((reason) => h("button.chip", { type: "button", onclick: () => send(reason) }, reason)),
    input,
  );
  document.getElementById(`${rating}-${number}`).closest(".tools").after(row);
}

// -- what the model saw --------------------------------------------------------------------

async function unfolded(event) {
  const fold = event.target.closest?.("#chat details.seen");
  if (!fold?.open) return;
  const number = Number(fold.id.split("-")[1]);
  const body = fold.querySelector(".seen-body");
  const turn = await attempt(() => get(turnPath(number)));
  if (turn) body.replaceChildren(...seen(turn.answer, number));
}

const seconds = (value) => (value < 1 ? `${Math.round(value * 1000)} ms` : `${value.toFixed(1)} s`);

function seen(answer, number) {
  const usage = answer.usage;
  const facts = [
    ["Model", answer.model],
    ["Question as searched", answer.standalone],
    ["Search", usage.search_seconds && seconds(usage.search_seconds)],
    ["First word", usage.first_token_seconds && seconds(usage.first_token_seconds)],
    ["Whole answer", usage.total_seconds && seconds(usage.total_seconds)],
    ["Tokens read", usage.prompt_tokens?.toLocaleString("en")],
    ["Tokens written", usage.answer_tokens?.toLocaleString("en")],
    ["Tokens a second", usage.tokens_per_second?.toFixed(1)],
    ["Passages left out", usage.passages_dropped || null],
  ].filter(([, value]) => value !== undefined && value !== null && value !== "");
  const dropped = new Set(answer.dropped);
  return [
    answer.reasoning ? h("details", null, h("summary", null, "What the model thought first"), h("div.thought", { dir: "auto" }, answer.reasoning)) : "",
    h("dl", null, facts.map(([name, value]) => [h("dt", null, name), h("dd", null, String(value))])),
    h(
      "ol",
      null,
      answer.passages.map((passage) =>
        h(
          "li",
          { value: passage.number, class: dropped.has(passage.number) ? "dropped" : "" },
          h("button.link", { type: "button", onclick: () => emit("passage", { turn: number, rank: passage.number }) }, place(passage)),
          dropped.has(passage.number) ? " (left out: no room)" : "",
          h("div.quiet.clamp", { dir: "auto" }, passage.text),
        ),
      ),
    ),
  ];
}

export function place({ document, page, heading }) {
  return [document, page && `p. ${page}`, Array.isArray(heading) ? heading.join(" › ") : heading].filter(Boolean).join(" · ");
}

// -- before Gradio is there ----------------------------------------------------------------

/** Carry what is typed into the page's own box (page.py) over to Gradio's when that has come. */
function earlyBox() {
  const early = document.querySelector("#early");
  const area = early.firstChild;
  // Enter asks, also where it was pressed before this program was there to hear it.
  let wanted = area.value.endsWith("\n");
  area.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      wanted = true;
    }
  });
  const arrived = new MutationObserver(() => {
    const element = box();
    if (!element) return;
    arrived.disconnect();
    const here = document.activeElement === area;
    const { selectionStart, selectionEnd } = area;
    const value = area.value.replace(/\n+$/, "");
    early.remove();
    if (value) fill(value);
    if (here) {
      element.focus();
      element.setSelectionRange(selectionStart, selectionEnd);
    }
    document.querySelector("#chat")?.setAttribute("tabindex", "-1");
    document.body.classList.add("ready");
    emit("gradio");
    if (wanted && value.trim()) requestAnimationFrame(() => document.querySelector("#send")?.click());
  });
  arrived.observe(document.body, { childList: true, subtree: true });
}
