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
  /** {revision, collections, running} as the server last told. */
  overview: null,
  busy: false,
};

/** Go to a conversation, to a new one without an id; the chat is drawn anew. */
export function goTo(id, { remember = true } = {}) {
  state.conversation = id ?? newId();
  if (remember) history.pushState(null, "", id ? `?c=${id}` : location.pathname);
  emit("conversation");
  window.dispatchEvent(new CustomEvent("footnote:show"));
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
