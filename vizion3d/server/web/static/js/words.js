/** The words beside the settings: values of the sliders, and what follows from the choices. */

import { tellCamera } from "./cameras.js";
import { digits } from "./depth_view.js";
import { $, all, fieldOf } from "./dom.js";
import { readSettings } from "./settings.js";

/** @param {HTMLFormElement} form @param {import("./api.js").Model[]} models */
export function showValues(form, models) {
  const { fovDeg, range, pointSize, camera } = readSettings(form);
  $("fov-value").textContent = `${fovDeg.toFixed(1)}°`;
  $("edge-value").textContent = range.edge > 0 ? `${digits(100 * range.edge)} %` : "off";
  $("size-value").textContent = `× ${digits(pointSize)}`;
  for (const part of all("#settings [data-camera]")) {
    part.hidden = part.dataset.camera === "matrix" ? camera !== "matrix" : camera === "matrix";
  }
  const model = models.find(({ name }) => name === fieldOf(form, "model_backend").value);
  $("model-note").textContent = model && model.here !== false ? noteOf(model) : "";
}

/**
 * What holds for the photo on the screen.
 *
 * @param {import("./geometry.js").Kind} kind - Of its depth.
 * @param {string[]} notes - What the server says that its numbers rest on.
 * @param {boolean} isFitted - Whether the metres come from what is known of the scene.
 * @param {string} camera - Which camera is chosen.
 * @param {import("./cameras.js").Served} intrinsics
 * @param {import("./exif.js").Exif | null} exif
 */
export function describe(kind, notes, isFitted, camera, intrinsics, exif) {
  const range = isFitted
    ? "True metres, by what you told: only the farthest counts, where points end."
    : {
        metric: "This model estimates metres: only the farthest counts, where points end.",
        up_to_scale: "Assumed: this model tells proportions, not how far the farthest is.",
        relative: "Assumed: this model tells what is closer, not how far it is.",
      }[kind];
  $("range-note").textContent = [range, ...notes].join(" Note: ");
  $("camera-note").textContent = tellCamera(camera, intrinsics, exif);
}

/** @param {number} shown @param {number} pixels @param {number} stride - Between points. */
export function countPoints(shown, pixels, stride) {
  const sampled = stride > 1 ? `, one of every ${stride} × ${stride} pixels` : "";
  $("cloud-note").textContent = `${group(shown)} points of ${group(pixels)} pixels${sampled}`;
}

/** What is known of a model: its depth, size, licence. @param {import("./api.js").Model} model */
export function noteOf(model) {
  const weights = model.parameters && `${digits(model.parameters / 1e6)} million weights`;
  const free = model.commercial_use === false ? " (no commercial use)" : "";
  const kind = { relative: "relative depth", up_to_scale: "depth up to scale", metric: "metres" };
  const range = model.max_depth_m ? `metres to ${model.max_depth_m}` : kind[model.depth_kind];
  const licence = model.licence && `${model.licence}${free}`;
  return [range, weights, licence].filter(Boolean).join(" · ");
}

/** A model's name; of a path or an address, the file's. @param {string} name */
export function labelOf(name) {
  return name.split("/").pop();
}

/** @param {number} bytes */
export function megabytes(bytes) {
  return `${Math.max(1, Math.round(bytes / 1e6))} MB`;
}

/** @param {number} count */
function group(count) {
  return count.toLocaleString("en-GB");
}

/** Whose points each half of the 3D view shows; nothing where it shows one cloud. @param {string[]} names */
export function labelPanes(names) {
  const labels = names.map((name) => Object.assign(document.createElement("span"), { textContent: name }));
  $("panes").hidden = !names.length;
  $("panes").replaceChildren(...labels);
}
