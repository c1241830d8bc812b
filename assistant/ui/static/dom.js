// Elements, icons, calls to the server, and short notes. Text from outside enters the page
// through here alone, and always as text: nothing in this folder sets innerHTML.

const present = (children) => children.flat(3).filter((child) => child !== null && child !== undefined && child !== false);

/** Return an element: h("div.name#id", {title: "…", onclick: f}, "text", child, [more]). */
export function h(kind, properties, ...children) {
  const [, tag, rest] = /^([a-z0-9]+)(.*)$/.exec(kind);
  const element = document.createElement(tag);
  for (const [, mark, name] of rest.matchAll(/([.#])([\w-]+)/g)) {
    if (mark === "#") element.id = name;
    else element.classList.add(name);
  }
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class") element.classList.add(...value.split(" ").filter(Boolean));
    else if (name === "value") element.value = value;
    else if (name.startsWith("--")) element.style.setProperty(name, value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...present(children));
  return element;
}

/** Return a button that shows an icon of style.css; its label is spoken and shown on hover. */
export function iconButton(icon, label, onclick, properties) {
  return h("button.icon", { type: "button", class: `icon-${icon}`, title: label, "aria-label": label, onclick, ...properties });
}

/** Fill an element anew; what is null or false is left out. */
export function fill(element, ...children) {
  element.replaceChildren(...present(children));
}

/** Fill an element anew, but leave in place what looks the same: a click or the focus on it stays. */
export function refill(element, ...children) {
  const wanted = present(children);
  wanted.forEach((child, index) => {
    const there = element.childNodes[index];
    if (!there) element.append(child);
    else if (!there.isEqualNode(child)) there.replaceWith(child);
  });
  while (element.childNodes.length > wanted.length) element.lastChild.remove();
}

export class Refusal extends Error {}

/** Call the server; return what it answers, or throw a Refusal with its sentence. */
export async function call(method, path, body, options) {
  let response;
  try {
    response = await fetch(path, {
      method,
      headers: body === undefined ? {} : { "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
      ...options,
    });
  } catch {
    throw new Refusal("Footnote does not answer. Start it again, then reload the page.");
  }
  const answer = await response.text().then((text) => JSON.parse(text, legible)).catch(() => null);
  if (!response.ok) throw new Refusal(answer?.error ?? `Footnote answered with an error (${response.status}). Reload the page.`);
  return answer;
}

/** An override of the direction of writing makes a name look like another: it is shown instead. */
const legible = (_, value) => (typeof value === "string" ? value.replace(/[\u202D\u202E]/g, "\uFFFD") : value);

export const get = (path) => call("GET", path);

/** Run something that may be refused; what is refused is said in a note. */
export async function attempt(work) {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    note(error.message);
    return undefined;
  }
}

/** Show a note for a while, with a way back where there is one. Returns how to take it away. */
export function note(text, { action, onaction, seconds = 6 } = {}) {
  const away = () => element.remove();
  const element = h(
    "div.note-card",
    { role: "status" },
    h("span", null, text),
    action && h("button.link", { type: "button", onclick: () => (away(), onaction()) }, action),
    iconButton("close", "Dismiss", away),
  );
  notes().append(element);
  setTimeout(away, seconds * 1000);
  return away;
}

function notes() {
  return document.querySelector("#notes") ?? document.body.appendChild(h("div#notes", { "aria-live": "polite" }));
}

/** Ask before something goes; resolves to whether to go on. */
export function confirmed(question, action) {
  return new Promise((resolve) => {
    const dialog = h(
      "dialog.ask",
      { onclose: () => (dialog.remove(), resolve(dialog.returnValue === "yes")) },
      h(
        "form",
        { method: "dialog" },
        h("p", null, question),
        h("div.buttons", null, h("button.plain", { value: "no" }, "Cancel"), h("button.danger", { value: "yes", autofocus: true }, action)),
      ),
    );
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** Tell something at length. */
export function told(title, words) {
  const dialog = h(
    "dialog.ask",
    { "aria-label": title, onclose: () => dialog.remove() },
    h("form", { method: "dialog" }, h("h2", { dir: "auto" }, title), h("p", { dir: "auto" }, words), h("div.buttons", null, h("button.primary", { value: "done" }, "Done"))),
  );
  document.body.append(dialog);
  dialog.showModal();
}

/** Ask for one line of text; resolves to it, or to null. */
export function asked(label, value, action) {
  return new Promise((resolve) => {
    const input = h("input", { type: "text", value, "aria-label": label, maxlength: 400, required: true });
    const dialog = h(
      "dialog.ask",
      { onclose: () => (dialog.remove(), resolve(dialog.returnValue === "yes" ? input.value.trim() : null)) },
      h(
        "form",
        { method: "dialog" },
        h("label", null, label, input),
        h("div.buttons", null, h("button.plain", { value: "no", formnovalidate: true }, "Cancel"), h("button.primary", { value: "yes" }, action)),
      ),
    );
    // Enter in a line of text presses the first button of a form, which is Cancel here.
    input.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      if (input.value.trim()) dialog.close("yes");
    });
    document.body.append(dialog);
    dialog.showModal();
    input.select();
  });
}

/** Open a small menu at a button: [["Rename", f], …]. */
export function menu(anchor, items) {
  document.querySelector(".menu")?.remove();
  const box = anchor.getBoundingClientRect();
  const away = (event) => {
    if (event?.type === "keydown" && event.key !== "Escape") return;
    if (event?.type === "pointerdown" && list.contains(event.target)) return;
    event?.type === "keydown" && event.stopPropagation();
    list.remove();
    document.removeEventListener("pointerdown", away, true);
    document.removeEventListener("keydown", away, true);
    if (event?.type === "keydown") anchor.focus();
  };
  const list = h(
    "div.menu",
    { role: "menu" },
    items.map(([label, act]) => h("button", { type: "button", role: "menuitem", onclick: () => (away(), act()) }, label)),
  );
  document.body.append(list);
  const { width, height } = list.getBoundingClientRect();
  list.style.left = `${Math.max(8, Math.min(box.left, innerWidth - width - 8))}px`;
  list.style.top = `${box.bottom + height + 8 > innerHeight ? box.top - height - 4 : box.bottom + 4}px`;
  list.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const all = [...list.children];
    all[(all.indexOf(document.activeElement) + step + all.length) % all.length].focus();
  });
  document.addEventListener("pointerdown", away, true);
  document.addEventListener("keydown", away, true);
  list.firstChild.focus();
}

export const plural = (count, noun) => `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;

export function bytes(size) {
  if (size < 1000) return `${size} B`;
  const unit = size < 1e6 ? ["kB", 1e3] : size < 1e9 ? ["MB", 1e6] : ["GB", 1e9];
  const count = size / unit[1];
  return `${count < 10 ? count.toFixed(1) : Math.round(count)} ${unit[0]}`;
}

/** Say when something was, in few words. */
export function when(seconds) {
  const date = new Date(seconds * 1000);
  const today = new Date();
  if (date.toDateString() === today.toDateString()) return date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  const year = date.getFullYear() === today.getFullYear() ? undefined : "numeric";
  return date.toLocaleDateString([], { day: "numeric", month: "short", year });
}
