/** Settings that outlast a reload, and the link that carries them to someone else. */

import { $, fieldOf } from "./dom.js";

const SETTINGS = "vizion3d.settings";
const COPIED_MS = 1500;
const NAMES = [
  "model_backend", "input_size", "camera", "fov", "fx", "fy", "cx", "cy", "depth_near", "depth_trunc",
  "edge_threshold", "point_size", "colour_by", "budget", "frame", "colour_map",
];

/** What the user has set, not what a model has. @param {HTMLFormElement} form @returns {Record<string, string>} */
export function settingsOf(form) {
  const fields = NAMES.map((name) => fieldOf(form, name));
  const own = fields.filter((field) => field.dataset.adopted !== field.value);
  return Object.fromEntries(own.map((field) => [field.name, field.value]));
}

/** @param {HTMLFormElement} form */
export function keepSettings(form) {
  localStorage.setItem(SETTINGS, JSON.stringify(settingsOf(form)));
}

/**
 * Fill the form by the link that led here, else by what was set last.
 *
 * @param {HTMLFormElement} form - Its models are listed.
 */
export function restoreSettings(form) {
  const linked = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
  fill(form, kept());
  fill(form, linked);
  if (location.hash) history.replaceState(null, "", location.pathname);
}

/** @param {HTMLFormElement} form @param {Record<string, string>} values - What fits is taken. */
export function fill(form, values) {
  for (const name of NAMES) {
    if (typeof values[name] !== "string") continue;
    const field = fieldOf(form, name);
    if (field.tagName === "INPUT" && !Number.isFinite(Number(values[name]))) continue;
    const before = field.value;
    field.value = values[name];
    // A select takes none but its options, and a number only what its limits allow.
    const isOption = field.tagName !== "SELECT" || field.selectedIndex >= 0;
    if (!isOption || !field.checkValidity()) field.value = before;
  }
}

/** Copies the link with the settings. @param {HTMLFormElement} form */
export function offerLink(form) {
  $("link").addEventListener("click", async () => {
    const set = Object.entries(settingsOf(form)).filter(([, value]) => value !== "");
    await navigator.clipboard.writeText(`${location.origin}/#${new URLSearchParams(set)}`);
    $("link").textContent = "Link copied";
    setTimeout(() => ($("link").textContent = "Copy link"), COPIED_MS);
  });
}

/** @returns {Record<string, string>} */
function kept() {
  try {
    return JSON.parse(localStorage.getItem(SETTINGS)) ?? {};
  } catch {
    return {}; // not written by this page
  }
}
