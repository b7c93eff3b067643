import { API_KEY } from "./headers.js";

/**
 * A pair's request as code.
 *
 * @typedef {{left: string, right: string, calibration: string | null,
 *   fields: Record<string, string>, url: string, hasKey: boolean}} Asked
 */

/** Options of the command line by the fields of the API. */
const OPTIONS = {
  focal_length: "focal-px",
  baseline: "baseline-mm",
  min_depth_m: "min-depth",
  z_far: "z-far",
  rectify: "rectify",
  frame: "frame",
  edge_threshold: "edge-threshold",
};

/** @param {string} text */
function quoted(text) {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** @param {Asked} asked */
function curl({ left, right, calibration, fields, url, hasKey }) {
  const files = [["left_image", left], ["right_image", right]];
  if (calibration) files.push(["calibration", calibration]);
  return [
    `curl ${url}`,
    ...(hasKey ? [`-H "${API_KEY}: $VIZION3D_API_KEY"`] : []),
    "-H 'Accept: model/ply'",
    ...files.map(([name, file]) => `-F ${quoted(`${name}=@${file}`)}`),
    ...Object.entries(fields).map(([name, value]) => `-F ${name}=${quoted(value)}`),
    "-o points.ply",
  ].join(" \\\n  ");
}

/** @param {Asked} asked */
function python({ left, right, calibration, fields }) {
  const told = Object.entries(fields).map(([name, value]) => `    ${name}=${literal(value)},`);
  const make = calibration ? `.from_calibration(\n    ${JSON.stringify(calibration)},` : "(";
  return [
    "from vizion3d.stereo import StereoDepth, StereoDepthAdvancedConfig, StereoDepthCommand",
    "",
    `config = StereoDepthAdvancedConfig${make}`,
    ...told,
    ")",
    "command = StereoDepthCommand(",
    `    ${JSON.stringify(left)}, ${JSON.stringify(right)}, return_point_cloud=True, advanced_config=config`,
    ")",
    "result = StereoDepth().run(command)",
    "print(result.min_depth, result.max_depth, result.notes)",
  ].join("\n");
}

/** @param {string} value */
function literal(value) {
  if (value === "true") return "True";
  return Number.isFinite(Number(value)) ? value : JSON.stringify(value);
}

/** @param {Asked} asked */
function commandLine({ left, right, calibration, fields }) {
  return [
    `vizion3d stereo ${quoted(left)} ${quoted(right)}`,
    ...(calibration ? [`--calibration ${quoted(calibration)}`] : []),
    ...Object.entries(fields).flatMap(([name, value]) => (name in OPTIONS ? [`--${OPTIONS[name]} ${quoted(value)}`] : [])),
    ...(fields.fill ? ["--fill"] : []),
    "--save png,color,ply,glb",
  ].join(" \\\n  ");
}

export const stereoSnippets = { curl, python, cli: commandLine };
