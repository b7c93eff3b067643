/** The request on the screen, as one would write it: curl, Python, command line. */

import { ROUTE } from "./api.js";
import { isPreset } from "./cameras.js";
import { API_KEY } from "./headers.js";
import { isEmpty, knownArguments, knownOptions } from "./known_fields.js";
import { restFields } from "./settings.js";

/**
 * @typedef {object} Request
 * @property {string} name - Of the photo's file.
 * @property {import("./settings.js").Settings} settings
 * @property {import("./known_fields.js").Known} known
 * @property {string} origin - Of the server.
 * @property {boolean} hasKey
 */

/** @param {Request} request */
export function curl({ name, settings, known, origin, hasKey }) {
  const fields = restFields(settings, known);
  const lines = [
    `curl --fail-with-body ${shell(origin + ROUTE)}`,
    ...(hasKey ? [`-H "${API_KEY}: $VIZION3D_API_KEY"`] : []),
    "-H 'Accept: model/ply'",
    // In curl's own quotes a file's name may hold commas and semicolons.
    `-F ${shell(`image=@"${name.replace(/["\\]/g, "\\$&")}"`)}`,
    ...Object.entries(fields).map(([field, value]) => `-F ${shell(`${field}=${value}`)}`),
    `-o ${shell(`${stemOf(name)}.ply`)}`,
  ];
  return lines.join(" \\\n  ");
}

/** @param {Request} request */
export function python({ name, settings, known }) {
  const { near, far, edge } = settings.range;
  const { fx, fy, cx, cy } = settings.matrix;
  const camera =
    settings.camera === "fov"
      ? [`fov=${settings.fovDeg}`]
      : settings.camera === "matrix"
        ? [`fx=${fx}`, `fy=${fy}`, `cx=${cx}`, `cy=${cy}`]
        : [`camera="${settings.camera}"`];
  const config = [
    ...camera,
    `depth_near=${near}`,
    `depth_trunc=${far}`,
    ...(edge > 0 ? [`edge_threshold=${edge}`] : []),
    `frame="${settings.frame}"`,
  ];
  const command = `DepthEstimationCommand(
    ${JSON.stringify(name)},
    model_backend=${JSON.stringify(settings.model)},
    return_point_cloud=True,
    ${settings.inputSize ? `input_size=${settings.inputSize},\n    ` : ""}advanced_config=DepthEstimationAdvanceConfig(
        ${config.join(",\n        ")},
    ),
)`;
  const [run, depth] = isEmpty(known)
    ? ["run(command)", "raw_depth"]
    : [`align(command, ${knownArguments(known).join(", ")})`, "depth_m"];
  return `from vizion3d.lifting import (
    DepthEstimation,
    DepthEstimationAdvanceConfig,
    DepthEstimationCommand,
)

command = ${command}
result = DepthEstimation().${run}
print(result.${depth}.shape, result.point_cloud)`;
}

/** @param {Request} request */
export function commandLine({ name, settings, known }) {
  const { near, far, edge } = settings.range;
  const { fx, fy, cx, cy } = settings.matrix;
  const size = settings.inputSize ? ` --input-size ${settings.inputSize}` : "";
  const byName = settings.camera === "auto" || isPreset(settings.camera);
  const camera = byName
    ? `--camera ${settings.camera}`
    : { fov: `--fov ${settings.fovDeg}`, matrix: `--fx ${fx} --fy ${fy} --cx ${cx} --cy ${cy}` }[settings.camera];
  return [
    `vizion3d depth ${shell(name)}`,
    `--model ${shell(settings.model)}${size}`,
    camera,
    ...knownOptions(known),
    `--near ${near} --depth-trunc ${far}`,
    `--edge-threshold ${edge} --frame ${settings.frame}`,
    `--color-map ${settings.colourMap} --save png,color,npy,ply,glb`,
  ].join(" \\\n  ");
}

/** A file's name without its ending. @param {string} name */
export function stemOf(name) {
  return name.replace(/\.[^.]*$/, "") || name;
}

/** @param {string} text @returns {string} One word of a POSIX shell. */
function shell(text) {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
