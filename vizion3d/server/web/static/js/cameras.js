/** Which camera took a photo: by its EXIF data, a preset, a field of view, or as given. */

import { focalFromExif } from "./exif.js";
import { focalFromFov } from "./geometry.js";
import { PRESETS } from "./presets.js";

/**
 * @typedef {import("./geometry.js").Camera & {width_px: number, height_px: number,
 *   sources?: Record<string, string>}} Served - Intrinsics as the server tells them.
 */

/** @param {string} name */
export const isPreset = (name) => Object.hasOwn(PRESETS, name);

/** @param {HTMLSelectElement} select - Gets an option for each preset. */
export function offerPresets(select) {
  const before = select.querySelector("[value=fov]");
  for (const name of Object.keys(PRESETS)) before.before(new Option(name, name));
}

/**
 * The intrinsics that hold.
 *
 * @param {import("./settings.js").Settings} settings
 * @param {Served} served - The server's, for `camera=auto`.
 * @param {import("./exif.js").Exif | null} exif
 * @returns {import("./geometry.js").Camera}
 */
export function cameraOf(settings, served, exif) {
  const { width_px: width, height_px: height } = served;
  if (settings.camera === "matrix") return settings.matrix;
  if (settings.camera === "fov") return centred(focalFromFov(settings.fovDeg, width), width, height);
  if (isPreset(settings.camera)) return centred(presetFocal(settings.camera, width, height), width, height);
  const focal = exif && focalFromExif(exif, width, height);
  return focal ? centred(focal, width, height) : served;
}

/** Focal length of a preset for a photo of another size: the largest centred crop of its shape. */
function presetFocal(name, width, height) {
  const { widthPx, heightPx, focalPx } = PRESETS[name];
  const [long, short] = [Math.max(width, height), Math.min(width, height)];
  return focalPx * Math.max(long / widthPx, short / heightPx);
}

function centred(focal, width, height) {
  return { fx: focal, fy: focal, cx: (width - 1) / 2, cy: (height - 1) / 2 };
}

/**
 * The same choice as fields of the REST API.
 *
 * @param {import("./settings.js").Settings} settings
 * @returns {Record<string, string>}
 */
export function cameraFields({ camera, fovDeg, matrix }) {
  if (camera === "fov") return { fov: String(fovDeg) };
  if (camera !== "matrix") return { camera };
  return Object.fromEntries(Object.entries(matrix).map(([name, value]) => [name, String(value)]));
}

/**
 * Where the intrinsics come from, in words.
 *
 * @param {string} camera - Which is chosen.
 * @param {Served} served
 * @param {import("./exif.js").Exif | null} exif
 */
export function tellCamera(camera, served, exif) {
  if (camera === "fov") return "Square pixels, the centre of the picture in the middle.";
  if (camera === "matrix") {
    return `For ${served.width_px} × ${served.height_px} pixels, the first pixel's centre at 0.`;
  }
  if (isPreset(camera)) return "Nominal values of that camera, carried over to the photo's size.";
  if (exif && focalFromExif(exif, served.width_px, served.height_px)) {
    const length = exif.equivalentMm ? `${exif.equivalentMm} mm (35 mm equivalent)` : `${exif.focalMm} mm`;
    return `From the photo's EXIF data: ${[exif.camera, length].filter(Boolean).join(", ")}.`;
  }
  const source = served.sources?.fx ?? "its default";
  if (!/primesense/i.test(source)) return `The server's: ${source}.`;
  return `The photo tells no focal length: assumed (${source}). Choose the camera or its angle of view.`;
}
