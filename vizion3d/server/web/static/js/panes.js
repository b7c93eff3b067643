/** One view, or two beside each other that the same camera looks at. */

import { Scene } from "../vendor/three-0.185.1/three.module.min.js";
import { Cloud } from "./cloud.js";

export class Panes {
  /** @param {Cloud} cloud - Of the first pane. */
  constructor(cloud) {
    this._first = { cloud, scene: sceneOf(cloud) };
    /** @type {{cloud: Cloud, scene: Scene} | null} */
    this._second = null;
  }

  /** The second pane's cloud. @returns {Cloud | null} */
  get beside() {
    return this._second?.cloud ?? null;
  }

  /** How many there are. */
  get count() {
    return this._second ? 2 : 1;
  }

  /** Show a second pane, or none. @param {import("./geometry.js").Samples | null} samples */
  set(samples) {
    this._second?.cloud.points.geometry.dispose();
    this._second = null;
    if (!samples) return;
    const cloud = new Cloud();
    cloud.load(samples);
    this._second = { cloud, scene: sceneOf(cloud) };
  }

  /**
   * @param {import("../vendor/three-0.185.1/three.module.min.js").WebGLRenderer} renderer
   * @param {import("../vendor/three-0.185.1/three.module.min.js").Camera} camera
   * @param {{width: number, height: number}} size - Of the whole view, in CSS pixels.
   */
  draw(renderer, camera, { width, height }) {
    const wide = width / this.count;
    renderer.setScissorTest(this.count > 1);
    for (const [i, pane] of [this._first, this._second].entries()) {
      if (!pane?.cloud.isPlaced) continue;
      renderer.setViewport(i * wide, 0, wide, height);
      renderer.setScissor(i * wide, 0, wide, height);
      renderer.render(pane.scene, camera);
    }
  }
}

/** @param {Cloud} cloud */
function sceneOf(cloud) {
  const scene = new Scene();
  scene.add(cloud.world);
  return scene;
}
