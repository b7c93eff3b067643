/** What is drawn over the 3D view: the axes, the measured points, the marked point. */

import { Vector3 } from "../vendor/three-0.185.1/three.module.min.js";

const SVG = "http://www.w3.org/2000/svg";
const AXIS_PX = 30;
const CORNER_PX = 52;
const COMPASS_PX = 44;
/** Axes of each frame in three's (x right, y up, z backward). */
const AXES = {
  opencv: { x: [1, 0, 0], y: [0, -1, 0], z: [0, 0, -1] },
  opengl: { x: [1, 0, 0], y: [0, 1, 0], z: [0, 0, 1] },
};

export class Overlay {
  /** @param {SVGSVGElement} svg */
  constructor(svg) {
    this.svg = svg;
    this.compass = this._add("circle", "compass");
    this.compass.setAttribute("r", String(COMPASS_PX));
    this.axes = ["x", "y", "z"].map((name) => {
      const line = this._add("line", `axis ${name}`);
      const label = this._add("text", `axis ${name}`);
      label.textContent = name;
      return { name, line, label };
    });
    this.span = this._add("line", "span");
    this.dots = [this._add("circle", "dot"), this._add("circle", "dot")];
    this.marked = this._add("circle", "marked");
    for (const dot of [...this.dots, this.marked]) dot.setAttribute("r", "5");
  }

  resize(width, height) {
    this.width = width;
    this.height = height;
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  }

  /**
   * @param {import("../vendor/three-0.185.1/three.module.min.js").PerspectiveCamera} camera
   * @param {"opencv" | "opengl"} frame
   * @param {{picked: Vector3[], marked: Vector3 | null}} points
   */
  draw(camera, frame, { picked, marked }) {
    place(this.compass, "cx", CORNER_PX, "cy", this.height - CORNER_PX);
    for (const { name, line, label } of this.axes) {
      const seen = new Vector3(...AXES[frame][name]).transformDirection(camera.matrixWorldInverse);
      const [x, y] = [CORNER_PX, this.height - CORNER_PX];
      const end = (length) => [x + seen.x * length, y - seen.y * length];
      place(line, "x1", x, "y1", y);
      place(line, "x2", end(AXIS_PX)[0], "y2", end(AXIS_PX)[1]);
      place(label, "x", end(AXIS_PX + 9)[0], "y", end(AXIS_PX + 9)[1]);
    }
    const spots = picked.map((point) => this._toScreen(point, camera));
    this.dots.forEach((dot, i) => show(dot, spots[i]));
    this.span.toggleAttribute("hidden", spots.length < 2);
    if (spots.length === 2) {
      place(this.span, "x1", spots[0].x, "y1", spots[0].y);
      place(this.span, "x2", spots[1].x, "y2", spots[1].y);
    }
    show(this.marked, marked && this._toScreen(marked, camera));
  }

  _toScreen(point, camera) {
    const { x, y } = point.clone().project(camera);
    return { x: ((x + 1) / 2) * this.width, y: ((1 - y) / 2) * this.height };
  }

  _add(kind, className) {
    const element = document.createElementNS(SVG, kind);
    element.setAttribute("class", className);
    this.svg.append(element);
    return element;
  }
}

function show(circle, spot) {
  circle.toggleAttribute("hidden", !spot);
  if (spot) place(circle, "cx", spot.x, "cy", spot.y);
}

function place(element, nameX, x, nameY, y) {
  element.setAttribute(nameX, x.toFixed(1));
  element.setAttribute(nameY, y.toFixed(1));
}
