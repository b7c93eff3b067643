/** The files that one can take away, under the names that the command line gives them. */

import { stemOf } from "./snippets.js";

/**
 * @typedef {object} Source - What files are made from.
 * @property {string} name - Of the photo.
 * @property {Blob} npy
 * @property {(mediaType: string) => Promise<Blob>} fromServer
 * @property {() => Promise<Blob | null>} coloured
 * @property {() => Promise<Blob | null>} view
 */

/** @type {[string, string, string, (source: Source) => Promise<Blob | null>][]} */
const FILES = [
  ["PNG", ".depth.png", "16-bit depth image", (source) => source.fromServer("image/png")],
  ["Colour PNG", ".color.png", "coloured depth", (source) => source.coloured()],
  ["NPY", ".npy", "float32 depth", async (source) => source.npy],
  ["PLY", ".ply", "point cloud", (source) => source.fromServer("model/ply")],
  ["GLB", ".glb", "point cloud for web and Blender", (source) => source.fromServer("model/gltf-binary")],
  ["View", ".view.png", "the 3D view as it is", (source) => source.view()],
];

/**
 * @param {HTMLElement} parent
 * @param {() => Source} source - What is on the screen when a button is pressed.
 * @param {(error: unknown) => void} onError
 */
export function listDownloads(parent, source, onError) {
  for (const [label, ending, note, make] of FILES) {
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.ending = ending;
    const small = document.createElement("small");
    small.textContent = note;
    button.append(label, small);
    button.addEventListener("click", async () => {
      button.disabled = true;
      button.setAttribute("aria-busy", "true");
      try {
        const from = source();
        save(await make(from), stemOf(from.name) + ending);
      } catch (error) {
        onError(error);
      } finally {
        button.disabled = false;
        button.removeAttribute("aria-busy");
      }
    });
    parent.append(button);
  }
}

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
