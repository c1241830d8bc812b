// Draws what stands round the chat, long before Gradio has started, and ties it together.

import { h, iconButton } from "./dom.js";
import { emit, on, settings, state } from "./state.js";
import { startChat } from "./chat.js";
import { startConversations } from "./conversations.js";
import { startDocuments } from "./documents.js";
import { startSources } from "./sources.js";
import { startUploads } from "./upload.js";
import { startWelcome } from "./welcome.js";
import { closeView, viewOpen } from "./views.js";
import { startScope } from "./scope.js";
import { startSettings } from "./settings.js";
import { startMap } from "./map.js";
import { poll } from "./status.js";

// -- light and dark ------------------------------------------------------------------------

const darkSystem = matchMedia("(prefers-color-scheme: dark)");

function applyTheme() {
  const dark = settings.theme === "dark" || (settings.theme === "system" && darkSystem.matches);
  document.documentElement.classList.toggle("dark", dark);
  if (document.body.classList.contains("dark") !== dark) document.body.classList.toggle("dark", dark);
  document.documentElement.style.colorScheme = dark ? "dark" : "light";
}

applyTheme();
on("settings", applyTheme);
darkSystem.addEventListener("change", applyTheme);
// Gradio follows the system; the person's own choice stands above that.
new MutationObserver(applyTheme).observe(document.body, { attributes: true, attributeFilter: ["class"] });

// -- the frame -----------------------------------------------------------------------------

const left = h("aside#left", { "aria-label": "Conversations and documents" });
const right = h("aside#right", { "aria-label": "Sources" });
const top = h(
  "header#top",
  null,
  iconButton("menu", "Conversations and documents", () => drawer("left"), { id: "open-left" }),
  h("span.brand", null, "Footnote"),
  h("button.link#open-right", { type: "button", onclick: () => drawer("right") }, "Sources"),
);
document.body.prepend(
  h("div#skip", null, h("a", { href: "#question", onclick: (event) => (event.preventDefault(), focusQuestion()) }, "Skip to the question")),
  top,
  left,
);
document.body.append(right, h("div#veil", { onclick: () => drawer(null) }));

export function drawer(side) {
  const open = document.body.dataset.drawer;
  if (side && open !== side) document.body.dataset.drawer = side;
  else delete document.body.dataset.drawer;
}
on("drawer", drawer);

startConversations(left);
startDocuments(left);
startSources(right);
startUploads();
startWelcome();
startScope();
startSettings();
startMap();
startChat();
poll();

// -- keys ----------------------------------------------------------------------------------

function focusQuestion() {
  document.querySelector("#question textarea, #early textarea")?.focus();
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || document.querySelector("dialog[open]")) return;
  const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
  if (event.key === "Escape") {
    if (document.body.dataset.drawer) drawer(null);
    else if (viewOpen()) closeView();
    else emit("escape");
  } else if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    const search = document.querySelector("#view:not([hidden]) input[type=search]");
    if (search) search.focus();
    else focusQuestion();
  } else if ((event.key === "ArrowRight" || event.key === "ArrowLeft") && !typing && !viewOpen()) {
    emit("walk", event.key === "ArrowRight" ? 1 : -1);
  }
});

state.started = true;
