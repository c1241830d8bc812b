// Looks every now and then how the documents are doing; faster while something is in work.

import { get } from "./dom.js";
import { emit, state } from "./state.js";

const WORKING = 700;
const RESTING = 3000;
let timer = 0;

export async function poll() {
  clearTimeout(timer);
  let wait = RESTING;
  if (!document.hidden) {
    try {
      const overview = await get("/ui/status");
      const changed = overview.revision !== state.overview?.revision;
      state.overview = overview;
      if (overview.running.length) wait = WORKING;
      emit("overview", { changed });
    } catch {
      // The server may be starting again; the next look will tell.
    }
  }
  clearTimeout(timer);
  timer = setTimeout(poll, wait);
}

document.addEventListener("visibilitychange", () => !document.hidden && poll());

/** All collections together. */
export function totals() {
  const sum = { documents: 0, ready: 0, busy: 0, failed: 0, passages: 0 };
  for (const collection of state.overview?.collections ?? []) for (const key of Object.keys(sum)) sum[key] += collection[key];
  return sum;
}
