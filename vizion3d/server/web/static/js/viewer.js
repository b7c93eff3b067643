/** The point cloud in 3D. It draws when something changes, and not otherwise. */

import {
  BufferAttribute,
  BufferGeometry,
  DynamicDrawUsage,
  Group,
  LineBasicMaterial,
  LineSegments,
  Matrix4,
  PerspectiveCamera,
  Points,
  Scene,
  ShaderMaterial,
  Spherical,
  Vector3,
  WebGLRenderer,
} from "../vendor/three-0.185.1/three.module.min.js";
import { OrbitControls } from "../vendor/three-0.185.1/OrbitControls.js";
import { Overlay } from "./overlay.js";
import { pickPoint } from "./pick.js";

// A point covers what its pixel sees of the surface: more the farther it lies, and on the screen
// less the farther the viewer is.
const VERTEX = `
  attribute vec3 tint;
  uniform float footprint;
  varying vec3 colour;
  void main() {
    vec4 seen = modelViewMatrix * vec4(position, 1.0);
    gl_Position = projectionMatrix * seen;
    gl_PointSize = clamp(footprint * position.z / -seen.z, 1.0, 48.0);
    colour = tint;
  }`;
const FRAGMENT = `
  varying vec3 colour;
  void main() {
    vec2 from_centre = gl_PointCoord - 0.5;
    if (dot(from_centre, from_centre) > 0.25) discard;
    gl_FragColor = vec4(colour, 1.0);
  }`;

/** Milliseconds a frame may take while the view moves, before fewer points are drawn. */
const SLOW_MS = 45;
/** Share of a turn's momentum that is left after a sixtieth of a second. */
const MOMENTUM = 0.85;
const FRAME_MS = 1000 / 60;
const PICK_RADIUS_PX = 7;
const MARGIN = 1.06;

export class Viewer extends EventTarget {
  /**
   * Fires `measure` when points are picked: `detail` holds them, none to two of `[x, y, z]`;
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
    this.camera = new PerspectiveCamera();
    this.controls = new OrbitControls(this.camera, canvas);
    this.controls.enableDamping = true;
    this.controls.zoomToCursor = true;
    this.overlay = new Overlay(overlay);
    this.frame = "opencv";
    this.measuring = false;
    /** Points that were picked, as indices. @type {number[]} */
    this._picked = [];
    /** Pixel of the photo that is pointed at, as an index of a point; -1: none. */
    this._marked = -1;
    this._size = 1;
    this._focal = 1;
    this._median = 0;
    this._coarse = 2; // level of detail while moving: 2 all points, 1 a quarter, 0 a sixteenth
    this._build();
    this._listen();
  }

  _build() {
    this.material = new ShaderMaterial({
      vertexShader: VERTEX,
      fragmentShader: FRAGMENT,
      uniforms: { footprint: { value: 1 } },
    });
    this.cloud = new Points(new BufferGeometry(), this.material);
    this.cloud.frustumCulled = false;
    this.frustum = new LineSegments(new BufferGeometry(), new LineBasicMaterial());
    this.frustum.frustumCulled = false;
    // The camera's frame (x right, y down, z forward) in three's (x right, y up, z backward).
    this.world = new Group();
    this.world.rotation.x = Math.PI;
    this.world.add(this.cloud, this.frustum);
    this.world.updateMatrixWorld();
    this.scene = new Scene();
    this.scene.add(this.world);
  }

  _listen() {
    const moved = () => this.invalidate();
    this.controls.addEventListener("change", moved);
    this.controls.addEventListener("start", () => (this._held = true));
    this.controls.addEventListener("end", () => {
      this._held = false;
      this.invalidate();
    });
    new ResizeObserver(() => this._resize()).observe(this.canvas.parentElement);
    let down = null;
    this.canvas.addEventListener("pointerdown", (event) => (down = [event.offsetX, event.offsetY]));
    this.canvas.addEventListener("pointerup", (event) => {
      const still = down && Math.hypot(event.offsetX - down[0], event.offsetY - down[1]) < 4;
      if (this.measuring && still && event.button === 0) this._measureAt(event.offsetX, event.offsetY);
    });
    this.canvas.addEventListener("dblclick", (event) => {
      if (!this.measuring) this._turnAbout(this._pickAt(event.offsetX, event.offsetY));
    });
    this.canvas.addEventListener("keydown", (event) => this._onKey(event));
  }

  /**
   * Show another photo's points; they lie nowhere until {@link place} is called.
   *
   * @param {import("./geometry.js").Samples} samples
   */
  load(samples) {
    this.samples = samples;
    this._resize(); // it may have just appeared
    this.cloud.geometry.dispose();
    const geometry = new BufferGeometry();
    const positions = new BufferAttribute(new Float32Array(3 * samples.count), 3);
    const index = new BufferAttribute(new Uint32Array(samples.count), 1);
    geometry.setAttribute("position", positions.setUsage(DynamicDrawUsage));
    geometry.setIndex(index.setUsage(DynamicDrawUsage));
    geometry.setDrawRange(0, 0);
    this.cloud.geometry = geometry;
    this._median = 0;
    this._marked = -1;
    this.clearMeasure();
  }

  /**
   * Colour the points.
   *
   * @param {Uint8ClampedArray} rgba - Of every pixel, row by row.
   */
  paint(rgba) {
    const tint = new Uint8Array(3 * this.samples.count);
    this.samples.pixel.forEach((pixel, i) => {
      tint[3 * i] = rgba[4 * pixel];
      tint[3 * i + 1] = rgba[4 * pixel + 1];
      tint[3 * i + 2] = rgba[4 * pixel + 2];
    });
    this.cloud.geometry.setAttribute("tint", new BufferAttribute(tint, 3, true));
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
    const { geometry } = this.cloud;
    const { position } = geometry.attributes;
    this.levels = this.samples.place(camera, range, position.array, geometry.index.array);
    position.needsUpdate = true;
    geometry.index.needsUpdate = true;
    this._photoCamera = camera;
    const median = this._medianDepth();
    if (this._median > 0) this._scaleView(median / this._median);
    else this._look(median);
    this._median = median;
    this._drawFrustum(median / 5);
    this._reportMeasure();
    this.invalidate();
    return this.levels[2];
  }

  /** @param {{size: number, frame: "opencv" | "opengl"}} look */
  style({ size, frame }) {
    this._size = size;
    this.frame = frame;
    this.invalidate();
  }

  /** Show where a pixel of the photo lies; null: nowhere. @param {number | null} pixel */
  mark(pixel) {
    this._marked = pixel === null || !this.samples ? -1 : this._pointOf(pixel);
    this.invalidate();
  }

  reset() {
    if (this._median > 0) this._look(this._median);
  }

  clearMeasure() {
    this._picked = [];
    this._reportMeasure();
    this.invalidate();
  }

  /** @returns {Promise<Blob | null>} The view as PNG. */
  picture() {
    this._draw(2);
    return new Promise((resolve) => this.canvas.toBlob(resolve, "image/png"));
  }

  /** Draw with the next frame. */
  invalidate() {
    this._request ??= requestAnimationFrame((now) => this._onFrame(now));
  }

  _onFrame(now) {
    this._request = undefined;
    const took = this._movedAt ? now - this._movedAt : FRAME_MS;
    this.controls.dampingFactor = 1 - MOMENTUM ** (took / FRAME_MS); // as long at any rate
    const moving = this.controls.update() || this._held;
    if (moving && this._movedAt) {
      this._pace = 0.7 * (this._pace ?? FRAME_MS) + 0.3 * took;
      if (this._pace > SLOW_MS && this._coarse > 0) {
        this._coarse -= 1;
        this._pace = undefined;
      }
    } else if (moving) {
      this._coarse = Math.min(2, this._coarse + 1); // the machine may have been busy before
      this._pace = undefined;
    }
    this._movedAt = moving ? now : undefined;
    this._draw(moving ? this._coarse : 2);
    clearTimeout(this._settling);
    if (moving) this._settling = setTimeout(() => this.invalidate(), 120);
  }

  /** @param {number} level - 2 all points, 1 a quarter of them, 0 a sixteenth. */
  _draw(level) {
    if (!this.levels) return;
    const spacing = 2 ** (2 - level) * this.samples.stride;
    this.cloud.geometry.setDrawRange(0, this.levels[level]);
    const screenFocal = (this.renderer.domElement.height / 2) * this.camera.projectionMatrix.elements[5];
    this.material.uniforms.footprint.value =
      (this._size * spacing * screenFocal) / this._photoCamera.fx;
    this.frustum.material.color.set(getComputedStyle(this.canvas).color);
    // From where the photo was taken, its camera would only be in the way.
    this.frustum.visible = this.camera.position.length() > this._median / 2;
    this.renderer.render(this.scene, this.camera);
    this.overlay.draw(this.camera, this.frame, {
      picked: this._picked.map((i) => this._worldOf(i)),
      marked: this._marked < 0 ? null : this._worldOf(this._marked),
    });
  }

  _resize() {
    const { clientWidth, clientHeight } = this.canvas.parentElement;
    if (!clientWidth || !clientHeight) return;
    this.renderer.setSize(clientWidth, clientHeight, false);
    this.camera.aspect = clientWidth / clientHeight;
    this.camera.updateProjectionMatrix();
    this.overlay.resize(clientWidth, clientHeight);
    this.invalidate();
  }

  /** Look from a little beside the photo's own camera, so that the whole photo is seen. */
  _look(median) {
    const { width, height } = this.samples.depth;
    const { fx, fy } = this._photoCamera;
    this._halt();
    const tangent = Math.max(height / fy, width / fx / this.camera.aspect) / 2;
    this.camera.fov = Math.min(90, (Math.atan(tangent * MARGIN) * 360) / Math.PI);
    this.controls.target.set(0, 0, -median);
    const back = (tangent * MARGIN) / Math.tan((this.camera.fov * Math.PI) / 360);
    const offset = new Spherical(median * back, Math.PI / 2 - 0.08, -0.14);
    this.camera.position.setFromSpherical(offset).add(this.controls.target);
    this._clip(median);
    this.controls.update();
    this.invalidate();
  }

  /** Take the momentum out of a turn. */
  _halt() {
    this.controls.enableDamping = false;
    this.controls.update();
    this.controls.enableDamping = true;
  }

  _scaleView(factor) {
    this.camera.position.multiplyScalar(factor);
    this.controls.target.multiplyScalar(factor);
    this._clip(this._median * factor);
    this.controls.update();
  }

  _clip(median) {
    this.camera.near = median / 200;
    this.camera.far = median * 400;
    this.camera.updateProjectionMatrix();
  }

  _medianDepth() {
    const { position } = this.cloud.geometry.attributes;
    const some = this.cloud.geometry.index.array.subarray(0, this.levels[0] || this.levels[2]);
    const depths = Float32Array.from(some, (i) => position.array[3 * i + 2]).sort();
    return depths.length ? depths[depths.length >> 1] : this._median || 1;
  }

  _drawFrustum(depth) {
    const { width, height } = this.samples.depth;
    const { fx, fy, cx, cy } = this._photoCamera;
    const corner = (u, v) => new Vector3((u - cx) / fx, (v - cy) / fy, 1).multiplyScalar(depth);
    const corners = [corner(0, 0), corner(width, 0), corner(width, height), corner(0, height)];
    const origin = new Vector3();
    const lines = corners.flatMap((from, i) => [origin, from, from, corners[(i + 1) % 4]]);
    this.frustum.geometry.dispose();
    this.frustum.geometry = new BufferGeometry().setFromPoints(lines);
  }

  _pointOf(pixel) {
    const { stride, depth } = this.samples;
    const near = (at) => Math.floor(at / stride) * stride;
    const wanted = near(Math.floor(pixel / depth.width)) * depth.width + near(pixel % depth.width);
    return this.samples.pixel.indexOf(wanted);
  }

  _pickAt(x, y) {
    if (!this.levels) return -1;
    const { geometry } = this.cloud;
    this.camera.updateMatrixWorld();
    const toScreen = new Matrix4()
      .multiplyMatrices(this.camera.projectionMatrix, this.camera.matrixWorldInverse)
      .multiply(this.world.matrixWorld);
    const { clientWidth, clientHeight } = this.canvas;
    return pickPoint(geometry.attributes.position.array, geometry.index.array, this.levels[2], {
      matrix: toScreen.elements,
      x: (2 * x) / clientWidth - 1,
      y: 1 - (2 * y) / clientHeight,
      radiusX: (2 * PICK_RADIUS_PX) / clientWidth,
      radiusY: (2 * PICK_RADIUS_PX) / clientHeight,
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
    const detail = this._picked.map((i) => {
      const [x, y, z] = this._cameraPoint(i);
      return [x, turn * y, turn * z];
    });
    this.dispatchEvent(new CustomEvent("measure", { detail }));
  }

  _turnAbout(point) {
    if (point < 0) return;
    this.controls.target.copy(this._worldOf(point));
    this.invalidate();
  }

  _cameraPoint(i) {
    return this.cloud.geometry.attributes.position.array.subarray(3 * i, 3 * i + 3);
  }

  _worldOf(i) {
    const [x, y, z] = this._cameraPoint(i);
    return new Vector3(x, -y, -z);
  }

  /** @param {KeyboardEvent} event */
  _onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { clientWidth, clientHeight } = this.canvas;
    const actions = {
      ArrowLeft: () => this._orbit(-0.08, 0),
      ArrowRight: () => this._orbit(0.08, 0),
      ArrowUp: () => this._orbit(0, -0.08),
      ArrowDown: () => this._orbit(0, 0.08),
      "+": () => this._zoom(0.9),
      "=": () => this._zoom(0.9),
      "-": () => this._zoom(1 / 0.9),
      r: () => this.reset(),
      m: () => this.dispatchEvent(new Event("toggle-measure")),
      Enter: () => this.measuring && this._measureAt(clientWidth / 2, clientHeight / 2),
    };
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  }

  _orbit(right, down) {
    const offset = this.camera.position.clone().sub(this.controls.target);
    const spherical = new Spherical().setFromVector3(offset);
    spherical.theta += right;
    spherical.phi += down;
    this._stand(offset.setFromSpherical(spherical.makeSafe()));
  }

  _zoom(factor) {
    this._stand(this.camera.position.clone().sub(this.controls.target).multiplyScalar(factor));
  }

  _stand(offset) {
    this.camera.position.copy(this.controls.target).add(offset);
    this.controls.update();
    this.invalidate();
  }
}
