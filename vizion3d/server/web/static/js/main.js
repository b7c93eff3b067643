/** The page: photos and settings in, one request each, and everything on the screen from its answer. */

import { Api } from "./api.js";
import { Beside } from "./beside.js";
import { cameraOf, offerPresets } from "./cameras.js";
import { colourise } from "./colour.js";
import { offerThemes, offerWideView } from "./chrome.js";
import { DepthView } from "./depth_view.js";
import { $, fieldOf } from "./dom.js";
import { listDownloads } from "./downloads.js";
import { readExif } from "./exif.js";
import { Samples, closeness, fovFromFocal, metresFactor, toMetres } from "./geometry.js";
import { History, THUMBNAIL_PX } from "./history.js";
import { listenForPhotos } from "./intake.js";
import { fill, keepSettings, offerLink, restoreSettings, settingsOf } from "./keep.js";
import { KnownPanel } from "./known.js";
import { isEmpty } from "./known_fields.js";
import { offerMeasuring } from "./measure.js";
import { ModelChoice } from "./model_choice.js";
import { askForKey, hideAlert, setBusy, showError, showProgress, showStatus } from "./notices.js";
import { depthOf } from "./npy.js";
import { adoptRange, askedFields, readSettings, restFields, validate } from "./settings.js";
import { offerSnippets } from "./snippet_panel.js";
import { Viewer } from "./viewer.js";
import { countPoints, describe, labelOf, labelPanes, showValues } from "./words.js";

/** @type {HTMLFormElement} */
const form = $("settings");

const api = new Api(askForKey);
const depthView = new DepthView();
const viewer = makeViewer();
const choice = new ModelChoice(api, form);
const known = new KnownPanel();
const beside = new Beside(api, depthView, showError, showBeside);
const past = new History(showAgain);

/** @type {File | null} The photo that was last given. */
let photo = null;
/** What is on the screen: the photo, the server's answer, and what it was asked. */
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

/** Settings as the form has them, with the model that is in use. */
const settingsNow = () => ({ ...readSettings(form), model: choice.name });

/** Settings as the form has them, but of the network as it was asked. */
const settingsShown = () => ({ ...readSettings(form), ...shown.network });

/** One photo after the other; the last one stays on the screen. @param {File[]} files */
async function takePhotos(files) {
  for (const [i, file] of files.entries()) {
    photo = file;
    known.clear();
    const isDone = await run(files.length > 1 ? `${i + 1} of ${files.length}: ` : "");
    if (!isDone) return; // another was given, or it was cancelled
  }
}

/** @param {string} place - Of the photo among several. @returns {Promise<boolean>} Not called off. */
async function run(place = "") {
  if (!photo || !form.reportValidity()) return false;
  running?.abort();
  const mine = (running = new AbortController());
  const settings = settingsNow();
  const file = photo;
  const stopClock = showProgress(`${place}Estimating depth with ${labelOf(settings.model)}`);
  if (!place) hideAlert();
  try {
    const [answer, bitmap, exif] = await Promise.all([
      api.estimate(file, askedFields(settings, known.known), mine.signal),
      // Colours as they are in the file, as the library takes them. null: only the server reads it.
      createImageBitmap(file, { colorSpaceConversion: "none" }).catch(() => null),
      readExif(file),
    ]);
    if (mine.signal.aborted) return false;
    show(file, answer, bitmap, exif, { model: settings.model, inputSize: settings.inputSize });
    showStatus(`${place}${file.name}: ${answer.depth.width} × ${answer.depth.height} px`, stopClock());
    await keep();
  } catch (error) {
    if (!mine.signal.aborted) showError(error);
  } finally {
    stopClock();
    if (running === mine) endRun();
  }
  return !mine.signal.aborted;
}

function endRun() {
  running = null;
  setBusy(false);
}

function show(file, answer, bitmap, exif, network) {
  shown = { file, ...answer, exif, network, hasPhoto: bitmap !== null };
  document.body.dataset.state = "ready";
  depthView.load(isInverse() ? closeness(answer.depth) : answer.depth, bitmap);
  bitmap?.close();
  known.tell(answer.alignment);
  fieldOf(form, "depth_near").disabled = answer.depth.kind !== "relative";
  adoptRange(form, answer.alignment ? null : choice.rangeOf(network.model));
  beside.load(file, network.inputSize); // takes the last photo's away
  sample();
}

/** Have what is on the screen outlast a reload. */
async function keep() {
  const { file, npy, depth, focalPx, notes, intrinsics, alignment, network } = shown;
  const facts = {
    kind: depth.kind, sky: depth.sky, focalPx, notes, intrinsics, alignment, network,
    known: structuredClone(known.known), settings: settingsOf(form),
  };
  await past.add({ file, npy, thumbnail: await depthView.thumbnail(THUMBNAIL_PX), facts });
}

/** An earlier photo, without asking the server. @param {import("./history.js").Entry} entry */
async function showAgain({ id, file, npy, facts }) {
  running?.abort();
  endRun();
  const { kind, sky, network, known: told, settings } = /** @type {any} */ (facts);
  const [bytes, bitmap, exif] = await Promise.all([
    npy.arrayBuffer(),
    createImageBitmap(file, { colorSpaceConversion: "none" }).catch(() => null),
    readExif(file),
  ]);
  photo = file;
  fill(form, settings);
  choice.settle();
  known.restore(told);
  show(file, { ...facts, depth: depthOf(bytes, kind, sky), npy }, bitmap, exif, network);
  past.mark(id);
  $("status").textContent = `${file.name}, as it was`;
}

/** Choose the pixels that become points, then all that follows. */
function sample() {
  const { budget } = readSettings(form);
  viewer?.load(new Samples(shown.depth, budget));
  if (beside.answer) viewer?.setBeside(new Samples(beside.answer.depth, budget));
  recolour();
  reproject();
}

function recolour() {
  const { colourBy, colourMap } = readSettings(form);
  depthView.colour(colourMap);
  const byPhoto = colourBy === "photo" && shown.hasPhoto;
  viewer?.paint(byPhoto ? depthView.photoColours() : depthView.colours.data);
  if (!beside.answer) return;
  viewer?.paintBeside(byPhoto ? depthView.photoColours() : colourise(beside.answer.depth, colourMap).data);
}

/** Another model's points beside the first's, or no longer. @param {string} of - The model. */
function showBeside(of) {
  labelPanes(of && viewer ? [labelOf(shown.network.model), of] : []);
  if (!beside.answer) return viewer?.setBeside(null);
  viewer?.setBeside(new Samples(beside.answer.depth, readSettings(form).budget));
  recolour();
  reproject();
}

/** Place the points by the settings: nothing is asked of the server. */
function reproject() {
  if (!shown || !validate(form)) return;
  const settings = settingsShown();
  const camera = cameraOf(settings, shown.intrinsics, shown.exif);
  if (settings.camera !== "fov") fieldOf(form, "fov").value = String(fovFromFocal(camera.fx, shown.depth.width));
  if (settings.camera !== "matrix") fillMatrix(camera);
  shown.depth.factor = metresFactor(camera, shown.intrinsics, shown.focalPx);
  if (beside.answer) {
    const { depth, intrinsics, focalPx } = beside.answer;
    depth.factor = metresFactor(camera, intrinsics, focalPx);
  }
  viewer?.style({ size: settings.pointSize, frame: settings.frame });
  if (viewer) {
    const count = viewer.place(camera, settings.range);
    countPoints(count, shown.depth.width * shown.depth.height, viewer.samples.stride);
  }
  const isFitted = shown.alignment !== null;
  depthView.explain(isInverse() ? (inverse) => 1 / inverse : toMetres(shown.depth, settings.range), isFitted);
  const notes = isAsServed(settings) ? shown.notes : [];
  describe(shown.depth.kind, notes, isFitted, settings.camera, shown.intrinsics, shown.exif);
  showValues(form, choice.models);
  showSnippet();
}

/** Whether the depth is the server's answer, and not scaled for another camera. */
function isAsServed(settings) {
  return settings.camera === "auto" || shown.focalPx === null;
}

/** Whether the metres were fitted to an inverse depth, which may reach very far. */
function isInverse() {
  return shown.alignment?.space === "inverse_depth";
}

function fillMatrix(camera) {
  for (const name of ["fx", "fy", "cx", "cy"]) {
    fieldOf(form, name).value = String(camera[name]);
  }
}

/** @returns {import("./snippets.js").Request | null} What is on the screen, to be asked again. */
function request() {
  return shown && {
    name: shown.file.name,
    settings: settingsShown(),
    known: known.known,
    origin: location.origin,
    hasKey: api.hasKey,
  };
}

/** @returns {import("./downloads.js").Source} */
function source() {
  const { file, npy } = shown;
  const settings = settingsShown();
  const fields = restFields(settings, known.known);
  return {
    name: file.name,
    npy: isAsServed(settings) ? npy : null,
    fromServer: (mediaType) => api.file(file, fields, mediaType),
    coloured: () => depthView.picture(),
    view: async () => viewer?.picture() ?? null,
  };
}

async function begin() {
  if (!(await choice.list())) return;
  beside.list(choice.models);
  restoreSettings(form);
  choice.settle();
  showValues(form, choice.models);
  const entry = await past.restore();
  if (entry) await showAgain(entry);
}

const RESAMPLE = new Set(["budget"]);
const RECOLOUR = new Set(["colour_by", "colour_map"]);
const CAMERA = new Set(["camera", "fov", "fx", "fy", "cx", "cy"]);

// Fields of the form stand elsewhere on the page too, so the document listens.
let pending = 0;
document.addEventListener("input", (/** @type {any} */ { target }) => {
  if (target.form !== form) return;
  // Moving the angle takes it from the camera that was chosen.
  if (target.name === "fov") fieldOf(form, "camera").value = "fov";
  showValues(form, choice.models);
  if (target.name === "model_backend" || target.name === "input_size" || RESAMPLE.has(target.name) || !shown) return;
  cancelAnimationFrame(pending);
  pending = requestAnimationFrame(() => {
    if (RECOLOUR.has(target.name)) recolour();
    reproject();
  });
});
document.addEventListener("change", (/** @type {any} */ { target }) => {
  if (target.form !== form) return;
  keepSettings(form);
  if (target.name === "model_backend") choice.choose();
  // What is known is fitted with the camera.
  else if (target.name === "input_size" || (CAMERA.has(target.name) && !isEmpty(known.known))) run();
  if (RESAMPLE.has(target.name) && shown) sample();
});
form.addEventListener("submit", (event) => event.preventDefault());

listenForPhotos(takePhotos);
listDownloads($("downloads"), source, showError);
const showSnippet = offerSnippets(request);
depthView.addEventListener("point", (/** @type {any} */ { detail }) => viewer?.mark(detail));
choice.addEventListener("use", () => run());
choice.addEventListener("arrive", () => beside.list(choice.models));
known.addEventListener("change", () => run());
if (viewer) offerMeasuring(viewer, () => shown.depth.kind, (pixels) => known.offer(pixels));
$("reset").addEventListener("click", () => viewer?.reset());
$("cancel").addEventListener("click", () => {
  running?.abort();
  endRun();
  $("status").textContent = "Cancelled.";
});
$("alert-close").addEventListener("click", hideAlert);
offerPresets(fieldOf(form, "camera"));
offerLink(form);
offerWideView();
offerThemes(() => viewer?.invalidate());
begin();
