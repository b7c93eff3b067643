/** Distances between two points of the cloud, and the button that measures them. */

import { about, digits } from "./depth_view.js";
import { $ } from "./dom.js";

/**
 * @param {import("./viewer.js").Viewer} viewer
 * @param {() => import("./geometry.js").Kind} kind - Of the depth on the screen.
 * @param {(pixels: [number, number][]) => void} [onPick] - Told the pixels of what is picked.
 */
export function offerMeasuring(viewer, kind, onPick) {
  const toggle = () => {
    viewer.measuring = !viewer.measuring;
    $("measure").setAttribute("aria-pressed", String(viewer.measuring));
    $("view").classList.toggle("measuring", viewer.measuring);
    viewer.clearMeasure();
  };
  viewer.addEventListener("measure", (/** @type {any} */ { detail }) => {
    const { points, pixels } = detail;
    onPick?.(viewer.measuring ? pixels : []);
    $("measured").hidden = !viewer.measuring && points.length === 0;
    $("measured").textContent = tell(points, kind);
  });
  viewer.addEventListener("miss", () => ($("measured").textContent = "There is no point there."));
  viewer.addEventListener("toggle-measure", toggle);
  $("measure").addEventListener("click", toggle);
}

function tell(points, kind) {
  if (points.length < 2) return points.length ? "Now the second point." : "Click two points.";
  const [from, to] = points;
  const distance = Math.hypot(...from.map((value, i) => value - to[i]));
  const isKnown = kind() === "metric" || kind() === "stereo";
  return isKnown ? `${digits(distance)} m` : about(distance);
}
