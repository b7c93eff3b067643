/**
 * The form of settings, and what each entry point calls them.
 *
 * @typedef {object} Settings
 * @property {string} model
 * @property {number | null} inputSize - Shorter side that the network sees, in pixels; null: its own.
 * @property {"auto" | "fov" | "matrix"} camera - What the intrinsics come from.
 * @property {number} fovDeg - Horizontal.
 * @property {import("./geometry.js").Camera} matrix
 * @property {import("./geometry.js").Range} range
 * @property {"opencv" | "opengl"} frame
 * @property {number} pointSize - 1: as large as a pixel's share of the surface.
 * @property {number} budget - No more points than this.
 * @property {"photo" | "depth"} colourBy
 * @property {string} colourMap
 */

import { fieldOf } from "./dom.js";
import { focalFromFov } from "./geometry.js";

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

/**
 * The intrinsics that hold: the server's own, by the field of view, or as given.
 *
 * @param {Settings} settings
 * @param {import("./geometry.js").Camera & {width_px: number, height_px: number}} served
 * @returns {import("./geometry.js").Camera}
 */
export function cameraOf(settings, served) {
  if (settings.camera === "auto") return served;
  if (settings.camera === "matrix") return settings.matrix;
  // Nine digits, since it is written out in requests and code.
  const focal = Number(focalFromFov(settings.fovDeg, served.width_px).toPrecision(9));
  return { fx: focal, fy: focal, cx: (served.width_px - 1) / 2, cy: (served.height_px - 1) / 2 };
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
 * @param {import("./geometry.js").Camera & {width_px: number, height_px: number}} served
 * @returns {Record<string, string>}
 */
export function restFields(settings, served) {
  const { near, far, edge } = settings.range;
  const { fx, fy, cx, cy } = cameraOf(settings, served);
  return {
    ...networkFields(settings),
    ...(settings.camera !== "auto" && texts({ fx, fy, cx, cy })),
    ...texts({ depth_near: near, depth_trunc: far }),
    ...(edge > 0 && texts({ edge_threshold: edge })),
    frame: settings.frame,
  };
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
