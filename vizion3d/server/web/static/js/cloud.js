/** The points and the photo's camera, as three.js draws them. */

import {
  BufferAttribute,
  BufferGeometry,
  DynamicDrawUsage,
  Group,
  LineBasicMaterial,
  LineSegments,
  Points,
  ShaderMaterial,
  Vector3,
} from "../vendor/three-0.185.1/three.module.min.js";

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

/** Level of detail: 2 all points, 1 a quarter of them, 0 a sixteenth. */
export const ALL = 2;

export class Cloud {
  constructor() {
    this.material = new ShaderMaterial({
      vertexShader: VERTEX,
      fragmentShader: FRAGMENT,
      uniforms: { footprint: { value: 1 } },
    });
    this.points = new Points(new BufferGeometry(), this.material);
    this.points.frustumCulled = false;
    this.frustum = new LineSegments(new BufferGeometry(), new LineBasicMaterial());
    this.frustum.frustumCulled = false;
    // The camera's frame (x right, y down, z forward) in three's (x right, y up, z backward).
    this.world = new Group();
    this.world.rotation.x = Math.PI;
    this.world.add(this.points, this.frustum);
    this.world.updateMatrixWorld();
    /** Size of the points, relative to what their pixels see. */
    this.size = 1;
  }

  /** Whether there is anything to draw. */
  get isPlaced() {
    return this.levels !== undefined;
  }

  /** x, y, z of every point in the camera's frame. @returns {Float32Array} */
  get positions() {
    return /** @type {Float32Array} */ (this.points.geometry.attributes.position.array);
  }

  /** The points that are shown, coarser levels first. @returns {Uint32Array} */
  get shown() {
    const index = /** @type {Uint32Array} */ (this.points.geometry.index.array);
    return index.subarray(0, this.levels[ALL]);
  }

  /**
   * Another photo's points; they lie nowhere until {@link place} is called.
   *
   * @param {import("./geometry.js").Samples} samples
   */
  load(samples) {
    this.samples = samples;
    this.points.geometry.dispose();
    const geometry = new BufferGeometry();
    const positions = new BufferAttribute(new Float32Array(3 * samples.count), 3);
    const index = new BufferAttribute(new Uint32Array(samples.count), 1);
    geometry.setAttribute("position", positions.setUsage(DynamicDrawUsage));
    geometry.setIndex(index.setUsage(DynamicDrawUsage));
    geometry.setDrawRange(0, 0);
    this.points.geometry = geometry;
  }

  /** @param {Uint8ClampedArray} rgba - Of every pixel of the photo, row by row. */
  paint(rgba) {
    const tint = new Uint8Array(3 * this.samples.count);
    this.samples.pixel.forEach((pixel, i) => {
      tint[3 * i] = rgba[4 * pixel];
      tint[3 * i + 1] = rgba[4 * pixel + 1];
      tint[3 * i + 2] = rgba[4 * pixel + 2];
    });
    this.points.geometry.setAttribute("tint", new BufferAttribute(tint, 3, true));
  }

  /**
   * Place the points by intrinsics and range.
   *
   * @param {import("./geometry.js").Camera} camera
   * @param {import("./geometry.js").Range} range
   * @returns {number} How many points are shown.
   */
  place(camera, range) {
    const { geometry } = this.points;
    const { position } = geometry.attributes;
    const index = /** @type {Uint32Array} */ (geometry.index.array);
    this.levels = this.samples.place(camera, range, this.positions, index);
    position.needsUpdate = true;
    geometry.index.needsUpdate = true;
    this.camera = camera;
    return this.levels[ALL];
  }

  /** @param {number} otherwise - What to take where no point is shown. */
  medianDepth(otherwise) {
    const { positions } = this;
    const some = this.shown.subarray(0, this.levels[0] || undefined);
    const depths = Float32Array.from(some, (i) => positions[3 * i + 2]).sort();
    return depths.length ? depths[depths.length >> 1] : otherwise;
  }

  /** Draw the photo's camera. @param {number} depth - Distance of the picture in it. */
  drawFrustum(depth) {
    const { width, height } = this.samples.depth;
    const { fx, fy, cx, cy } = this.camera;
    const corner = (u, v) => new Vector3((u - cx) / fx, (v - cy) / fy, 1).multiplyScalar(depth);
    const corners = [corner(0, 0), corner(width, 0), corner(width, height), corner(0, height)];
    const origin = new Vector3();
    const lines = corners.flatMap((from, i) => [origin, from, from, corners[(i + 1) % 4]]);
    this.frustum.geometry.dispose();
    this.frustum.geometry = new BufferGeometry().setFromPoints(lines);
  }

  /**
   * Choose how many points are drawn, and how large.
   *
   * @param {number} level - See {@link ALL}.
   * @param {number} screenFocal - Focal length of the view, in pixels of the screen.
   */
  detail(level, screenFocal) {
    const spacing = 2 ** (ALL - level) * this.samples.stride;
    this.points.geometry.setDrawRange(0, this.levels[level]);
    this.material.uniforms.footprint.value = (this.size * spacing * screenFocal) / this.camera.fx;
  }

  /** The point that stands for a pixel; -1: none. @param {number} pixel */
  pointOf(pixel) {
    const { stride, depth } = this.samples;
    const near = (at) => Math.floor(at / stride) * stride;
    const wanted = near(Math.floor(pixel / depth.width)) * depth.width + near(pixel % depth.width);
    return this.samples.pixel.indexOf(wanted);
  }

  /** In the camera's frame. @param {number} i */
  cameraPoint(i) {
    return this.positions.subarray(3 * i, 3 * i + 3);
  }

  /** In three's frame. @param {number} i */
  worldPoint(i) {
    const [x, y, z] = this.cameraPoint(i);
    return new Vector3(x, -y, -z);
  }
}
