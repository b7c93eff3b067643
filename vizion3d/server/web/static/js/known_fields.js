/**
 * What is known of a scene in metres, as each entry point writes it.
 *
 * @typedef {[number, number, number]} Point - Column, row, metres along the optical axis.
 * @typedef {[number, number, number, number, number]} Length - Two pixels, metres between them.
 * @typedef {{points: Point[], distances: Length[]}} Known
 */

/** @returns {Known} */
export const nothing = () => ({ points: [], distances: [] });

/** @param {Known} known */
export const isEmpty = ({ points, distances }) => points.length + distances.length === 0;

/** Fields of the REST API. @param {Known} known @returns {Record<string, string>} */
export function knownFields({ points, distances }) {
  return {
    ...(points.length && { points: rows(points) }),
    ...(distances.length && { distances: rows(distances) }),
  };
}

/** Options of the command line. @param {Known} known @returns {string[]} */
export function knownOptions({ points, distances }) {
  return [
    ...points.map((row) => `--known ${row.join(",")}`),
    ...distances.map((row) => `--distance ${row.join(",")}`),
  ];
}

/** Arguments of `align` in Python. @param {Known} known @returns {string[]} */
export function knownArguments({ points, distances }) {
  const tuples = (table) => `[${table.map((row) => `(${row.join(", ")})`).join(", ")}]`;
  return [
    ...(points.length ? [`points=${tuples(points)}`] : []),
    ...(distances.length ? [`distances=${tuples(distances)}`] : []),
  ];
}

function rows(table) {
  return table.map((row) => row.join(",")).join("; ");
}
