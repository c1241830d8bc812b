// What an empty chat shows: a way in, or first questions from the documents' own headings.

import { attempt, call, fill, get, h } from "./dom.js";
import { chatModels, missingModel } from "./models.js";
import { emit, on, scope, state } from "./state.js";
import { poll, totals } from "./status.js";
import { chooseFiles, chooseFolder } from "./upload.js";

const room = h("div#welcome", { hidden: true });
let shown = "";

export function startWelcome() {
  document.body.append(room);
  on("overview", draw);
  on("conversation", () => draw());
  on("answered", () => draw());
  on("scope", () => draw());
  on("asking", () => (room.hidden = true));
  new MutationObserver(() => draw()).observe(document.body, { attributes: true, attributeFilter: ["class", "data-view"] });
}

const empty = () => !document.querySelector("#chat .message");

async function draw() {
  const all = totals();
  room.hidden = !state.overview || state.busy || !empty();
  if (room.hidden) return;
  const key = JSON.stringify([all.documents > 0, all.ready, all.busy > 0, scope.collection, scope.documents]);
  if (key === shown) return;
  shown = key;
  if (!all.documents) fill(room, ...invitation());
  else if (!all.ready) fill(room, ...waiting(all));
  else await suggestions();
}

function invitation() {
  return [
    h(
      "div.invitation",
      null,
      h("h2", null, "Ask your documents"),
      h("p", null, "Every answer comes from them, sentence by sentence, with its source beside it."),
      h("div.drop-here", null, h("span.icon-add-file", { "aria-hidden": true }), h("p", null, "Drop files or a folder anywhere on this page"), h("div.buttons", null, h("button.primary", { type: "button", onclick: () => chooseFiles() }, "Add files"), h("button.plain", { type: "button", onclick: () => chooseFolder() }, "Add a folder"))),
      h("p.quiet", null, "PDF, Word, slides, tables, e-mail, Markdown, HTML, text and more."),
      state.overview.examples ? h("p", null, "Nothing at hand? ", h("button.link", { type: "button", onclick: tryExamples }, "Try the examples")) : null,
    ),
  ];
}

async function tryExamples() {
  await attempt(() => call("POST", "/ui/examples"));
  poll();
}

function waiting(all) {
  const words = all.busy ? "Your documents are being read. Ask as soon as the first is ready." : "None of your documents could be read.";
  return [
    h(
      "div.invitation",
      null,
      h("h2", null, all.busy ? "One moment" : "Nothing to answer from yet"),
      h("p", null, words),
      all.failed ? h("button.plain", { type: "button", onclick: () => emit("documents", { state: "failed" }) }, "See why") : null,
    ),
  ];
}

async function suggestions() {
  const query = new URLSearchParams();
  if (scope.collection !== null) query.set("collection", scope.collection);
  for (const one of scope.documents.slice(0, 20)) query.append("documents", one.id);
  const [answer, known] = await Promise.all([attempt(() => get(`/ui/suggestions?${query}`)), chatModels()]);
  if (!answer) return;
  fill(room, 
    h(
      "div.invitation",
      null,
      h("h2", null, "Ask your documents"),
      h("p", null, "Every answer comes from them, sentence by sentence, with its source beside it."),
      answer.questions.length
        ? h("ul.suggestions", { "aria-label": "First questions" }, answer.questions.map((one) => h("li", null, h("button", { type: "button", dir: "auto", title: one.document, onclick: () => emit("ask", one.question) }, one.question))))
        : null,
      missingModel(known, () => {}),
    ),
  );
}

