// A canvas of points that turns and grows as quickly with fifty thousand as with fifty.

import { h, iconButton } from "./dom.js";

const REACH = 10;
/** The picture's edge: places are 16-bit integers. */
const FULL = 32767;

/**
 * Return a plot. `owner` has the group of each point, `colour(group)` its colour,
 * `name(group)` what is said of it; `onopen(point)` is called for a point that is clicked.
 */
export function plot(room, label, { owner, colour, name, onopen }) {
  const canvas = h("canvas", { role: "img", tabindex: 0, "aria-label": label });
  const tip = h("div.map-tip", { hidden: true });
  room.append(canvas, tip, h("div.zoom", null, iconButton("plus", "Closer", () => grow(1.5)), iconButton("minus", "Farther", () => grow(1 / 1.5))));
  const pen = canvas.getContext("2d");
  const count = owner.length;
  let places = new Int16Array(2 * count);
  let marks = null;
  let zoom = 1;
  let shift = { x: 0, y: 0 };
  let drawn = 0;
  let theme = "";
  let inks = [];

  const toScreen = (x, y) => {
    const side = Math.min(canvas.width, canvas.height) * 0.46;
    return [canvas.width / 2 + (x / FULL) * side * zoom + shift.x, canvas.height / 2 - (y / FULL) * side * zoom + shift.y];
  };

  function draw() {
    drawn = 0;
    const ratio = devicePixelRatio;
    canvas.width = canvas.clientWidth * ratio;
    canvas.height = canvas.clientHeight * ratio;
    drawPoints(Math.round((count > 5000 ? 2 : 5) * ratio));
    if (!marks) return;
    pen.lineWidth = 2 * ratio;
    pen.strokeStyle = getComputedStyle(document.body).color;
    for (const hit of marks.hits) {
      const [x, y] = toScreen(places[2 * hit], places[2 * hit + 1]);
      pen.beginPath();
      pen.arc(x, y, 8 * ratio, 0, 2 * Math.PI);
      pen.stroke();
    }
    if (!marks.question) return;
    const [x, y] = toScreen(...marks.question);
    pen.beginPath();
    for (const [dx, dy] of [[1, 0], [0, 1]]) {
      pen.moveTo(x - 9 * ratio * dx, y - 9 * ratio * dy);
      pen.lineTo(x + 9 * ratio * dx, y + 9 * ratio * dy);
    }
    pen.stroke();
  }

  /** Set pixels one by one: ten times as quick as to fill a rectangle for each point. */
  function drawPoints(size) {
    const { width, height } = canvas;
    if (!width || !height) return;
    const image = pen.createImageData(width, height);
    const pixels = new Uint32Array(image.data.buffer);
    const side = Math.min(width, height) * 0.46;
    const scale = (side * zoom) / FULL;
    const [left, top] = [width / 2 + shift.x - size / 2, height / 2 + shift.y - size / 2];
    let ink = 0;
    for (let index = 0, last = -1; index < count; index++) {
      if (owner[index] !== last) ink = inkOf((last = owner[index]));
      const x = Math.round(left + places[2 * index] * scale);
      const y = Math.round(top - places[2 * index + 1] * scale);
      if (x < 0 || y < 0 || x + size > width || y + size > height) continue;
      for (let row = y; row < y + size; row++) pixels.fill(ink, row * width + x, row * width + x + size);
    }
    pen.putImageData(image, 0, 0);
  }

  /** A group's colour as a pixel, looked up once for each theme. */
  function inkOf(group) {
    const first = colour(0);
    if (first !== theme) [theme, inks] = [first, []];
    if (inks[group] === undefined) {
      pen.fillStyle = colour(group);
      // A canvas gives every colour back as #rrggbb; pixels are stored as a, b, g, r.
      const [red, green, blue] = [1, 3, 5].map((at) => parseInt(pen.fillStyle.slice(at, at + 2), 16));
      inks[group] = (255 << 24) | (blue << 16) | (green << 8) | red;
    }
    return inks[group];
  }

  const redraw = () => (drawn ||= requestAnimationFrame(draw));

  function grow(by) {
    const before = zoom;
    zoom = Math.max(0.5, Math.min(60, zoom * by));
    shift = { x: (shift.x * zoom) / before, y: (shift.y * zoom) / before };
    redraw();
  }

  function nearest(event) {
    const box = canvas.getBoundingClientRect();
    const ratio = devicePixelRatio;
    // In the picture's own measure, so that no point has to be brought to the screen.
    const scale = (Math.min(canvas.width, canvas.height) * 0.46 * zoom) / FULL;
    const px = ((event.clientX - box.left) * ratio - canvas.width / 2 - shift.x) / scale;
    const py = (canvas.height / 2 + shift.y - (event.clientY - box.top) * ratio) / scale;
    let found = -1;
    let best = ((REACH * ratio) / scale) ** 2;
    for (let index = 0; index < count; index++) {
      const [dx, dy] = [places[2 * index] - px, places[2 * index + 1] - py];
      const distance = dx * dx + dy * dy;
      if (distance < best) {
        best = distance;
        found = index;
      }
    }
    return found;
  }

  // -- pointing, with one finger or two -----------------------------------------------------
  const fingers = new Map();
  let moved = false;
  const apart = () => {
    const [one, other] = [...fingers.values()];
    return Math.hypot(one.x - other.x, one.y - other.y);
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (!fingers.size) moved = false;
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    const finger = fingers.get(event.pointerId);
    if (!finger) return point(event);
    const [dx, dy] = [event.clientX - finger.x, event.clientY - finger.y];
    if (!moved && Math.hypot(dx, dy) < 4) return;
    moved = true;
    tip.hidden = true;
    const before = fingers.size === 2 ? apart() : 0;
    Object.assign(finger, { x: event.clientX, y: event.clientY });
    const share = devicePixelRatio / fingers.size;
    shift = { x: shift.x + dx * share, y: shift.y + dy * share };
    if (before) grow(apart() / before);
    redraw();
  });
  canvas.addEventListener("pointerup", (event) => {
    fingers.delete(event.pointerId);
    if (moved || fingers.size) return;
    const index = nearest(event);
    if (index >= 0) onopen(index);
  });
  canvas.addEventListener("pointercancel", (event) => fingers.delete(event.pointerId));
  canvas.addEventListener("pointerleave", () => (tip.hidden = true));
  function point(event) {
    const index = nearest(event);
    canvas.style.cursor = index < 0 ? "grab" : "pointer";
    tip.hidden = index < 0;
    if (index < 0) return;
    tip.textContent = name(owner[index]);
    tip.style.left = `${Math.max(0, Math.min(event.offsetX + 12, canvas.clientWidth - tip.offsetWidth - 4))}px`;
    tip.style.top = `${event.offsetY + 12}px`;
  }
  canvas.addEventListener("wheel", (event) => (event.preventDefault(), grow(Math.exp(-event.deltaY / 400))), { passive: false });
  canvas.addEventListener("keydown", (event) => {
    if (event.key === "+" || event.key === "-") grow(event.key === "+" ? 1.3 : 1 / 1.3);
  });
  new ResizeObserver(redraw).observe(canvas);

  return {
    /** Show points at other places, with other marks: {hits, question: [x, y]}. */
    show(newPlaces, newMarks) {
      [places, marks] = [newPlaces, newMarks];
      zoom = 1;
      shift = { x: 0, y: 0 };
      redraw();
    },
  };
}
