/** True metres: a distance that the user knows between picked points, and how well the fit holds. */

import { digits } from "./depth_view.js";
import { $ } from "./dom.js";
import { isEmpty, nothing } from "./known_fields.js";

/**
 * @typedef {{space: string, inliers: number, known: number, assumed: string[], bounded: boolean,
 *   residuals: {median_m: number, median_percent: number}}} Alignment - As the server tells it.
 */

export class KnownPanel extends EventTarget {
  /** Fires `change` when something is added or removed. */
  constructor() {
    super();
    /** @type {import("./known_fields.js").Known} */
    this.known = nothing();
    /** Pixels that are picked, as `[column, row]`. @type {[number, number][]} */
    this._picked = [];
    $("known").addEventListener("submit", (event) => {
      event.preventDefault();
      this._add(Number($("known-metres").value));
    });
  }

  /** Another photo is given: nothing is known of it. */
  clear() {
    this.known = nothing();
    this._show();
  }

  /** @param {import("./known_fields.js").Known} known - Of a photo that was shown before. */
  restore(known) {
    this.known = known;
    this._show();
  }

  /** Offer to tell the distance of what is picked. @param {[number, number][]} pixels */
  offer(pixels) {
    this._picked = pixels;
    $("known").hidden = pixels.length === 0;
    $("known-label").textContent =
      pixels.length === 2 ? "Its true length" : "Its true distance from the camera";
  }

  /** Say how well the fit holds; null: there is none. @param {Alignment | null} alignment */
  tell(alignment) {
    $("known-note").hidden = !alignment;
    if (alignment) $("known-note").textContent = describeFit(alignment);
  }

  _add(metres) {
    const [from, to] = this._picked;
    if (!from || !(metres > 0)) return;
    if (to) this.known.distances.push([...from, ...to, metres]);
    else this.known.points.push([...from, metres]);
    $("known-metres").value = "";
    this.offer([]);
    this._changed();
  }

  _changed() {
    this._show();
    this.dispatchEvent(new Event("change"));
  }

  _show() {
    const { points, distances } = this.known;
    const rows = [
      ...points.map((row, i) => ({ text: `${digits(row[2])} m away`, forget: () => points.splice(i, 1) })),
      ...distances.map((row, i) => ({ text: `${digits(row[4])} m long`, forget: () => distances.splice(i, 1) })),
    ];
    $("known-list").hidden = isEmpty(this.known);
    $("known-list").replaceChildren(
      ...rows.map(({ text, forget }) => {
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = `${text} ✕`;
        button.setAttribute("aria-label", `Forget: ${text}`);
        button.addEventListener("click", () => {
          forget();
          this._changed();
        });
        return button;
      }),
    );
    if (isEmpty(this.known)) this.tell(null);
  }
}

/** @param {Alignment} alignment */
function describeFit({ inliers, known, assumed, bounded, residuals }) {
  const holds =
    known === 1
      ? "One value is known, so nothing checks the fit."
      : `${inliers} of ${known} known values fit, typically within ${Number(residuals.median_m.toPrecision(2))} m ` +
        `(${Number(residuals.median_percent.toPrecision(2))} %).`;
  const shift = assumed.length ? " Tell a distance at another depth, too: one value fixes the scale only." : "";
  const limit = bounded ? " The farthest pixels are held at the limit: check the values." : "";
  return `True metres. ${holds}${shift}${limit}`;
}
