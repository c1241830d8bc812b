// Adding documents: files or folders, chosen or dropped anywhere on the page.

import { fill, h, iconButton, plural } from "./dom.js";
import { emit, on, scope } from "./state.js";
import { poll } from "./status.js";

const AT_ONCE = 2;

const queue = [];
let running = 0;
let done = 0;
let refused = [];
/** Bytes sent of what is on its way: entry → fraction. */
const sending = new Map();

const overlay = h("div#drop", { hidden: true }, h("div", null, h("b", null, "Drop files or folders"), h("span#drop-into")));
const board = h("div#uploads", { hidden: true, role: "status" });

export function startUploads() {
  document.body.append(overlay, board);
  let inside = 0;
  const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
  addEventListener("dragenter", (event) => {
    if (!carriesFiles(event)) return;
    inside += 1;
    overlay.hidden = false;
    overlay.querySelector("#drop-into").textContent = `to add them to “${into()}”`;
  });
  addEventListener("dragleave", (event) => {
    if (carriesFiles(event) && --inside <= 0) ((inside = 0), (overlay.hidden = true));
  });
  addEventListener("dragover", (event) => carriesFiles(event) && event.preventDefault(), true);
  addEventListener("drop", dropped, true);
  on("upload-files", () => chooseFiles());

  async function dropped(event) {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    event.stopPropagation();
    inside = 0;
    overlay.hidden = true;
    // The entries must be taken before the event is over; walking them may take its time.
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    const files = [];
    for (const entry of entries) await walk(entry, "", files);
    add(files);
  }
}

const into = () => scope.collection ?? "default";

async function walk(entry, folder, found) {
  if (entry.name.startsWith(".")) return;
  if (entry.isFile) {
    const file = await new Promise((resolve) => entry.file(resolve, () => resolve(null)));
    if (file) found.push({ file, name: folder + entry.name });
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    // A reader returns at most a hundred entries at a time.
    const part = await new Promise((resolve) => reader.readEntries(resolve, () => resolve([])));
    if (!part.length) break;
    for (const inner of part) await walk(inner, `${folder}${entry.name}/`, found);
  }
}

export const chooseFiles = () => choose({ multiple: true });
export const chooseFolder = () => choose({ webkitdirectory: true });

function choose(properties) {
  const input = document.querySelector("#files") ?? document.body.appendChild(h("input#files", { type: "file", hidden: true, "aria-label": "Files to add" }));
  input.multiple = true;
  input.webkitdirectory = Boolean(properties.webkitdirectory);
  input.value = "";
  input.onchange = () => add([...input.files].map((file) => ({ file, name: file.webkitRelativePath || file.name })).filter(({ name }) => !name.split("/").some((part) => part.startsWith("."))));
  input.click();
}

function add(files) {
  if (!files.length) return;
  const collection = into();
  queue.push(...files.map((entry) => ({ ...entry, collection })));
  pump();
}

function pump() {
  while (running < AT_ONCE && queue.length) {
    const entry = queue.shift();
    running += 1;
    send(entry).then((problem) => {
      if (problem) refused.push({ name: entry.name, problem });
      running -= 1;
      done += 1;
      sending.delete(entry);
      if (!running && !queue.length) finish();
      else pump();
    });
  }
  draw();
}

/** Send one file; resolves to what went wrong, or to null. */
function send(entry) {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    const query = new URLSearchParams({ name: entry.name, collection: entry.collection });
    request.open("PUT", `/ui/documents?${query}`);
    request.responseType = "json";
    request.upload.onprogress = (event) => {
      sending.set(entry, event.lengthComputable ? event.loaded / event.total : 0);
      draw();
    };
    request.onload = () => resolve(request.status === 200 ? null : (request.response?.error ?? `It was refused (${request.status}).`));
    request.onerror = () => resolve("The connection was lost. Add it again.");
    request.send(entry.file);
    sending.set(entry, 0);
  });
}

function finish() {
  done = 0;
  draw();
  poll();
  emit("uploads");
}

function draw() {
  const total = running + queue.length + done;
  board.hidden = !running && !queue.length && !refused.length;
  const fraction = total ? (done + [...sending.values()].reduce((sum, one) => sum + one, 0)) / total : 1;
  const current = [...sending.keys()].at(-1)?.name;
  fill(board, 
    ...(running || queue.length
      ? [h("div", null, `Adding ${plural(total, "file")}`), h("div.quiet.one-line", null, h("bdi", null, current ?? "")), h("progress", { value: fraction, max: 1, "aria-label": "Adding files" })]
      : []),
    ...(refused.length
      ? [
          h("div.head", null, h("b", null, `${plural(refused.length, "file")} not added`), iconButton("close", "Dismiss", () => ((refused = []), draw()))),
          h("ul", null, refused.slice(0, 5).map(({ name, problem }) => h("li", null, h("bdi", null, name), h("div.reason", null, problem)))),
          refused.length > 5 ? h("div.quiet", null, `and ${refused.length - 5} more`) : null,
        ].filter(Boolean)
      : []),
  );
}
