// The list of conversations on the left.

import { asked, attempt, call, confirmed, fill, get, h, iconButton, menu, note } from "./dom.js";
import { emit, goTo, on, state } from "./state.js";
import { closeView } from "./views.js";

const list = h("ul.conversations", { "aria-label": "Conversations" });
let known = [];

export function startConversations(left) {
  left.append(
    h("div.brand-row", null, h("h1", null, "Footnote")),
    h("button.new-chat#new-chat", { type: "button", onclick: newChat }, h("span.icon-plus", { "aria-hidden": true }), "New chat"),
    h("nav#conversations", { "aria-label": "Conversations" }, list),
  );
  on("answered", refresh);
  on("conversation", draw);
  refresh();
}

function newChat() {
  closeView();
  emit("drawer", null);
  goTo(null);
  document.querySelector("#question textarea, #early textarea")?.focus();
}

export async function refresh() {
  const answer = await attempt(() => get("/ui/conversations"));
  if (!answer) return;
  known = answer.conversations;
  draw();
}

export const title = () => known.find((one) => one.id === state.conversation)?.title;

const DAY = 86400;

function period(updated) {
  const midnight = new Date().setHours(0, 0, 0, 0) / 1000;
  if (updated >= midnight) return "Today";
  if (updated >= midnight - DAY) return "Yesterday";
  if (updated >= midnight - 7 * DAY) return "Last seven days";
  return "Earlier";
}

function draw() {
  const rows = [];
  let last = null;
  for (const one of known) {
    const name = period(one.updated);
    if (name !== last) rows.push(h("li.period", null, name));
    last = name;
    rows.push(row(one));
  }
  if (!rows.length) rows.push(h("li.quiet", null, "Your chats are kept here."));
  fill(list, ...rows);
  document.title = title() ? `${title()} · Footnote` : "Footnote";
}

function row(one) {
  const current = one.id === state.conversation;
  const more = iconButton("more", `More for ${one.title}`, () =>
    menu(more, [
      ["Rename", () => rename(one)],
      ["Export as Markdown", () => exportAs(one, "markdown")],
      ["Export as JSON", () => exportAs(one, "json")],
      ["Delete", () => remove(one)],
    ]),
  );
  return h(
    "li",
    { class: current ? "current" : "" },
    h("button.open", { type: "button", title: one.title, dir: "auto", "aria-current": current ? "page" : null, onclick: () => open(one) }, one.title),
    more,
  );
}

function open(one) {
  closeView();
  emit("drawer", null);
  if (one.id !== state.conversation) goTo(one.id);
}

async function rename(one) {
  const title = await asked("Title of the chat", one.title, "Rename");
  if (title) await attempt(() => call("PATCH", `/ui/conversations/${one.id}`, { title }));
  refresh();
}

function exportAs(one, form) {
  const link = h("a", { href: `/ui/conversations/${one.id}/export?form=${form}`, download: "" });
  document.body.append(link);
  link.click();
  link.remove();
}

async function remove(one) {
  if (!(await confirmed(`Delete the chat “${one.title}” with its answers?`, "Delete"))) return;
  const gone = await attempt(async () => (await call("DELETE", `/ui/conversations/${one.id}`), true));
  if (!gone) return;
  const wasHere = one.id === state.conversation;
  if (wasHere) goTo(null);
  refresh();
  note(`“${one.title}” is deleted.`, {
    action: "Undo",
    seconds: 10,
    onaction: async () => {
      await attempt(() => call("POST", `/ui/conversations/${one.id}/restore`));
      if (wasHere) goTo(one.id);
      refresh();
    },
  });
}
