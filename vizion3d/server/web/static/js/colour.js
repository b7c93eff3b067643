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
  // RGBA in memory is one little-endian word: every browser's machine is little-endian.
  const words = Uint32Array.from({ length: 256 }, (_, i) => {
    const [red, green, blue] = table.subarray(3 * i, 3 * i + 3);
    return (0xff000000 | (blue << 16) | (green << 8) | red) >>> 0;
  });
  const pixels = new Uint32Array(image.data.buffer);
  const low = f32(depth.min);
  const span = f32(f32(depth.max) - low);
  for (let i = 0; i < pixels.length; i++) {
    const scaled = span > 0 ? f32(f32(depth.data[i] - low) / span) : 1;
    pixels[i] = words[rint(f32(scaled * 255))];
  }
  return image;
}
