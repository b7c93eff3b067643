/** The page of two photos: a pair and its cameras in, one request, metres on the screen. */

import { Api, STEREO_ROUTE } from "./api.js";
import { offerThemes, offerWideView } from "./chrome.js";
import { DepthView } from "./depth_view.js";
import { $, all, fieldOf } from "./dom.js";
import { listDownloads } from "./downloads.js";
import { Samples, closeness } from "./geometry.js";
import { offerMeasuring } from "./measure.js";
import { askForKey, hideAlert, setBusy, showError, showProgress, showStatus } from "./notices.js";
import { stereoSnippets } from "./stereo_snippets.js";
import { Viewer } from "./viewer.js";

const SAMPLE = { left: "motorcycle_left.jpg", right: "motorcycle_right.jpg", calibration: "motorcycle_calib.txt" };
const POINTS = 1_000_000;
const COPIED_MS = 1500;

/** @type {HTMLFormElement} */
const form = $("settings");
const api = new Api(askForKey);
const depthView = new DepthView();
const viewer = makeViewer();

/** @type {Record<string, File | null>} What was given. */
const given = { left: null, right: null, calibration: null };
/** What is on the screen: the files, the fields and the answer. */
let shown = null;
/** @type {AbortController | null} */
let running = null;

function makeViewer() {
  try {
    return new Viewer($("cloud"), $("overlay"));
  } catch (error) {
    $("view").textContent = "This browser has no WebGL, so there is no 3D view. The rest works.";
    return null;
  }
}

/** The fields that are set, as the API has them. @returns {Record<string, string>} */
function fieldsOf() {
  /** @type {Record<string, string>} */
  const fields = {};
  for (const name of ["focal_length", "baseline", "min_depth_m", "z_far", "rectify", "frame"]) {
    const { value } = fieldOf(form, name);
    if (value !== "") fields[name] = value;
  }
  if (fieldOf(form, "fill").checked) fields.fill = "true";
  const edge = Number(fieldOf(form, "edge_threshold").value);
  if (edge > 0) fields.edge_threshold = String(edge);
  return fields;
}

async function run() {
  if (!given.left || !given.right) {
    $("status").textContent = "Give the left and the right photo.";
    return;
  }
  if (!form.reportValidity()) return;
  running?.abort();
  const mine = (running = new AbortController());
  const files = { left_image: given.left, right_image: given.right };
  if (given.calibration) files.calibration = given.calibration;
  const fields = fieldsOf();
  const stopClock = showProgress("Matching the photos");
  hideAlert();
  try {
    const answer = await api.measure(files, fields, mine.signal);
    // A calibration may have rectified the photos; else the file itself has the finer colours.
    const photo = files.calibration ? answer.left : files.left_image;
    const bitmap = await createImageBitmap(photo, { colorSpaceConversion: "none" }).catch(() => null);
    if (mine.signal.aborted) return;
    show(files, fields, answer, bitmap);
    const { width, height } = answer.metres;
    showStatus(`${files.left_image.name}: ${width} × ${height} px`, stopClock());
  } catch (error) {
    if (!mine.signal.aborted) showError(error);
  } finally {
    stopClock();
    if (running === mine) endRun();
  }
}

function endRun() {
  running = null;
  setBusy(false);
}

function show(files, fields, answer, bitmap) {
  const depth = { ...answer.metres, ...rangeOf(answer.metres.data), kind: "metric", sky: null };
  shown = { files, fields, ...answer, depth };
  document.body.dataset.state = "ready";
  depthView.load(closeness(depth), bitmap);
  bitmap?.close();
  viewer?.load(new Samples(depth, POINTS));
  recolour();
  reproject();
  $("notes").replaceChildren(...answer.notes.map((text) => Object.assign(document.createElement("li"), { textContent: text })));
}

/** Least and greatest of the pixels that have a depth. @param {Float32Array} metres */
function rangeOf(metres) {
  let [min, max] = [Infinity, 0];
  for (const value of metres) {
    if (value <= 0) continue;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return max > 0 ? { min, max } : { min: 0, max: 0 };
}

function recolour() {
  depthView.colour(fieldOf(form, "colour_map").value);
  viewer?.paint(depthView.photoColours());
}

function reproject() {
  if (!shown) return;
  const value = (name) => Number(fieldOf(form, name).value);
  viewer?.style({ size: value("point_size"), frame: fieldOf(form, "frame").value });
  const range = { near: 0, far: value("z_far"), edge: value("edge_threshold") };
  if (viewer) {
    const count = viewer.place(shown.intrinsics, range);
    $("cloud-note").textContent = `${count.toLocaleString("en")} points, in metres`;
  }
  depthView.explain((inverse) => (inverse > 0 ? 1 / inverse : 0));
  showValues();
  showSnippet();
}

function showValues() {
  $("edge-value").textContent = fieldOf(form, "edge_threshold").value;
  $("size-value").textContent = fieldOf(form, "point_size").value;
}

function showSnippet() {
  if (!shown) return;
  const [{ value }] = all("input[name=language]:checked");
  const { files, fields } = shown;
  $("snippet").textContent = stereoSnippets[value]({
    left: files.left_image.name,
    right: files.right_image.name,
    calibration: files.calibration?.name ?? null,
    fields,
    url: location.origin + STEREO_ROUTE,
    hasKey: api.hasKey,
  });
}

/** @returns {import("./downloads.js").Source} */
function source() {
  const { files, fields, npy } = shown;
  return {
    name: files.left_image.name,
    npy,
    fromServer: (mediaType) => api.stereoFile(files, fields, mediaType),
    coloured: () => depthView.picture(),
    view: async () => viewer?.picture() ?? null,
  };
}

/** Take a file for the place that it is for: photos from left to right, text is a calibration. */
function take(file) {
  const isPhoto = file.type.startsWith("image/");
  const place = !isPhoto ? "calibration" : !given.left || given.right ? "left" : "right";
  if (place === "left") given.right = null;
  given[place] = file;
}

async function takeSample() {
  try {
    for (const [place, name] of Object.entries(SAMPLE)) {
      const blob = await (await fetch(`/ui/samples/${name}`)).blob();
      given[place] = new File([blob], name, { type: blob.type });
    }
    await run();
  } catch (error) {
    showError(error);
  }
}

for (const place of Object.keys(given)) {
  $(place).addEventListener("change", () => {
    given[place] = $(place).files[0] ?? null;
    if (given.left && given.right) run();
  });
}
document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", (event) => {
  event.preventDefault();
  for (const file of event.dataTransfer?.files ?? []) take(file);
  run();
});
const RERUN = new Set(["focal_length", "baseline", "min_depth_m", "rectify", "fill"]);
document.addEventListener("change", (/** @type {any} */ { target }) => {
  if (target.form === form && RERUN.has(target.name) && shown) run();
});
document.addEventListener("input", (/** @type {any} */ { target }) => {
  if (target.form !== form) return;
  showValues();
  if (!shown || RERUN.has(target.name)) return;
  shown.fields = fieldsOf();
  if (target.name === "colour_map") recolour();
  reproject();
});
form.addEventListener("submit", (event) => event.preventDefault());
$("measure-pair").addEventListener("click", run);
$("sample").addEventListener("click", takeSample);
$("swap").addEventListener("click", () => {
  [given.left, given.right] = [given.right, given.left];
  run();
});
$("reset").addEventListener("click", () => viewer?.reset());
$("cancel").addEventListener("click", () => {
  running?.abort();
  endRun();
  $("status").textContent = "Cancelled.";
});
$("alert-close").addEventListener("click", hideAlert);
for (const radio of all("input[name=language]")) radio.addEventListener("change", showSnippet);
$("copy").addEventListener("click", async () => {
  await navigator.clipboard.writeText($("snippet").textContent);
  $("copy").textContent = "Copied";
  setTimeout(() => ($("copy").textContent = "Copy"), COPIED_MS);
});
listDownloads($("downloads"), source, showError);
if (viewer) offerMeasuring(viewer, () => "metric");
depthView.addEventListener("point", (/** @type {any} */ { detail }) => viewer?.mark(detail));
offerWideView();
offerThemes(() => viewer?.invalidate());
showValues();
