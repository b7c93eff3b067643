/** Photo and depth over one another, the value under the cursor, and the legend. */

import { colourTable, colourise } from "./colour.js";
import { $ } from "./dom.js";

/** Kind of depth -> what the legend says of it. */
const LEGENDS = {
  stereo: "Distance in metres, measured; dark where nothing matched.",
  metric: "Distance in metres, as this model estimates it.",
  up_to_scale:
    "Depth, without a unit: higher is farther. The metres follow from the farthest that you set.",
  relative:
    "Inverse depth, without a unit: higher is closer. The metres follow from the nearest and farthest that you set.",
};

const TICKS = 5;

/** @param {number} value */
export function digits(value) {
  return Number(value.toPrecision(4)).toString();
}

/** A distance in metres that rests on an assumption. @param {number} metres */
export function about(metres) {
  return `about ${Number(metres.toPrecision(2))} (assumed scale)`;
}

export class DepthView extends EventTarget {
  /** Fires `point` when the cursor moves: `detail` is the pixel's index, or null. */
  constructor() {
    super();
    this.photo = $("photo");
    this.canvas = $("depth");
    this._cursor = null;
    $("split").addEventListener("input", () => this._split());
    this.canvas.addEventListener("pointermove", (event) => this._onPointer(event));
    this.canvas.addEventListener("pointerdown", (event) => {
      this.canvas.setPointerCapture(event.pointerId);
      this._onPointer(event);
    });
    this.canvas.addEventListener("pointerleave", () => this._point(null));
    this.canvas.addEventListener("blur", () => this._point(null));
    this.canvas.addEventListener("keydown", (event) => this._onKey(event));
  }

  /**
   * @param {import("./geometry.js").Depth} depth
   * @param {CanvasImageSource | null} photo - null: the browser cannot show it.
   */
  load(depth, photo) {
    this.depth = depth;
    for (const canvas of [this.photo, this.canvas]) {
      canvas.width = depth.width;
      canvas.height = depth.height;
    }
    const context = this.photo.getContext("2d", { willReadFrequently: true });
    context.fillStyle = "#fff"; // as the library, transparency goes over white
    context.fillRect(0, 0, depth.width, depth.height);
    if (photo) context.drawImage(photo, 0, 0, depth.width, depth.height);
    this.setBeside(null, "");
    $("split").value = photo ? "50" : "0";
    this._split();
    this._point(null);
  }

  /** @param {string} name - Of the colour map. */
  colour(name) {
    this._map = name;
    this.colours = colourise(this.depth, name);
    this._drawBeside();
    this.canvas.getContext("2d").putImageData(this.colours, 0, 0);
    const table = colourTable(name);
    const strip = new ImageData(256, 1);
    for (let i = 0; i < 256; i++) {
      strip.data.set([...table.subarray(3 * i, 3 * i + 3), 255], 4 * i);
    }
    $("legend").getContext("2d").putImageData(strip, 0, 0);
  }

  /**
   * Put another depth in the photo's place beside the first; null: the photo again.
   *
   * @param {import("./geometry.js").Depth | null} depth - Of the same photo.
   * @param {string} label
   */
  setBeside(depth, label) {
    this._beside = depth && { depth, label };
    if (depth && $("split").value === "0") $("split").value = "50";
    this._drawBeside();
    this._split();
    this._read();
  }

  /** @returns {Uint8ClampedArray} RGBA of every pixel of the photo. */
  photoColours() {
    const { width, height } = this.depth;
    return this.photo.getContext("2d").getImageData(0, 0, width, height).data;
  }

  /** @returns {Promise<Blob | null>} The coloured depth as PNG. */
  picture() {
    return new Promise((resolve) => this.canvas.toBlob(resolve, "image/png"));
  }

  /**
   * @param {{width: number, height: number}} size
   * @returns {Promise<Blob | null>} The photo, cut to that shape; where it cannot be shown, its depth.
   */
  thumbnail({ width, height }) {
    const from = $("split").value === "0" ? this.canvas : this.photo;
    const scale = Math.max(width / from.width, height / from.height);
    const [w, h] = [from.width * scale, from.height * scale];
    const small = Object.assign(document.createElement("canvas"), { width, height });
    small.getContext("2d").drawImage(from, (width - w) / 2, (height - h) / 2, w, h);
    return new Promise((resolve) => small.toBlob(resolve, "image/jpeg", 0.85));
  }

  /**
   * Write the legend and the cursor's value anew.
   *
   * @param {(value: number) => number} metres - What the network's output is taken for.
   * @param {boolean} [isFitted] - Whether the metres come from what the user knows of the scene.
   */
  explain(metres, isFitted = false) {
    this._metres = metres;
    const { min, max, kind } = this.depth;
    const inMetres = kind === "metric" || kind === "stereo";
    const items = Array.from({ length: TICKS }, (_, i) => {
      const value = min + ((max - min) * i) / (TICKS - 1);
      const item = document.createElement("li");
      item.append(inMetres ? `${digits(metres(value))} m` : digits(value));
      if (!inMetres) {
        const assumed = document.createElement("small");
        assumed.textContent = `~${Number(metres(value).toPrecision(2))} m`;
        item.append(assumed);
      }
      return item;
    });
    $("ticks").replaceChildren(...items);
    $("legend-note").textContent = isFitted ? "Distance in metres, by what you told of the scene." : LEGENDS[kind];
    this._read();
  }

  _drawBeside() {
    const canvas = $("beside-depth");
    if (!canvas) return; // the page of pairs has none
    canvas.hidden = !this._beside;
    if (!this._beside) return;
    const { depth } = this._beside;
    [canvas.width, canvas.height] = [depth.width, depth.height];
    canvas.getContext("2d").putImageData(colourise(depth, this._map), 0, 0);
  }

  _split() {
    const share = $("split").value;
    this.canvas.style.clipPath = `inset(0 0 0 ${share}%)`;
    $("divider").style.left = `${share}%`;
  }

  /** @param {PointerEvent} event */
  _onPointer(event) {
    if (!this.depth) return;
    const box = this.canvas.parentElement.getBoundingClientRect();
    const x = (event.clientX - box.left) / box.width;
    const y = (event.clientY - box.top) / box.height;
    if (this.canvas.hasPointerCapture(event.pointerId)) {
      $("split").value = String(100 * x);
      this._split();
    }
    const inside = (share, length) => Math.min(length - 1, Math.max(0, Math.floor(share * length)));
    this._point([inside(x, this.depth.width), inside(y, this.depth.height)]);
  }

  /** @param {KeyboardEvent} event */
  _onKey(event) {
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const step = steps[event.key];
    if (!step || !this.depth) return;
    event.preventDefault();
    const { width, height } = this.depth;
    const [u, v] = this._cursor ?? [width >> 1, height >> 1];
    const far = event.shiftKey ? 10 : 1;
    const inside = (at, length) => Math.min(length - 1, Math.max(0, at));
    this._point([inside(u + far * step[0], width), inside(v + far * step[1], height)]);
  }

  _point(cursor) {
    this._cursor = cursor;
    $("cross").hidden = !cursor;
    if (cursor) {
      $("cross").style.left = `${(100 * (cursor[0] + 0.5)) / this.depth.width}%`;
      $("cross").style.top = `${(100 * (cursor[1] + 0.5)) / this.depth.height}%`;
    }
    this._read();
    const pixel = cursor && cursor[1] * this.depth.width + cursor[0];
    this.dispatchEvent(new CustomEvent("point", { detail: pixel }));
  }

  _read() {
    if (!this._cursor || !this.depth) {
      $("readout").textContent = "Point at the picture to read its depth.";
      return;
    }
    const [u, v] = this._cursor;
    const pixel = v * this.depth.width + u;
    const value = this.depth.data[pixel];
    const { kind, sky, known } = this.depth;
    const assumed = `${digits(value)}, ${about(this._metres(value))}`;
    const told = {
      metric: `${digits(this._metres(value))} m`,
      stereo: known?.[pixel] ? `${digits(this._metres(value))} m` : "no match",
      up_to_scale: `depth ${assumed}`,
      relative: `inverse depth ${assumed}`,
    }[kind];
    const shown = sky !== null && value >= sky ? "sky" : told;
    const other = this._beside ? `; ${this._beside.label}: ${digits(this._beside.depth.data[pixel])}` : "";
    $("readout").textContent = `column ${u}, row ${v}: ${shown}${other}`;
  }
}
