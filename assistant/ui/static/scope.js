// What the next question is answered from: shown above the question box, chosen on the left.

import { fill, h, iconButton, plural } from "./dom.js";
import { emit, on, scope, setScope, state } from "./state.js";
import { totals } from "./status.js";

const bar = h("div#scope");

export function startScope() {
  on("scope", draw);
  on("overview", () => {
    const names = state.overview.collections.map((one) => one.name);
    if (scope.collection !== null && !names.includes(scope.collection)) setScope({ collection: null });
    draw();
  });
  on("gradio", () => document.querySelector("#middle")?.insertBefore(bar, document.querySelector("#asking")));
}

function draw() {
  const all = totals();
  if (!all.documents) {
    fill(bar);
    return;
  }
  const parts = ["Answers from "];
  if (scope.documents.length) {
    const names = scope.documents.length === 1 ? scope.documents[0].name : plural(scope.documents.length, "document");
    parts.push(
      h("button.chip", { type: "button", title: scope.documents.map((one) => one.name).join("\n"), onclick: () => emit("documents") }, h("bdi", null, names)),
      iconButton("close", "Answer from all documents again", () => setScope({ documents: [] })),
    );
  } else if (scope.collection !== null) {
    const found = state.overview.collections.find((one) => one.name === scope.collection);
    parts.push(
      h("button.chip", { type: "button", onclick: () => emit("documents") }, h("bdi", null, scope.collection)),
      ` · ${plural(found?.ready ?? 0, "document")}`,
      iconButton("close", "Answer from all documents again", () => setScope({ collection: null })),
    );
  } else {
    parts.push(h("button.chip", { type: "button", onclick: () => emit("documents") }, "all documents"), ` · ${all.documents.toLocaleString("en")}`);
  }
  fill(bar, ...parts);
}
