/** The point cloud in 3D. It draws when something changes, and not otherwise. */

import { Matrix4, WebGLRenderer } from "../vendor/three-0.185.1/three.module.min.js";
import { ALL, Cloud } from "./cloud.js";
import { Orbit } from "./orbit.js";
import { Overlay } from "./overlay.js";
import { Pace } from "./pace.js";
import { Panes } from "./panes.js";
import { pickPoint } from "./pick.js";

const PICK_RADIUS_PX = 7;
/** How far a pointer may wander between press and release of a click. */
const STILL_PX = 4;
/** How long after the last movement the view is drawn in full. */
const SETTLE_MS = 120;

export class Viewer extends EventTarget {
  /**
   * Fires `measure` when points are picked: `detail` holds none to two `points`, `[x, y, z]`, and
   * their `pixels`, `[column, row]`;
   * `miss` where no point was, and `toggle-measure` when the key for it is pressed.
   *
   * @param {HTMLCanvasElement} canvas
   * @param {SVGSVGElement} overlay
   * @throws {Error} The browser has no WebGL.
   */
  constructor(canvas, overlay) {
    super();
    this.canvas = canvas;
    this.renderer = new WebGLRenderer({ canvas, antialias: false, alpha: true });
    this.renderer.outputColorSpace = "srgb-linear"; // colours pass through as they are
    this.renderer.setPixelRatio(Math.min(devicePixelRatio, 2));
    this.orbit = new Orbit(canvas);
    this.overlay = new Overlay(overlay);
    this.cloud = new Cloud();
    this.panes = new Panes(this.cloud);
    /** Axes that points are told in. @type {"opencv" | "opengl"} */
    this.frame = "opencv";
    this.measuring = false;
    /** Points that were picked, as indices. @type {number[]} */
    this._picked = [];
    /** Pixel of the photo that is pointed at, as an index of a point; -1: none. */
    this._marked = -1;
    this._pace = new Pace();
    this._size = { width: 1, height: 1 };
    this._listen();
  }

  get camera() {
    return this.orbit.camera;
  }

  get samples() {
    return this.cloud.samples;
  }

  _listen() {
    this.orbit.addEventListener("change", () => this.invalidate());
    new ResizeObserver(() => this._resize()).observe(this.canvas.parentElement);
    let down = null;
    this.canvas.addEventListener("pointerdown", (event) => (down = [event.offsetX, event.offsetY]));
    this.canvas.addEventListener("pointerup", (event) => {
      const still =
        down && Math.hypot(event.offsetX - down[0], event.offsetY - down[1]) < STILL_PX;
      if (this.measuring && still && event.button === 0) this._measureAt(event.offsetX, event.offsetY);
    });
    this.canvas.addEventListener("dblclick", (event) => {
      if (this.measuring) return;
      const point = this._pickAt(event.offsetX, event.offsetY);
      if (point >= 0) this.orbit.turnAbout(this.cloud.worldPoint(point));
    });
    this.canvas.addEventListener("keydown", (event) => this._onKey(event));
  }

  /**
   * Show another photo's points; they lie nowhere until {@link place} is called.
   *
   * @param {import("./geometry.js").Samples} samples
   */
  load(samples) {
    this._resize(); // it may have just appeared
    this.cloud.load(samples);
    this.orbit.median = 0;
    this._marked = -1;
    this.clearMeasure();
  }

  /**
   * Show another cloud beside the first, from the same place; null: the first alone.
   *
   * @param {import("./geometry.js").Samples | null} samples - It appears when it is coloured and placed.
   */
  setBeside(samples) {
    const before = this.panes.count;
    this.panes.set(samples);
    this._resize();
    if (this.panes.count !== before) this.reset(); // so that the whole photo is in each
  }

  /** Colour the second cloud. @param {Uint8ClampedArray} rgba - Of every pixel, row by row. */
  paintBeside(rgba) {
    this.panes.beside?.paint(rgba);
    this.invalidate();
  }

  /**
   * Colour the points.
   *
   * @param {Uint8ClampedArray} rgba - Of every pixel, row by row.
   */
  paint(rgba) {
    this.cloud.paint(rgba);
    this.invalidate();
  }

  /**
   * Place the points by intrinsics and range. The view keeps its place relative to the cloud.
   *
   * @param {import("./geometry.js").Camera} camera
   * @param {import("./geometry.js").Range} range
   * @returns {number} How many points are shown.
   */
  place(camera, range) {
    const count = this.cloud.place(camera, range);
    const median = this.cloud.medianDepth(this.orbit.median || 1);
    if (this.orbit.median > 0) this.orbit.follow(median);
    else this.orbit.look(camera, this.samples.depth, median);
    this.cloud.drawFrustum(median / 5);
    this.panes.beside?.place(camera, range);
    this.panes.beside?.drawFrustum(median / 5);
    this._reportMeasure();
    this.invalidate();
    return count;
  }

  /** @param {{size: number, frame: "opencv" | "opengl"}} look */
  style({ size, frame }) {
    this.cloud.size = size;
    this.frame = frame;
    this.invalidate();
  }

  /** Show where a pixel of the photo lies; null: nowhere. @param {number | null} pixel */
  mark(pixel) {
    this._marked = pixel === null || !this.samples ? -1 : this.cloud.pointOf(pixel);
    this.invalidate();
  }

  reset() {
    const { median } = this.orbit;
    if (median > 0) this.orbit.look(this.cloud.camera, this.samples.depth, median);
    this.invalidate();
  }

  clearMeasure() {
    this._picked = [];
    this._reportMeasure();
    this.invalidate();
  }

  /** @returns {Promise<Blob | null>} The view as PNG. */
  picture() {
    this._draw(ALL);
    return new Promise((resolve) => this.canvas.toBlob(resolve, "image/png"));
  }

  /** Draw with the next frame. */
  invalidate() {
    this._request ??= requestAnimationFrame((now) => this._onFrame(now));
  }

  _onFrame(now) {
    this._request = undefined;
    const moving = this.orbit.update(this._pace.since(now));
    this._draw(this._pace.levelOf(now, moving));
    clearTimeout(this._settling);
    if (moving) this._settling = setTimeout(() => this.invalidate(), SETTLE_MS);
  }

  /** @param {number} level - Of detail. */
  _draw(level) {
    if (!this.cloud.isPlaced) return;
    const { cloud, camera } = this;
    const screenFocal = (this.renderer.domElement.height / 2) * camera.projectionMatrix.elements[5];
    for (const each of [cloud, this.panes.beside]) {
      if (!each?.isPlaced) continue;
      each.size = cloud.size;
      each.detail(level, screenFocal);
      each.frustum.material.color.set(getComputedStyle(this.canvas).color);
      // From where the photo was taken, its camera would only be in the way.
      each.frustum.visible = !this.orbit.isAtPhoto;
    }
    this.panes.draw(this.renderer, camera, this._size);
    this.overlay.draw(camera, this.frame, {
      picked: this._picked.map((i) => cloud.worldPoint(i)),
      marked: this._marked < 0 ? null : cloud.worldPoint(this._marked),
    });
  }

  _resize() {
    const { clientWidth, clientHeight } = this.canvas.parentElement;
    if (!clientWidth || !clientHeight) return;
    this._size = { width: clientWidth, height: clientHeight };
    this.renderer.setSize(clientWidth, clientHeight, false);
    this.orbit.resize(this._paneWidth / clientHeight);
    this.overlay.resize(this._paneWidth, clientHeight);
    this.invalidate();
  }

  /** Of the first cloud's part of the view, in CSS pixels. */
  get _paneWidth() {
    return this._size.width / this.panes.count;
  }

  _pickAt(x, y) {
    if (!this.cloud.isPlaced) return -1;
    const { camera, cloud } = this;
    camera.updateMatrixWorld();
    const toScreen = new Matrix4()
      .multiplyMatrices(camera.projectionMatrix, camera.matrixWorldInverse)
      .multiply(cloud.world.matrixWorld);
    const [width, height] = [this._paneWidth, this.canvas.clientHeight];
    if (x > width) return -1; // distances are the first cloud's
    return pickPoint(cloud.positions, cloud.shown, cloud.shown.length, {
      matrix: toScreen.elements,
      x: (2 * x) / width - 1,
      y: 1 - (2 * y) / height,
      radiusX: (2 * PICK_RADIUS_PX) / width,
      radiusY: (2 * PICK_RADIUS_PX) / height,
    });
  }

  _measureAt(x, y) {
    const point = this._pickAt(x, y);
    if (point < 0) {
      this.dispatchEvent(new Event("miss"));
      return;
    }
    this._picked = this._picked.length === 2 ? [point] : [...this._picked, point];
    this._reportMeasure();
    this.invalidate();
  }

  _reportMeasure() {
    const turn = this.frame === "opengl" ? -1 : 1;
    const points = this._picked.map((i) => {
      const [x, y, z] = this.cloud.cameraPoint(i);
      return [x, turn * y, turn * z];
    });
    const pixels = this._picked.map((i) => {
      const { pixel, depth } = this.samples;
      return [pixel[i] % depth.width, Math.floor(pixel[i] / depth.width)];
    });
    this.dispatchEvent(new CustomEvent("measure", { detail: { points, pixels } }));
  }

  /** @param {KeyboardEvent} event */
  _onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { clientHeight } = this.canvas;
    const actions = {
      ArrowLeft: () => this.orbit.turn(-0.08, 0),
      ArrowRight: () => this.orbit.turn(0.08, 0),
      ArrowUp: () => this.orbit.turn(0, -0.08),
      ArrowDown: () => this.orbit.turn(0, 0.08),
      "+": () => this.orbit.zoom(0.9),
      "=": () => this.orbit.zoom(0.9),
      "-": () => this.orbit.zoom(1 / 0.9),
      r: () => this.reset(),
      m: () => this.dispatchEvent(new Event("toggle-measure")),
      Enter: () => this.measuring && this._measureAt(this._paneWidth / 2, clientHeight / 2),
    };
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  }
}
