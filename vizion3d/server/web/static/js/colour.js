/** Depth as colours, by the library's tables. */

import { COLOUR_MAPS } from "./colourmaps.js";
import { rint } from "./geometry.js";

const f32 = Math.fround;

/**
 * @param {string} name
 * @returns {Uint8Array} 256 RGB colours.
 */
export function colourTable(name) {
  return Uint8Array.from(atob(COLOUR_MAPS[name]), (character) => character.charCodeAt(0));
}

/**
 * Stretch the depth's range over a colour map.
 *
 * @param {import("./geometry.js").Depth} depth
 * @param {string} name - Of the colour map.
 * @returns {ImageData}
 */
export function colourise(depth, name) {
  const table = colourTable(name);
  const image = new ImageData(depth.width, depth.height);
  const low = f32(depth.min);
  const span = f32(f32(depth.max) - low);
  const { data } = image;
  for (let i = 0; i < depth.data.length; i++) {
    const scaled = span > 0 ? f32(f32(depth.data[i] - low) / span) : 1;
    const entry = 3 * rint(f32(scaled * 255));
    data[4 * i] = table[entry];
    data[4 * i + 1] = table[entry + 1];
    data[4 * i + 2] = table[entry + 2];
    data[4 * i + 3] = 255;
  }
  return image;
}
