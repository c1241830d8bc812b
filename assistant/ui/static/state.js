// What the page is at: the conversation, the scope of the next question, the settings.

const listeners = {};

export function on(name, listener) {
  (listeners[name] ??= []).push(listener);
}

export function emit(name, detail) {
  for (const listener of listeners[name] ?? []) listener(detail);
}

const newId = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

const idInAddress = () => {
  const id = new URLSearchParams(location.search).get("c");
  return /^[0-9a-f]{32}$/.test(id ?? "") ? id : null;
};

export const state = {
  /** Each tab is at one conversation; the address says which, so a reload comes back to it. */
  conversation: idInAddress() ?? newId(),
  /** Made anew with each loading: the server stops the answers of a tab that is gone. */
  tab: newId(),
  /** {revision, collections, running} as the server last told. */
  overview: null,
  busy: false,
};

/** Go to a conversation, to a new one without an id; the chat is drawn anew. */
export async function goTo(id, { remember = true } = {}) {
  state.conversation = id ?? newId();
  if (remember) history.pushState(null, "", id ? `?c=${id}` : location.pathname);
  emit("conversation");
  await hold();
  window.dispatchEvent(new CustomEvent("footnote:show"));
}

// -- answers that go on while another conversation is in sight ------------------------------

let holding = null;

/** Whether the chat shows an answer that is being written. */
export const growing = () => document.querySelector("#chat .growing") !== null;

/** Tell the server that this tab still waits for the answer under way, while it is out of sight. */
async function hold() {
  // A question that was just sent is taken within moments, or refused.
  for (let waited = 0; state.busy && !growing() && waited < 1000; waited += 20) await new Promise((resolve) => setTimeout(resolve, 20));
  if (!growing()) return;
  holding ??= held();
  await holding;
}

async function held() {
  try {
    const answer = await fetch(`/ui/held/${state.tab}`);
    const reader = answer.body.getReader();
    await reader.read();
    lasting(reader);
  } catch {
    // The server is gone, and the answer with it.
    holding = null;
  }
}

/** Read on until the last answer that this tab waits for is over. */
async function lasting(reader) {
  try {
    while (!(await reader.read()).done);
  } catch {
    // So it ends where the server does.
  }
  holding = null;
  emit("written");
}

/** Put the conversation into the address once something was asked in it. */
export function settleAddress() {
  if (idInAddress() !== state.conversation) history.replaceState(null, "", `?c=${state.conversation}`);
}

window.addEventListener("popstate", () => goTo(idInAddress(), { remember: false }));

// -- the scope of the next question, kept per tab ------------------------------------------

const kept = (storage, key, otherwise) => {
  try {
    return { ...otherwise, ...JSON.parse(storage.getItem(key) ?? "{}") };
  } catch {
    return otherwise;
  }
};

/** `collection` null means all; `documents` [{id, name}] narrows it further when not empty. */
export const scope = kept(sessionStorage, "footnote.scope", { collection: null, documents: [] });

export function setScope(change) {
  Object.assign(scope, change);
  sessionStorage.setItem("footnote.scope", JSON.stringify(scope));
  emit("scope");
}

// -- settings, kept in this browser --------------------------------------------------------

const DEFAULTS = { theme: "system", model: null, passages: null, temperature: null, language: null, map: null };

export const settings = kept(localStorage, "footnote.settings", DEFAULTS);

export function setSettings(change) {
  Object.assign(settings, change);
  localStorage.setItem("footnote.settings", JSON.stringify(settings));
  emit("settings");
}
