/**
 * The frontmost point near a place on the screen.
 *
 * @param {Float32Array} positions - x, y, z of every point.
 * @param {Uint32Array} index - The points that are shown.
 * @param {number} count - How many.
 * @param {{matrix: ArrayLike<number>, x: number, y: number, radiusX: number, radiusY: number}} where
 *   `matrix`: from positions to clip space, column-major; the rest in normalised device coordinates.
 * @returns {number} Which point; -1: none is near.
 */
export function pickPoint(positions, index, count, { matrix: m, x, y, radiusX, radiusY }) {
  let best = -1;
  let nearest = Infinity;
  for (let k = 0; k < count; k++) {
    const i = index[k];
    const px = positions[3 * i];
    const py = positions[3 * i + 1];
    const pz = positions[3 * i + 2];
    const w = m[3] * px + m[7] * py + m[11] * pz + m[15];
    if (w <= 0 || w >= nearest) continue;
    const dx = (m[0] * px + m[4] * py + m[8] * pz + m[12]) / w - x;
    const dy = (m[1] * px + m[5] * py + m[9] * pz + m[13]) / w - y;
    if ((dx / radiusX) ** 2 + (dy / radiusY) ** 2 > 1) continue;
    nearest = w;
    best = i;
  }
  return best;
}
