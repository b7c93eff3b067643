/** The page: a photo and settings in, one request, and everything on the screen from its answer. */

import { Api } from "./api.js";
import { offerThemes, offerWideView } from "./chrome.js";
import { DepthView } from "./depth_view.js";
import { $, fieldOf } from "./dom.js";
import { listDownloads } from "./downloads.js";
import { Samples, fovFromFocal, metresFactor, toMetres } from "./geometry.js";
import { listenForPhotos } from "./intake.js";
import { offerMeasuring } from "./measure.js";
import { askForKey, hideAlert, setBusy, showError, showProgress, showStatus } from "./notices.js";
import { cameraOf, networkFields, readSettings, restFields, validate } from "./settings.js";
import { offerSnippets } from "./snippet_panel.js";
import { Viewer } from "./viewer.js";
import { countPoints, describe, labelOf, showValues } from "./words.js";

/** @type {HTMLFormElement} */
const form = $("settings");

const api = new Api(askForKey);
const depthView = new DepthView();
const viewer = makeViewer();

/** @type {import("./api.js").Model[]} */
let models = [];
/** @type {File | null} The photo that was last given. */
let photo = null;
/** What is on the screen: the photo's name, the server's answer, and what it was asked. */
let shown = null;
/** @type {AbortController | null} */
let running = null;

function makeViewer() {
  try {
    return new Viewer($("cloud"), $("overlay"));
  } catch (error) {
    $("view").textContent = "This browser has no WebGL, so there is no 3D view. Depth and downloads work.";
    return null;
  }
}

/** Settings as the form has them, but of the network as it was asked. */
function settingsShown() {
  return { ...readSettings(form), ...shown.network };
}

async function run() {
  if (!photo || !form.reportValidity()) return;
  running?.abort();
  const mine = (running = new AbortController());
  const settings = readSettings(form);
  const file = photo;
  const stopClock = showProgress(`Estimating depth with ${labelOf(settings.model)}`);
  hideAlert();
  try {
    const [answer, bitmap] = await Promise.all([
      api.estimate(file, networkFields(settings), mine.signal),
      // Colours as they are in the file, as the library takes them. null: only the server reads it.
      createImageBitmap(file, { colorSpaceConversion: "none" }).catch(() => null),
    ]);
    if (mine.signal.aborted) return;
    show(file, answer, bitmap, { model: settings.model, inputSize: settings.inputSize });
    showStatus(`${file.name}: ${answer.depth.width} × ${answer.depth.height} px`, stopClock());
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

function show(file, answer, bitmap, network) {
  shown = { file, ...answer, network, hasPhoto: bitmap !== null };
  document.body.dataset.state = "ready";
  depthView.load(answer.depth, bitmap);
  bitmap?.close();
  fieldOf(form, "depth_near").disabled = answer.depth.kind !== "relative";
  if (readSettings(form).camera !== "matrix") fillMatrix(answer.intrinsics);
  sample();
}

/** Choose the pixels that become points, then all that follows. */
function sample() {
  viewer?.load(new Samples(shown.depth, readSettings(form).budget));
  recolour();
  reproject();
}

function recolour() {
  const { colourBy, colourMap } = readSettings(form);
  depthView.colour(colourMap);
  const byPhoto = colourBy === "photo" && shown.hasPhoto;
  viewer?.paint(byPhoto ? depthView.photoColours() : depthView.colours.data);
}

/** Place the points by the settings: nothing is asked of the server. */
function reproject() {
  if (!shown || !validate(form)) return;
  const settings = settingsShown();
  const camera = cameraOf(settings, shown.intrinsics);
  if (settings.camera === "auto") {
    const fov = fovFromFocal(camera.fx, shown.depth.width);
    fieldOf(form, "fov").value = String(fov);
  }
  shown.depth.factor = metresFactor(camera, shown.intrinsics, shown.focalPx);
  viewer?.style({ size: settings.pointSize, frame: settings.frame });
  if (viewer) {
    const count = viewer.place(camera, settings.range);
    countPoints(count, shown.depth.width * shown.depth.height, viewer.samples.stride);
  }
  depthView.explain(toMetres(shown.depth, settings.range));
  describe(shown.depth.kind, isAsServed(settings) ? shown.notes : [], settings.camera, shown.intrinsics);
  showValues(form, models);
  showSnippet();
}

/** Whether the depth is the server's answer, and not scaled for another camera. */
function isAsServed(settings) {
  return settings.camera === "auto" || shown.focalPx === null;
}

function fillMatrix(intrinsics) {
  for (const name of ["fx", "fy", "cx", "cy"]) {
    fieldOf(form, name).value = String(intrinsics[name]);
  }
}

/** @returns {import("./snippets.js").Request | null} What is on the screen, to be asked again. */
function request() {
  return shown && {
    name: shown.file.name,
    settings: settingsShown(),
    served: shown.intrinsics,
    origin: location.origin,
    hasKey: api.hasKey,
  };
}

/** @returns {import("./downloads.js").Source} */
function source() {
  const { file, intrinsics, npy } = shown;
  const settings = settingsShown();
  const fields = restFields(settings, intrinsics);
  return {
    name: file.name,
    npy: isAsServed(settings) ? npy : null,
    fromServer: (mediaType) => api.file(file, fields, mediaType),
    coloured: () => depthView.picture(),
    view: async () => viewer?.picture() ?? null,
  };
}

async function listModels() {
  try {
    models = (await api.models()).filter(({ depth_kind }) => depth_kind !== "disparity");
  } catch (error) {
    showError(error);
    return;
  }
  const options = models.map(({ name, default: isDefault }) => new Option(labelOf(name), name, isDefault, isDefault));
  fieldOf(form, "model_backend").replaceChildren(...options);
  showValues(form, models);
}

const RERUN = new Set(["model_backend", "input_size"]);
const RESAMPLE = new Set(["budget"]);
const RECOLOUR = new Set(["colour_by", "colour_map"]);

// Fields of the form stand elsewhere on the page too, so the document listens.
let pending = 0;
document.addEventListener("input", (/** @type {any} */ { target }) => {
  if (target.form !== form) return;
  // Moving the angle takes it from the server's default.
  if (target.name === "fov") fieldOf(form, "camera").value = "fov";
  showValues(form, models);
  if (RERUN.has(target.name) || RESAMPLE.has(target.name) || !shown) return;
  cancelAnimationFrame(pending);
  pending = requestAnimationFrame(() => {
    if (RECOLOUR.has(target.name)) recolour();
    reproject();
  });
});
document.addEventListener("change", (/** @type {any} */ { target }) => {
  if (target.form !== form) return;
  if (RERUN.has(target.name)) run();
  if (RESAMPLE.has(target.name) && shown) sample();
});
form.addEventListener("submit", (event) => event.preventDefault());

listenForPhotos((file) => {
  photo = file;
  run();
});
listDownloads($("downloads"), source, showError);
const showSnippet = offerSnippets(request);
depthView.addEventListener("point", (/** @type {any} */ { detail }) => viewer?.mark(detail));
if (viewer) offerMeasuring(viewer, () => shown.depth.kind);
$("reset").addEventListener("click", () => viewer?.reset());
$("cancel").addEventListener("click", () => {
  running?.abort();
  endRun();
  $("status").textContent = "Cancelled.";
});
$("alert-close").addEventListener("click", hideAlert);
offerWideView();
offerThemes(() => viewer?.invalidate());
listModels();
