/** The files that one can take away, under the names that the command line gives them. */

import { FORMATS } from "./formats.js";
import { stemOf } from "./snippets.js";

/**
 * @typedef {object} Source - What files are made from.
 * @property {string} name - Of the photo.
 * @property {Blob | null} npy - null: the server has another for this camera.
 * @property {(mediaType: string) => Promise<Blob>} fromServer
 * @property {() => Promise<Blob | null>} coloured
 * @property {() => Promise<Blob | null>} view
 */

/** The files that are offered: what a button says, which format it is, and where it comes from. */
const FILES = [
  { label: "PNG", format: FORMATS["png"] },
  { label: "Colour PNG", format: FORMATS["color"], make: (source) => source.coloured() },
  {
    label: "NPY",
    format: FORMATS["npy"],
    make: async (source) => source.npy ?? source.fromServer(FORMATS["npy"].mediaType),
  },
  { label: "PLY", format: FORMATS["ply"] },
  { label: "GLB", format: FORMATS["glb"] },
  { label: "Mesh", format: FORMATS["mesh"] },
  {
    label: "View",
    format: FORMATS["view"],
    note: "the 3D view as it is",
    make: (source) => source.view(),
  },
];

/**
 * @param {HTMLElement} parent
 * @param {() => Source} source - What is on the screen when a button is pressed.
 * @param {(error: unknown) => void} onError
 */
export function listDownloads(parent, source, onError) {
  for (const { label, format, note = format.title, make = fromServer(format) } of FILES) {
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.ending = format.ending;
    const small = document.createElement("small");
    small.textContent = note;
    button.append(label, small);
    button.addEventListener("click", async () => {
      button.disabled = true;
      button.setAttribute("aria-busy", "true");
      try {
        const from = source();
        save(await make(from), stemOf(from.name) + format.ending);
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

/** The maker of a file that the server answers with. */
function fromServer({ mediaType }) {
  return (source) => source.fromServer(mediaType);
}

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
