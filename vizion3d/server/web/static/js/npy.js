/**
 * Reads NPY files (NumPy's `numpy.lib.format`) that hold a float32 image.
 */

const MAGIC = "\x93NUMPY";

/**
 * @param {ArrayBuffer} buffer - A whole file.
 * @returns {{data: Float32Array, width: number, height: number}}
 * @throws {Error} It is not a little-endian float32 array of shape (H, W) in C order.
 */
export function parseNpy(buffer) {
  const bytes = new Uint8Array(buffer);
  const text = (from, to) => String.fromCharCode(...bytes.subarray(from, to));
  if (text(0, 6) !== MAGIC) throw new Error("the server's answer is not an NPY file");
  const view = new DataView(buffer);
  const isVersion1 = bytes[6] === 1;
  const start = isVersion1 ? 10 : 12;
  const length = isVersion1 ? view.getUint16(8, true) : view.getUint32(8, true);
  const header = text(start, start + length);
  const shape = /'shape': \((\d+), (\d+)\)/.exec(header);
  if (!header.includes("'descr': '<f4'") || !header.includes("'fortran_order': False") || !shape) {
    throw new Error(`the server's answer is not a float32 image: ${header.trim()}`);
  }
  const [height, width] = [Number(shape[1]), Number(shape[2])];
  // The header is padded so that the data are aligned.
  return { data: new Float32Array(buffer, start + length, height * width), width, height };
}

/**
 * The depth that an NPY file holds.
 *
 * @param {ArrayBuffer} buffer - A whole file.
 * @param {import("./geometry.js").Kind} kind
 * @param {number | null} sky
 * @returns {import("./geometry.js").Depth}
 */
export function depthOf(buffer, kind, sky) {
  const image = parseNpy(buffer);
  let [min, max] = [Infinity, -Infinity];
  for (const value of image.data) {
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return { ...image, min, max, kind, sky, factor: 1 };
}
