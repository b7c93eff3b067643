/** How many points are drawn while the view moves: fewer where frames take too long. */

import { ALL } from "./cloud.js";
import { FRAME_MS } from "./orbit.js";

/** Milliseconds a frame may take while the view moves, before fewer points are drawn. */
const SLOW_MS = 45;

export class Pace {
  constructor() {
    /** Level of detail while the view moves. */
    this._level = ALL;
    /** Mean time of the last frames, in ms. @type {number | undefined} */
    this._meanMs = undefined;
    /** When the last frame of a movement was. @type {number | undefined} */
    this._movedAt = undefined;
  }

  /** Milliseconds since the last frame of this movement. @param {number} now */
  since(now) {
    return this._movedAt ? now - this._movedAt : FRAME_MS;
  }

  /**
   * The level of detail of a frame.
   *
   * @param {number} now
   * @param {boolean} moving
   * @returns {number}
   */
  levelOf(now, moving) {
    const tookMs = this.since(now);
    if (moving && this._movedAt) {
      this._meanMs = 0.7 * (this._meanMs ?? FRAME_MS) + 0.3 * tookMs;
      if (this._meanMs > SLOW_MS && this._level > 0) {
        this._level -= 1;
        this._meanMs = undefined;
      }
    } else if (moving) {
      this._level = Math.min(ALL, this._level + 1); // the machine may have been busy before
      this._meanMs = undefined;
    }
    this._movedAt = moving ? now : undefined;
    return moving ? this._level : ALL;
  }
}
