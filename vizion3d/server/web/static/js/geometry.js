/**
 * From a network's output to points: the formulas of the library's `vizion3d/geometry`,
 * rounded to float32 at the same places, so that the page shows the points that the server writes.
 *
 * @typedef {{fx: number, fy: number, cx: number, cy: number}} Camera - In pixels.
 * @typedef {"relative" | "up_to_scale" | "metric" | "stereo"} Kind - What the numbers of a depth are.
 * @typedef {{data: Float32Array, width: number, height: number, min: number, max: number,
 *   kind: Kind, sky: number | null, factor?: number, known?: Uint8Array}} Depth - `sky`: the value
 *   from which on it is sky; `factor`: what metres are multiplied by, see `metresFactor`; `known`:
 *   of a pair, which pixels have a depth.
 * @typedef {{near: number, far: number, edge: number}} Range - Metres; edge 0 keeps flying pixels.
 */

const f32 = Math.fround;
const EPSILON = 2 ** -23;

/** Shorter side at which the network usually sees an image: the scale of its edges' blur. */
const NETWORK_PIXELS = 518;

/**
 * The function that turns a network's output into metres. It is monotonic.
 *
 * @param {Depth} depth
 * @param {Range} range
 * @returns {(value: number) => number}
 */
export function toMetres(depth, range) {
  if (depth.kind === "metric") {
    const { factor = 1 } = depth;
    return (value) => f32(value * factor);
  }
  if (depth.kind === "up_to_scale") {
    const factor = depth.max > 0 ? f32(range.far / depth.max) : 0;
    return (value) => f32(value * factor);
  }
  const low = f32(depth.min);
  const span = f32(f32(depth.max) - low);
  const slope = f32(1 / range.near - 1 / range.far);
  const offset = f32(1 / range.far);
  if (!(span > 0)) return () => f32(1 / f32(slope + offset));
  return (value) => {
    const scaled = f32(f32(value - low) / span);
    return f32(1 / f32(f32(scaled * slope) + offset));
  };
}

/**
 * A cloud's points before they are placed: every `stride`-th pixel, coarse to fine, so that the
 * first sixteenth and the first quarter of them are clouds too.
 */
export class Samples {
  /**
   * @param {Depth} depth
   * @param {number} budget - No more points than this.
   */
  constructor(depth, budget) {
    const { width, height } = depth;
    this.depth = depth;
    this.stride = Math.max(1, Math.ceil(Math.sqrt((width * height) / budget)));
    const columns = Math.ceil(width / this.stride);
    const rows = Math.ceil(height / this.stride);
    this.count = columns * rows;
    /** Row-major index of each point's pixel. */
    this.pixel = new Uint32Array(this.count);
    /** How many points there are after each of the three passes. @type {number[]} */
    this.levels = [];
    let next = 0;
    for (const [step, coarser] of [[4, 0], [2, 4], [1, 2]]) {
      for (let row = 0; row < rows; row += step) {
        for (let column = 0; column < columns; column += step) {
          if (coarser && row % coarser === 0 && column % coarser === 0) continue;
          this.pixel[next++] = (row * width + column) * this.stride;
        }
      }
      this.levels.push(next);
    }
    this._findExtremes(Math.max(1, rint(Math.min(width, height) / NETWORK_PIXELS)), columns);
  }

  /**
   * Least and greatest depth in the square around each point's pixel, clipped at the border.
   *
   * Only columns that have points are looked at: in a large photo few have.
   */
  _findExtremes(radius, columns) {
    const { data, width, height } = this.depth;
    const least = new Float32Array(columns * height);
    const greatest = new Float32Array(columns * height);
    for (let row = 0, at = 0; row < height; row++) {
      for (let column = 0; column < width; column += this.stride, at++) {
        const first = row * width + Math.max(0, column - radius);
        const last = row * width + Math.min(width - 1, column + radius);
        let [low, high] = [data[first], data[first]];
        for (let i = first + 1; i <= last; i++) {
          if (data[i] < low) low = data[i];
          else if (data[i] > high) high = data[i];
        }
        least[at] = low;
        greatest[at] = high;
      }
    }
    this.lowest = new Float32Array(this.count);
    this.highest = new Float32Array(this.count);
    for (let point = 0; point < this.count; point++) {
      const row = Math.floor(this.pixel[point] / width);
      const column = (this.pixel[point] - row * width) / this.stride;
      const last = Math.min(height - 1, row + radius) * columns + column;
      let at = Math.max(0, row - radius) * columns + column;
      let [low, high] = [least[at], greatest[at]];
      for (at += columns; at <= last; at += columns) {
        if (least[at] < low) low = least[at];
        if (greatest[at] > high) high = greatest[at];
      }
      this.lowest[point] = low;
      this.highest[point] = high;
    }
  }

  /**
   * Place the points in the camera's frame (x right, y down, z forward), in metres.
   *
   * @param {Camera} camera
   * @param {Range} range
   * @param {Float32Array} positions - Filled with x, y, z of every point.
   * @param {Uint32Array} index - Filled with the points that are shown.
   * @returns {number[]} How many of the first sixteenth, the first quarter and all are shown.
   */
  place(camera, range, positions, index) {
    const { data, width, height, sky } = this.depth;
    const metres = toMetres(this.depth, range);
    const xs = Float32Array.from({ length: width }, (_, u) => (u - camera.cx) / camera.fx);
    const ys = Float32Array.from({ length: height }, (_, v) => (v - camera.cy) / camera.fy);
    // The farthest pixel is at `far` but for a rounding error.
    const limit = f32(range.far * (1 - 4 * EPSILON));
    const threshold = f32(range.edge);
    const shownAt = [];
    let shown = 0;
    for (let i = 0; i < this.count; i++) {
      if (i === this.levels[shownAt.length]) shownAt.push(shown);
      const pixel = this.pixel[i];
      const row = Math.floor(pixel / width);
      const z = metres(data[pixel]);
      const isSky = sky !== null && data[pixel] >= sky;
      positions[3 * i] = z * xs[pixel - row * width];
      positions[3 * i + 1] = z * ys[row];
      positions[3 * i + 2] = z;
      if (isSky || !(z > 0 && z < limit)) continue;
      if (threshold > 0) {
        const jump = f32(Math.abs(metres(this.highest[i]) - metres(this.lowest[i])));
        if (jump > f32(threshold * z)) continue;
      }
      index[shown++] = i;
    }
    while (shownAt.length < this.levels.length) shownAt.push(shown);
    return shownAt;
  }
}

/**
 * What metres that are proportional to the focal length are multiplied by for another camera.
 *
 * The network saw an image whose sides were resized by slightly different factors, so the server
 * weighs both focal lengths differently; `focalPx` tells how.
 *
 * @param {Camera} camera
 * @param {Camera} served - The camera that the server's metres hold for.
 * @param {number | null} focalPx - What they are proportional to; null: they follow from no camera.
 */
export function metresFactor(camera, served, focalPx) {
  if (focalPx === null) return 1;
  const weight = (2 * focalPx - served.fx) / served.fy;
  return (camera.fx + camera.fy * weight) / (2 * focalPx);
}

/**
 * What is pictured of metres that may reach very far: inverse distance, brighter = closer; where
 * there is none, the least.
 *
 * @param {Depth} depth - In metres; 0: not known.
 * @returns {Depth}
 */
export function closeness(depth) {
  const { min, max } = depth.max > 0 ? { min: 1 / depth.max, max: 1 / depth.min } : { min: 0, max: 0 };
  const data = Float32Array.from(depth.data, (metres) => (metres > 0 ? 1 / metres : min));
  const known = Uint8Array.from(depth.data, (metres) => (metres > 0 ? 1 : 0));
  return { ...depth, data, min, max, known, kind: "stereo" };
}

/**
 * Focal length in pixels of a camera that sees an angle across that many pixels.
 *
 * @param {number} fovDeg - Above 0, below 180.
 * @param {number} lengthPx
 */
export function focalFromFov(fovDeg, lengthPx) {
  return lengthPx / (2 * Math.tan((fovDeg * Math.PI) / 360));
}

/** @param {number} focalPx @param {number} lengthPx @returns {number} Degrees. */
export function fovFromFocal(focalPx, lengthPx) {
  return (Math.atan(lengthPx / (2 * focalPx)) * 360) / Math.PI;
}

/** Nearest integer, halves to the even one, as NumPy rounds. @param {number} value */
export function rint(value) {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}
