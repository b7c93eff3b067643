/**
 * The EXIF data of a photo, read in the page: JPEG, PNG and WebP.
 *
 * The focal length follows by the rules of the library's `vizion3d/geometry/cameras.py`.
 *
 * @typedef {object} Exif
 * @property {string} camera - Maker and model, or nothing.
 * @property {number} orientation - 1 to 8; from 5 on, width and height are swapped when shown.
 * @property {number | null} equivalentMm - 35 mm equivalent of the focal length.
 * @property {number | null} focalMm
 * @property {number | null} planeResolution - Pixels per unit of the focal plane.
 * @property {number} planeUnit - 2: inch, 3: cm, 4: mm.
 * @property {number | null} takenWidthPx - Of the photo as it was taken.
 * @property {number | null} takenHeightPx
 */

/** Diagonal that a 35 mm equivalent refers to. */
const FULL_FRAME_DIAGONAL_MM = Math.hypot(36, 24);
const UNIT_MM = { 2: 25.4, 3: 10, 4: 1 };
/** How much of a file is looked at: EXIF data stand in front, at most 64 KB in JPEG. */
const HEAD_BYTES = 1 << 18;
/** Bytes of a value of each type of TIFF's. */
const SIZES = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8];
const MAX_ENTRIES = 512;

const [MAKE, MODEL, ORIENTATION, EXIF_IFD] = [0x10f, 0x110, 0x112, 0x8769];
const [FOCAL, FOCAL_35, PLANE_X, PLANE_UNIT] = [0x920a, 0xa405, 0xa20e, 0xa210];
const [TAKEN_WIDTH, TAKEN_HEIGHT] = [0xa002, 0xa003];

/** @param {Blob} file @returns {Promise<Exif | null>} null: it has none that can be read here. */
export async function readExif(file) {
  try {
    const head = await file.slice(0, HEAD_BYTES).arrayBuffer();
    const tiff = findTiff(new DataView(head)) ?? findTiff(new DataView(await tailOf(file)));
    return tiff && interpret(tiff);
  } catch (error) {
    if (error instanceof RangeError) return null; // it ends in the middle of a value
    throw error;
  }
}

/** PNG and WebP may have their EXIF data at the end. @param {Blob} file */
function tailOf(file) {
  const isSmall = file.size <= 64 * HEAD_BYTES;
  return (isSmall ? file : file.slice(0, 0)).arrayBuffer();
}

/**
 * Focal length in pixels of the photo as it is stored; null: EXIF does not tell it.
 *
 * @param {Exif} exif
 * @param {number} shownWidth - Of the photo as it is shown.
 * @param {number} shownHeight
 */
export function focalFromExif(exif, shownWidth, shownHeight) {
  const turned = exif.orientation >= 5;
  const [width, height] = turned ? [shownHeight, shownWidth] : [shownWidth, shownHeight];
  if (exif.equivalentMm) {
    return (exif.equivalentMm / FULL_FRAME_DIAGONAL_MM) * Math.hypot(width, height);
  }
  const unitMm = UNIT_MM[exif.planeUnit];
  if (!exif.focalMm || !exif.planeResolution || !unitMm) return null;
  return ((exif.focalMm * exif.planeResolution) / unitMm) * scaleSinceTaken(exif, width, height);
}

/** Size of the photo relative to the one that was taken. */
function scaleSinceTaken({ takenWidthPx, takenHeightPx }, width, height) {
  if (takenWidthPx && takenHeightPx) {
    return Math.max(width, height) / Math.max(takenWidthPx, takenHeightPx);
  }
  return takenWidthPx ? width / takenWidthPx : 1;
}

/** @param {DataView} view - Of a file. @returns {DataView | null} Its TIFF structure. */
function findTiff(view) {
  if (view.byteLength < 16) return null;
  if (view.getUint16(0) === 0xffd8) return findInJpeg(view);
  const kind = text(view, 0, 4);
  if (kind === "\x89PNG") return findInChunks(view, 8, "eXIf", { littleEndian: false, after: 4 });
  if (kind === "RIFF") return findInChunks(view, 12, "EXIF", { littleEndian: true, after: 0 });
  return null;
}

function findInJpeg(view) {
  for (let at = 2; at + 10 <= view.byteLength && view.getUint8(at) === 0xff; ) {
    const marker = view.getUint8(at + 1);
    if (marker === 0xda) return null; // the pixels begin
    const length = view.getUint16(at + 2);
    if (marker === 0xe1 && text(view, at + 4, 6) === "Exif\0\0") return part(view, at + 10, length - 8);
    at += 2 + length;
  }
  return null;
}

/** PNG has length, name, content, checksum; WebP name, length, content, padded to even. */
function findInChunks(view, start, wanted, { littleEndian, after }) {
  for (let at = start; at + 8 <= view.byteLength; ) {
    const [name, length] = littleEndian
      ? [text(view, at, 4), view.getUint32(at + 4, true)]
      : [text(view, at + 4, 4), view.getUint32(at)];
    if (name === wanted) {
      const skip = text(view, at + 8, 6) === "Exif\0\0" ? 6 : 0;
      return part(view, at + 8 + skip, length - skip);
    }
    at += 8 + length + after + (littleEndian ? length % 2 : 0);
  }
  return null;
}

function part(view, at, length) {
  return new DataView(view.buffer, at, Math.min(length, view.byteLength - at));
}

/** @param {DataView} view @param {number} at @param {number} length */
function text(view, at, length) {
  const codes = Array.from({ length }, (_, i) => view.getUint8(at + i));
  return String.fromCharCode(...codes);
}

/** @param {DataView} tiff @returns {Exif} */
function interpret(tiff) {
  const littleEndian = tiff.getUint16(0) === 0x4949;
  const base = readDirectory(tiff, tiff.getUint32(4, littleEndian), littleEndian);
  const tags = base[EXIF_IFD] ? readDirectory(tiff, base[EXIF_IFD], littleEndian) : {};
  const [make, model] = [base[MAKE] ?? "", base[MODEL] ?? ""].map((word) => String(word).trim());
  return {
    camera: model.startsWith(make) ? model : `${make} ${model}`.trim(),
    orientation: base[ORIENTATION] ?? 1,
    equivalentMm: positive(tags[FOCAL_35]),
    focalMm: positive(tags[FOCAL]),
    planeResolution: positive(tags[PLANE_X]),
    planeUnit: tags[PLANE_UNIT] ?? 2,
    takenWidthPx: positive(tags[TAKEN_WIDTH]),
    takenHeightPx: positive(tags[TAKEN_HEIGHT]),
  };
}

/** @returns {Record<number, any>} Tag -> its first number, or its text. */
function readDirectory(tiff, start, littleEndian) {
  /** @type {Record<number, any>} */
  const tags = {};
  const count = Math.min(tiff.getUint16(start, littleEndian), MAX_ENTRIES);
  for (let i = 0; i < count; i++) {
    const at = start + 2 + 12 * i;
    const type = tiff.getUint16(at + 2, littleEndian);
    const values = tiff.getUint32(at + 4, littleEndian);
    const bytes = (SIZES[type] ?? 0) * values;
    const place = bytes <= 4 ? at + 8 : tiff.getUint32(at + 8, littleEndian);
    if (bytes > 0) tags[tiff.getUint16(at, littleEndian)] = valueAt(tiff, place, type, values, littleEndian);
  }
  return tags;
}

function valueAt(tiff, at, type, count, littleEndian) {
  if (type === 2) return text(tiff, at, Math.min(count, 64)).split("\0")[0];
  if (type === 3) return tiff.getUint16(at, littleEndian);
  if (type === 4) return tiff.getUint32(at, littleEndian);
  if (type === 5) return tiff.getUint32(at, littleEndian) / tiff.getUint32(at + 4, littleEndian);
  return undefined;
}

/** @param {unknown} value @returns {number | null} */
function positive(value) {
  return typeof value === "number" && Number.isFinite(value) && value > 0 ? value : null;
}
