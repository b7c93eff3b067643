/** The page: a photo and settings in, one request, and everything on the screen from its answer. */

import { Api, RequestError } from "./api.js";
import { DepthView, digits } from "./depth_view.js";
import { listDownloads } from "./downloads.js";
import { Samples, fovFromFocal, toMetres } from "./geometry.js";
import { listenForPhotos } from "./intake.js";
import { cameraOf, networkFields, readSettings, restFields, validate } from "./settings.js";
import { commandLine, curl, python } from "./snippets.js";
import { Viewer } from "./viewer.js";

const $ = (id) => document.getElementById(id);
const form = /** @type {HTMLFormElement} */ ($("settings"));
const LANGUAGES = { curl, python, cli: commandLine };

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
    if (running === mine) endProgress();
  }
}

function show(file, answer, bitmap, network) {
  shown = { file, ...answer, network, hasPhoto: bitmap !== null };
  document.body.dataset.state = "ready";
  depthView.load(answer.depth, bitmap);
  bitmap?.close();
  form.elements.namedItem("depth_near").disabled = answer.depth.kind === "metric";
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
    form.elements.namedItem("fov").value = String(fov);
  }
  viewer?.style({ size: settings.pointSize, frame: settings.frame });
  if (viewer) {
    const count = viewer.place(camera, settings.range);
    const pixels = shown.depth.width * shown.depth.height;
    const stride = viewer.samples.stride;
    const sampled = stride > 1 ? `, one of every ${stride} × ${stride} pixels` : "";
    $("cloud-note").textContent = `${group(count)} points of ${group(pixels)} pixels${sampled}`;
  }
  depthView.explain(toMetres(shown.depth, settings.range));
  describe(settings);
  showSnippet();
}

/** The words beside the settings. */
function describe(settings) {
  const isMetric = shown.depth.kind === "metric";
  $("range-note").textContent = isMetric
    ? "This checkpoint estimates metres: only the farthest counts, where points end."
    : "Assumed: this checkpoint tells what is closer, not how far it is.";
  $("camera-note").textContent = {
    auto: `The server's: ${shown.intrinsics.sources?.fx ?? "its default"}.`,
    fov: "Square pixels, the centre of the picture in the middle.",
    matrix: `For ${shown.intrinsics.width_px} × ${shown.intrinsics.height_px} pixels, the first pixel's centre at 0.`,
  }[settings.camera];
  showValues();
}

function showValues() {
  const { fovDeg, range, pointSize, camera } = readSettings(form);
  $("fov-value").textContent = `${fovDeg.toFixed(1)}°`;
  $("edge-value").textContent = range.edge > 0 ? `${digits(100 * range.edge)} %` : "off";
  $("size-value").textContent = `× ${digits(pointSize)}`;
  for (const part of form.querySelectorAll("[data-camera]")) {
    part.hidden = !part.dataset.camera.includes(camera);
  }
  const model = models.find(({ name }) => name === form.elements.namedItem("model_backend").value);
  if (model) $("model-note").textContent = noteOf(model);
}

/** @param {import("./api.js").Model} model */
function noteOf(model) {
  const weights = model.parameters && `${digits(model.parameters / 1e6)} million weights`;
  const free = model.licence?.includes("-NC-") ? " (no commercial use)" : "";
  const range = model.max_depth_m ? `metres to ${model.max_depth_m}` : `${model.depth_kind} depth`;
  const licence = model.licence && `${model.licence}${free}`;
  return [range, weights, licence].filter(Boolean).join(" · ");
}

function fillMatrix(intrinsics) {
  for (const name of ["fx", "fy", "cx", "cy"]) {
    form.elements.namedItem(name).value = String(intrinsics[name]);
  }
}

function request() {
  return {
    name: shown.file.name,
    settings: settingsShown(),
    served: shown.intrinsics,
    origin: location.origin,
    hasKey: api.hasKey,
  };
}

function showSnippet() {
  if (!shown) return;
  const { value } = document.querySelector("input[name=language]:checked");
  $("snippet").textContent = LANGUAGES[value](request());
}

/** @returns {import("./downloads.js").Source} */
function source() {
  const { file, intrinsics, npy } = shown;
  const fields = restFields(settingsShown(), intrinsics);
  return {
    name: file.name,
    npy,
    fromServer: (mediaType) => api.file(file, fields, mediaType),
    coloured: () => depthView.picture(),
    view: async () => viewer?.picture() ?? null,
  };
}

function showMeasure({ detail: points }) {
  const told = $("measured");
  told.hidden = !viewer.measuring && points.length === 0;
  if (points.length < 2) {
    told.textContent = points.length ? "Now the second point." : "Click two points.";
    return;
  }
  const [from, to] = points;
  const distance = Math.hypot(...from.map((value, i) => value - to[i]));
  const isMetric = shown.depth.kind === "metric";
  told.textContent = `${digits(distance)} m${isMetric ? "" : " (relative: if nearest and farthest are as set)"}`;
}

function toggleMeasure() {
  viewer.measuring = !viewer.measuring;
  $("measure").setAttribute("aria-pressed", String(viewer.measuring));
  $("view").classList.toggle("measuring", viewer.measuring);
  viewer.clearMeasure();
}

function toggleWide() {
  const wide = document.body.classList.toggle("wide");
  $("wide").setAttribute("aria-pressed", String(wide));
}

/** @returns {() => number} Stops the clock; the seconds that it ran. */
function showProgress(text) {
  const start = performance.now();
  const seconds = () => (performance.now() - start) / 1000;
  const tick = () => ($("status").textContent = `${text}: ${seconds().toFixed(1)} s`);
  $("status").textContent = `${text} …`;
  // Live regions read every change aloud: the running clock is for eyes only.
  $("status").setAttribute("aria-live", "off");
  const clock = setInterval(tick, 100);
  setBusy(true);
  return () => {
    clearInterval(clock);
    return seconds();
  };
}

function endProgress() {
  running = null;
  setBusy(false);
}

function setBusy(busy) {
  $("progress").hidden = $("cancel").hidden = !busy;
  document.querySelector("main").setAttribute("aria-busy", String(busy));
  for (const button of $("downloads").children) button.disabled = busy;
}

function showStatus(text, seconds) {
  $("status").setAttribute("aria-live", "polite");
  $("status").textContent = `${text}, ${seconds.toFixed(2)} s`;
}

function showError(error) {
  const known = error instanceof RequestError;
  if (!known) console.error(error);
  $("alert-title").textContent = known ? error.title : "This did not work";
  $("alert-detail").textContent = error.message;
  $("alert-request").textContent = known && error.requestId ? `Request ${error.requestId}` : "";
  $("alert").hidden = false;
  $("status").textContent = "";
}

function hideAlert() {
  $("alert").hidden = true;
}

/** @param {boolean} refused - A key was sent and not taken. */
function askForKey(refused) {
  const dialog = /** @type {HTMLDialogElement} */ ($("key"));
  $("key-note").textContent = refused ? "The server did not take this key." : "This server asks for a key.";
  $("key-value").value = "";
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    const answer = () => resolve(dialog.returnValue ? $("key-value").value : null);
    dialog.addEventListener("close", answer, { once: true });
  });
}

async function listModels() {
  try {
    models = await api.models();
  } catch (error) {
    showError(error);
    return;
  }
  const options = models.map(({ name, default: isDefault }) => new Option(labelOf(name), name, isDefault, isDefault));
  form.elements.namedItem("model_backend").replaceChildren(...options);
  showValues();
}

/** A model's name; of a path or an address, the file's. @param {string} name */
function labelOf(name) {
  return name.split("/").pop();
}

/** @param {number} count */
function group(count) {
  return count.toLocaleString("en-GB");
}

const RERUN = new Set(["model_backend", "input_size"]);
const RESAMPLE = new Set(["budget"]);
const RECOLOUR = new Set(["colour_by", "colour_map"]);

// Fields of the form stand elsewhere on the page too, so the document listens.
let pending = 0;
document.addEventListener("input", ({ target }) => {
  if (target.form !== form) return;
  // Moving the angle takes it from the server's default.
  if (target.name === "fov") form.elements.namedItem("camera").value = "fov";
  showValues();
  if (RERUN.has(target.name) || RESAMPLE.has(target.name) || !shown) return;
  cancelAnimationFrame(pending);
  pending = requestAnimationFrame(() => {
    if (RECOLOUR.has(target.name)) recolour();
    reproject();
  });
});
document.addEventListener("change", ({ target }) => {
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
depthView.addEventListener("point", ({ detail }) => viewer?.mark(detail));
viewer?.addEventListener("measure", showMeasure);
viewer?.addEventListener("miss", () => ($("measured").textContent = "There is no point there."));
viewer?.addEventListener("toggle-measure", toggleMeasure);
$("measure").addEventListener("click", toggleMeasure);
$("reset").addEventListener("click", () => viewer?.reset());
$("wide").addEventListener("click", toggleWide);
$("cancel").addEventListener("click", () => {
  running?.abort();
  endProgress();
  $("status").textContent = "Cancelled.";
});
$("alert-close").addEventListener("click", hideAlert);
for (const radio of document.querySelectorAll("input[name=language]")) {
  radio.addEventListener("change", showSnippet);
}
$("copy").addEventListener("click", async () => {
  await navigator.clipboard.writeText($("snippet").textContent);
  $("copy").textContent = "Copied";
  setTimeout(() => ($("copy").textContent = "Copy"), 1500);
});

const THEME = "vizion3d.theme";
$("theme").value = localStorage.getItem(THEME) ?? "";
const applyTheme = () => {
  document.documentElement.dataset.theme = $("theme").value;
  localStorage.setItem(THEME, $("theme").value);
  viewer?.invalidate();
};
$("theme").addEventListener("change", applyTheme);
applyTheme();
listModels();
