/** Where the cloud is looked at from: turning, zooming, moving, by pointer and by keys. */

import {
  PerspectiveCamera,
  Spherical,
} from "../vendor/three-0.185.1/three.module.min.js";
import { OrbitControls } from "../vendor/three-0.185.1/OrbitControls.js";

/** Share of a turn's momentum that is left after a sixtieth of a second. */
const MOMENTUM = 0.85;
export const FRAME_MS = 1000 / 60;
const MARGIN = 1.06;

export class Orbit extends EventTarget {
  /** Fires `change` when the view has moved or is to move on. @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    super();
    this.camera = new PerspectiveCamera();
    this.controls = new OrbitControls(this.camera, canvas);
    this.controls.enableDamping = true;
    this.controls.zoomToCursor = true;
    /** Median depth of the cloud that is looked at; 0: none yet. */
    this.median = 0;
    this._held = false;
    const changed = () => this.dispatchEvent(new Event("change"));
    this.controls.addEventListener("change", changed);
    this.controls.addEventListener("start", () => (this._held = true));
    this.controls.addEventListener("end", () => {
      this._held = false;
      changed();
    });
  }

  /** Whether this is where the photo was taken from, or close to it. */
  get isAtPhoto() {
    return this.camera.position.length() <= this.median / 2;
  }

  /** Move on. @param {number} tookMs - Since the last frame. @returns {boolean} Whether it moves. */
  update(tookMs) {
    this.controls.dampingFactor = 1 - MOMENTUM ** (tookMs / FRAME_MS); // as long at any rate
    return this.controls.update() || this._held;
  }

  /** @param {number} aspect - Width of the view by its height. */
  resize(aspect) {
    this.camera.aspect = aspect;
    this.camera.updateProjectionMatrix();
  }

  /**
   * Look from a little beside the photo's own camera, so that the whole photo is seen.
   *
   * @param {import("./geometry.js").Camera} photoCamera
   * @param {{width: number, height: number}} photo
   * @param {number} median - Median depth of the points.
   */
  look({ fx, fy }, { width, height }, median) {
    this._halt();
    const tangent = Math.max(height / fy, width / fx / this.camera.aspect) / 2;
    this.camera.fov = Math.min(90, (Math.atan(tangent * MARGIN) * 360) / Math.PI);
    this.controls.target.set(0, 0, -median);
    const back = (tangent * MARGIN) / Math.tan((this.camera.fov * Math.PI) / 360);
    const offset = new Spherical(median * back, Math.PI / 2 - 0.08, -0.14);
    this.camera.position.setFromSpherical(offset).add(this.controls.target);
    this._settle(median);
  }

  /** Keep the view's place relative to points that were moved. @param {number} median */
  follow(median) {
    const factor = median / this.median;
    this.camera.position.multiplyScalar(factor);
    this.controls.target.multiplyScalar(factor);
    this._settle(median);
  }

  /** @param {import("../vendor/three-0.185.1/three.module.min.js").Vector3} point */
  turnAbout(point) {
    this.controls.target.copy(point);
    this.dispatchEvent(new Event("change"));
  }

  /** Turn by angles in radians. @param {number} right @param {number} down */
  turn(right, down) {
    const offset = this.camera.position.clone().sub(this.controls.target);
    const spherical = new Spherical().setFromVector3(offset);
    spherical.theta += right;
    spherical.phi += down;
    this._stand(offset.setFromSpherical(spherical.makeSafe()));
  }

  /** @param {number} factor - Of the distance. */
  zoom(factor) {
    this._stand(this.camera.position.clone().sub(this.controls.target).multiplyScalar(factor));
  }

  _stand(offset) {
    this.camera.position.copy(this.controls.target).add(offset);
    this.controls.update();
    this.dispatchEvent(new Event("change"));
  }

  /** Take the momentum out of a turn. */
  _halt() {
    this.controls.enableDamping = false;
    this.controls.update();
    this.controls.enableDamping = true;
  }

  _settle(median) {
    this.median = median;
    this.camera.near = median / 200;
    this.camera.far = median * 400;
    this.camera.updateProjectionMatrix();
    this.controls.update();
  }
}
