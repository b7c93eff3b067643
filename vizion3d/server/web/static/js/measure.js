/** Distances between two points of the cloud, and the button that measures them. */

import { digits } from "./depth_view.js";
import { $ } from "./dom.js";

/**
 * @param {import("./viewer.js").Viewer} viewer
 * @param {() => import("./geometry.js").Kind} kind - Of the depth on the screen.
 */
export function offerMeasuring(viewer, kind) {
  const toggle = () => {
    viewer.measuring = !viewer.measuring;
    $("measure").setAttribute("aria-pressed", String(viewer.measuring));
    $("view").classList.toggle("measuring", viewer.measuring);
    viewer.clearMeasure();
  };
  viewer.addEventListener("measure", (/** @type {any} */ { detail: points }) => {
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
  const assumed = {
    up_to_scale: " (up to scale: if the farthest is as set)",
    relative: " (relative: if nearest and farthest are as set)",
  }[kind()];
  return `${digits(distance)} m${assumed ?? ""}`;
}
