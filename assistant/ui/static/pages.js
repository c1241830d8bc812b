// A page of a PDF as a picture, with the quote's boxes drawn on it.

import { fill, get, h, iconButton } from "./dom.js";

/** Return the figure of the page that a source's quote begins on, and ways to the others. */
export function pagePicture(source) {
  const { start, end, pages } = source.place;
  const version = source.version;
  const picture = h("img", { alt: "", decoding: "async" });
  const boxes = h("div.boxes");
  const label = h("span", { "aria-live": "polite" });
  const previous = iconButton("left", "Previous page", () => turn(-1));
  const next = iconButton("right", "Next page", () => turn(1));
  let page = source.place.page;

  async function turn(step) {
    page = Math.max(1, Math.min(pages, page + step));
    label.textContent = `Page ${page} of ${pages}`;
    previous.disabled = page === 1;
    next.disabled = page === pages;
    picture.alt = `Page ${page} of ${source.document} as a picture`;
    const wanted = page;
    fill(boxes);
    picture.src = `/ui/documents/${source.document_id}/pages/${page}?v=${version}`;
    const drawn = await get(`/ui/documents/${source.document_id}/pages/${page}/boxes?start=${start}&end=${end}`).catch(() => null);
    if (!drawn || wanted !== page) return;
    // The room is reserved before the picture is there: nothing below it jumps.
    frame.style.aspectRatio = `${drawn.width} / ${drawn.height}`;
    fill(boxes, 
      ...drawn.boxes.map(([left, top, width, height]) =>
        h("i", { "--x": `${left * 100}%`, "--y": `${top * 100}%`, "--w": `${width * 100}%`, "--h": `${height * 100}%` }),
      ),
    );
  }

  picture.addEventListener("error", () => {
    picture.alt = "This page cannot be drawn. Open the original file instead.";
    frame.classList.add("failed");
  });
  picture.addEventListener("load", () => frame.classList.remove("failed"));
  const frame = h("div.page", null, picture, boxes);
  turn(0);
  return h("figure.page-picture", null, frame, h("figcaption", null, previous, label, next));
}
