/** The request on the screen, as one would write it: curl, Python, command line. */

import { ROUTE } from "./api.js";
import { restFields } from "./settings.js";

/**
 * @typedef {object} Request
 * @property {string} name - Of the photo's file.
 * @property {import("./settings.js").Settings} settings
 * @property {import("./geometry.js").Camera & {width_px: number, height_px: number}} served
 * @property {string} origin - Of the server.
 * @property {boolean} hasKey
 */

/** @param {Request} request */
export function curl({ name, settings, served, origin, hasKey }) {
  const fields = restFields(settings, served);
  const lines = [
    `curl --fail-with-body ${shell(origin + ROUTE)}`,
    ...(hasKey ? ['-H "X-API-Key: $VIZION3D_API_KEY"'] : []),
    "-H 'Accept: model/ply'",
    // In curl's own quotes a file's name may hold commas and semicolons.
    `-F ${shell(`image=@"${name.replace(/["\\]/g, "\\$&")}"`)}`,
    ...Object.entries(fields).map(([field, value]) => `-F ${shell(`${field}=${value}`)}`),
    `-o ${shell(`${stemOf(name)}.ply`)}`,
  ];
  return lines.join(" \\\n  ");
}

/** @param {Request} request */
export function python({ name, settings, served }) {
  const { near, far, edge } = settings.range;
  const range = [
    `depth_near=${near}`,
    `depth_trunc=${far}`,
    ...(edge > 0 ? [`edge_threshold=${edge}`] : []),
    `frame="${settings.frame}"`,
  ];
  const { fx, fy, cx, cy } = settings.matrix;
  const [config, camera] = {
    auto: ["DepthEstimationAdvanceConfig", []],
    fov: [
      "DepthEstimationAdvanceConfig.from_fov",
      [String(settings.fovDeg), `width_px=${served.width_px}`, `height_px=${served.height_px}`],
    ],
    matrix: ["DepthEstimationAdvanceConfig", [`fx=${fx}`, `fy=${fy}`, `cx=${cx}`, `cy=${cy}`]],
  }[settings.camera];
  return `from vizion3d.lifting import (
    DepthEstimation,
    DepthEstimationAdvanceConfig,
    DepthEstimationCommand,
)

result = DepthEstimation().run(
    DepthEstimationCommand(
        ${JSON.stringify(name)},
        model_backend=${JSON.stringify(settings.model)},
        return_point_cloud=True,
        ${settings.inputSize ? `input_size=${settings.inputSize},\n        ` : ""}advanced_config=${config}(
            ${[...camera, ...range].join(",\n            ")},
        ),
    )
)
print(result.raw_depth.shape, result.point_cloud)`;
}

/** @param {Request} request */
export function commandLine({ name, settings }) {
  const { near, far, edge } = settings.range;
  const { fx, fy, cx, cy } = settings.matrix;
  const size = settings.inputSize ? ` --input-size ${settings.inputSize}` : "";
  const camera = {
    auto: "--camera primesense",
    fov: `--fov ${settings.fovDeg}`,
    matrix: `--fx ${fx} --fy ${fy} --cx ${cx} --cy ${cy}`,
  }[settings.camera];
  return [
    `vizion3d depth ${shell(name)}`,
    `--model ${shell(settings.model)}${size}`,
    camera,
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
