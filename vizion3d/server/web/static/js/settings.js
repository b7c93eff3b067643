/**
 * The form of settings, and what each entry point calls them.
 *
 * @typedef {object} Settings
 * @property {string} model
 * @property {number | null} inputSize - Shorter side that the network sees, in pixels; null: its own.
 * @property {string} camera - What the intrinsics come from: "auto" (EXIF), "fov", "matrix" or a preset.
 * @property {number} fovDeg - Horizontal.
 * @property {import("./geometry.js").Camera} matrix
 * @property {import("./geometry.js").Range} range
 * @property {"opencv" | "opengl"} frame
 * @property {number} pointSize - 1: as large as a pixel's share of the surface.
 * @property {number} budget - No more points than this.
 * @property {"photo" | "depth"} colourBy
 * @property {string} colourMap
 */

import { cameraFields } from "./cameras.js";
import { fieldOf } from "./dom.js";
import { isEmpty, knownFields } from "./known_fields.js";

/** @param {HTMLFormElement} form @returns {Settings} */
export function readSettings(form) {
  const field = (name) => fieldOf(form, name).value;
  const number = (name) => Number(field(name));
  return {
    model: field("model_backend"),
    inputSize: number("input_size") || null,
    camera: field("camera"),
    fovDeg: number("fov"),
    matrix: { fx: number("fx"), fy: number("fy"), cx: number("cx"), cy: number("cy") },
    range: {
      near: number("depth_near"),
      far: number("depth_trunc"),
      edge: number("edge_threshold"),
    },
    frame: field("frame"),
    pointSize: number("point_size"),
    budget: number("budget"),
    colourBy: field("colour_by"),
    colourMap: field("colour_map"),
  };
}

/** What the network's answer depends on, as fields of the REST API. @param {Settings} settings */
export function networkFields(settings) {
  const { model, inputSize } = settings;
  return { model_backend: model, ...(inputSize && { input_size: String(inputSize) }) };
}

/**
 * Everything that the server's files depend on, as fields of the REST API.
 *
 * @param {Settings} settings
 * @param {import("./known_fields.js").Known} known
 * @returns {Record<string, string>}
 */
export function restFields(settings, known) {
  const { near, far, edge } = settings.range;
  return {
    ...networkFields(settings),
    ...cameraFields(settings),
    ...texts({ depth_near: near, depth_trunc: far }),
    ...(edge > 0 && texts({ edge_threshold: edge })),
    frame: settings.frame,
    ...knownFields(known),
  };
}

/**
 * What a photo's depth is asked for with. What is known of the scene is fitted by the server, and a
 * known length rests on the camera.
 *
 * @param {Settings} settings
 * @param {import("./known_fields.js").Known} known
 * @returns {Record<string, string>}
 */
export function askedFields(settings, known) {
  if (isEmpty(known)) return { ...networkFields(settings), camera: "auto" };
  return { ...networkFields(settings), ...cameraFields(settings), ...knownFields(known) };
}

/** @param {Record<string, number>} numbers */
function texts(numbers) {
  return Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, String(value)]));
}

/** Mark what makes no sense beyond a field's own limits. @param {HTMLFormElement} form */
export function validate(form) {
  const near = fieldOf(form, "depth_near");
  const far = fieldOf(form, "depth_trunc");
  const crossed = !near.disabled && near.valueAsNumber >= far.valueAsNumber;
  near.setCustomValidity(crossed ? "Nearest must be less than farthest." : "");
  return form.checkValidity();
}

/**
 * The farthest distance is a metric model's own range, unless the user has set another.
 *
 * @param {HTMLFormElement} form
 * @param {number | null} rangeM - Of the model; null: it has none.
 */
export function adoptRange(form, rangeM) {
  const far = fieldOf(form, "depth_trunc");
  if (far.value !== (far.dataset.adopted ?? far.defaultValue)) return;
  far.value = rangeM === null ? far.defaultValue : String(rangeM);
  far.dataset.adopted = far.value;
}
