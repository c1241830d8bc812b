// The documents as a picture: every passage a point, near ones alike. Drawn on a canvas, so
// that fifty thousand points turn and grow as quickly as fifty.

import { attempt, call, get, h, plural } from "./dom.js";
import { emit, on, scope, state } from "./state.js";
import { openView, viewIs } from "./views.js";
import { showSource } from "./sources.js";

const REACH = 10;

/** The last answered turn of the chat, whose question and passages are marked, or null. */
function lastTurn() {
  const last = [...document.querySelectorAll("#chat .tools .copy")].at(-1);
  return last ? Number(last.id.split("-")[1]) : null;
}

export function startMap() {
  on("map", open);
}

async function open() {
  const label = h("span.quiet", { "aria-live": "polite" }, "Drawing the map…");
  const canvas = h("canvas", { role: "img", tabindex: 0, "aria-label": "Map of the passages" });
  const tip = h("div.map-tip", { hidden: true });
  const legend = h("ul.legend");
  const body = openView("map", "Map", [label]);
  body.append(h("div.map", null, canvas, tip), legend);
  const query = scope.collection === null ? "" : `?collection=${encodeURIComponent(scope.collection)}`;
  const map = await attempt(() => get(`/ui/map${query}`));
  if (!map || !viewIs("map")) return;
  const bytes = Uint8Array.from(atob(map.places), (character) => character.charCodeAt(0));
  const places = new Int16Array(bytes.buffer);
  const count = places.length / 2;
  const owner = new Uint16Array(count);
  map.documents.forEach((one, number) => owner.fill(number, one.first, one.first + one.count));
  label.textContent = count ? `${plural(count, "passage")} of ${plural(map.documents.length, "document")}` : "Nothing to draw yet.";
  const turn = lastTurn();
  const marks = count && turn !== null ? await call("POST", "/ui/map/marks", { conversation: state.conversation, turn, collection: scope.collection }).catch(() => null) : null;

  // -- seeing ------------------------------------------------------------------------------
  let zoom = 1;
  let shift = { x: 0, y: 0 };
  const pen = canvas.getContext("2d");
  const colour = (number) => `hsl(${(number * 137.5) % 360} 62% ${document.body.classList.contains("dark") ? 66 : 42}%)`;
  const toScreen = (x, y) => {
    const side = Math.min(canvas.width, canvas.height) * 0.46;
    return [canvas.width / 2 + (x / 32767) * side * zoom + shift.x, canvas.height / 2 - (y / 32767) * side * zoom + shift.y];
  };
  function draw() {
    const ratio = devicePixelRatio;
    canvas.width = canvas.clientWidth * ratio;
    canvas.height = canvas.clientHeight * ratio;
    const size = (count > 5000 ? 2 : 5) * ratio;
    for (let index = 0, last = -1; index < count; index++) {
      if (owner[index] !== last) pen.fillStyle = colour((last = owner[index]));
      const [x, y] = toScreen(places[2 * index], places[2 * index + 1]);
      pen.fillRect(x - size / 2, y - size / 2, size, size);
    }
    if (!marks) return;
    const ink = getComputedStyle(document.body).color;
    pen.lineWidth = 2 * ratio;
    pen.strokeStyle = ink;
    for (const hit of marks.hits) {
      const [x, y] = toScreen(places[2 * hit], places[2 * hit + 1]);
      pen.beginPath();
      pen.arc(x, y, 8 * ratio, 0, 2 * Math.PI);
      pen.stroke();
    }
    const [x, y] = toScreen(...marks.question);
    pen.beginPath();
    for (const [dx, dy] of [[1, 0], [0, 1]]) {
      pen.moveTo(x - 9 * ratio * dx, y - 9 * ratio * dy);
      pen.lineTo(x + 9 * ratio * dx, y + 9 * ratio * dy);
    }
    pen.stroke();
  }

  // -- pointing ----------------------------------------------------------------------------
  const nearest = (event) => {
    const box = canvas.getBoundingClientRect();
    const ratio = devicePixelRatio;
    const [px, py] = [(event.clientX - box.left) * ratio, (event.clientY - box.top) * ratio];
    let found = -1;
    let best = (REACH * ratio) ** 2;
    for (let index = 0; index < count; index++) {
      const [x, y] = toScreen(places[2 * index], places[2 * index + 1]);
      const distance = (x - px) ** 2 + (y - py) ** 2;
      if (distance < best) [best, found] = [distance, index];
    }
    return found;
  };
  let from = null;
  let moved = false;
  canvas.addEventListener("pointerdown", (event) => {
    from = { x: event.clientX, y: event.clientY, shift: { ...shift } };
    moved = false;
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (from) {
      const [dx, dy] = [event.clientX - from.x, event.clientY - from.y];
      moved ||= Math.hypot(dx, dy) > 4;
      shift = { x: from.shift.x + dx * devicePixelRatio, y: from.shift.y + dy * devicePixelRatio };
      requestAnimationFrame(draw);
      return;
    }
    const index = nearest(event);
    canvas.style.cursor = index < 0 ? "grab" : "pointer";
    tip.hidden = index < 0;
    if (index < 0) return;
    tip.textContent = map.documents[owner[index]].name;
    tip.style.left = `${event.offsetX + 12}px`;
    tip.style.top = `${event.offsetY + 12}px`;
  });
  canvas.addEventListener("pointerup", async (event) => {
    const wasDrag = moved;
    from = null;
    const index = nearest(event);
    if (wasDrag || index < 0) return;
    const point = new URLSearchParams({ point: index });
    if (scope.collection !== null) point.set("collection", scope.collection);
    const source = await attempt(() => get(`/ui/map/passage?${point}`));
    if (source) showSource(source);
  });
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    grow(Math.exp(-event.deltaY / 400));
  }, { passive: false });
  canvas.addEventListener("keydown", (event) => {
    if (event.key === "+" || event.key === "-") grow(event.key === "+" ? 1.3 : 1 / 1.3);
  });
  function grow(by) {
    const before = zoom;
    zoom = Math.max(0.5, Math.min(60, zoom * by));
    shift = { x: (shift.x * zoom) / before, y: (shift.y * zoom) / before };
    requestAnimationFrame(draw);
  }
  legend.append(
    ...map.documents.slice(0, 12).map((one, number) => h("li", null, h("i", { "--colour": colour(number) }), h("bdi", { title: one.name }, one.name))),
    map.documents.length > 12 ? h("li.quiet", null, `and ${map.documents.length - 12} more`) : "",
    marks ? h("li.quiet", null, "cross: your last question · rings: its passages") : "",
  );
  new ResizeObserver(draw).observe(canvas);
  draw();
  emit("map-drawn");
}
