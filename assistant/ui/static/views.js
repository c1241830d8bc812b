// The wide room beside the list on the left: documents, a document in full, the map.

import { h, iconButton } from "./dom.js";

let view = null;
let ended = null;
let before = null;

/** Open a view over the chat. `onclose` is called once when it goes. Returns its body. */
export function openView(name, title, tools, onclose) {
  ended?.();
  ended = onclose ?? null;
  before ??= document.activeElement;
  const body = h("div.view-body");
  const heading = h("h2", { tabindex: -1 }, title);
  const fresh = h(
    "section#view",
    { "aria-label": title, class: `view-${name}` },
    h("header", null, heading, h("div.view-tools", null, tools ?? []), iconButton("close", "Close", closeView, { id: "close-view" })),
    body,
  );
  if (view) view.replaceWith(fresh);
  else document.body.append(fresh);
  view = fresh;
  delete document.body.dataset.drawer;
  document.body.dataset.view = name;
  heading.focus({ preventScroll: true });
  return body;
}

export function closeView() {
  if (!view) return;
  ended?.();
  ended = null;
  view.remove();
  view = null;
  delete document.body.dataset.view;
  before?.isConnected && before.focus({ preventScroll: true });
  before = null;
}

export const viewOpen = () => view !== null;
export const viewIs = (name) => document.body.dataset.view === name;
