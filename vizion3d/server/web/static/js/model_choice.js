/** Which model estimates: those of the server, and the download of one whose file is not there yet. */

import { $, fieldOf } from "./dom.js";
import { showError, showProblem } from "./notices.js";
import { labelOf, megabytes, noteOf, showValues } from "./words.js";

const ASK_AGAIN_MS = 300;

/** Why a download failed, by the server's name of it -> what to do. */
const FAILURES = {
  "no-network": "The server could not reach the internet. Check its network, or go on with a model that is here.",
  proxy: "The server's proxy does not answer. Check HTTPS_PROXY where the server was started.",
  certificate: "A certificate on the way is not trusted: set REQUESTS_CA_BUNDLE where the server was started.",
  interrupted: "The transfer broke off. Try again: it goes on where it stopped.",
  refused: "The download was refused.",
  damaged: "What came is not the model's file, so it was thrown away. Try again.",
  offline: "The server may not download anything (VIZION3D_OFFLINE is set). Put the file into its model folder.",
};

export class ModelChoice extends EventTarget {
  /**
   * Fires `use` when the model that is chosen can be used.
   *
   * @param {import("./api.js").Api} api
   * @param {HTMLFormElement} form
   */
  constructor(api, form) {
    super();
    this._api = api;
    this._form = form;
    this._select = fieldOf(form, "model_backend");
    /** @type {import("./api.js").Model[]} */
    this.models = [];
    /** The model that was used last. */
    this._used = "";
    /** The model that is being downloaded. @type {string | null} */
    this._awaited = null;
    $("download-start").addEventListener("click", () => this._download());
    $("download-stop").addEventListener("click", () => this._callOff());
  }

  /** @returns {Promise<boolean>} Whether the server told its models. */
  async list() {
    try {
      this.models = (await this._api.models()).filter(({ depth_kind }) => depth_kind !== "disparity");
    } catch (error) {
      showError(error);
      return false;
    }
    const chosen = this._select.value;
    this._select.replaceChildren(
      ...this.models.map((model) => {
        const { name, default: isDefault } = model;
        return new Option(optionText(model), name, isDefault, isDefault);
      }),
    );
    if (chosen && this._find(chosen)) this._select.value = chosen;
    return true;
  }

  /** What is chosen is what is used, or a model that is on the server. */
  settle() {
    const model = this._find(this._select.value);
    if (model?.here === false) this._select.value = this.models.find(({ here }) => here !== false)?.name ?? model.name;
    this._used = this._select.value;
  }

  /** A model was chosen: use it, or offer its download. */
  choose() {
    const model = this._find(this._select.value);
    const isHere = model?.here !== false;
    $("download").hidden = isHere;
    if (isHere) {
      this._use();
      return;
    }
    const size = model.size_bytes ? megabytes(model.size_bytes) : "size unknown";
    $("download-start").textContent = `Download ${labelOf(model.name)} (${size})`;
    $("download-note").textContent = `${noteOf(model)}. Until it is here, ${labelOf(this._used)} is used.`;
    this._showProgress(null);
  }

  /** The model whose depth is to be asked for: not one that is not here yet. */
  get name() {
    return this._find(this._select.value)?.here === false ? this._used : this._select.value;
  }

  /** How far a model estimates metres; null: it has no such range. @param {string} name */
  rangeOf(name) {
    return this._find(name)?.max_depth_m ?? null;
  }

  _find(name) {
    return this.models.find((model) => model.name === name);
  }

  _use() {
    this._used = this._select.value;
    showValues(this._form, this.models);
    this.dispatchEvent(new Event("use"));
  }

  /** Back to the model that was used before. */
  _return() {
    this._select.value = this._used;
    $("download").hidden = true;
    showValues(this._form, this.models);
  }

  async _download() {
    const name = this._select.value;
    this._awaited = name;
    this._showProgress({ done_bytes: 0, total_bytes: null });
    try {
      let told = await this._api.beginDownload(name);
      while (told?.state === "downloading" && this._awaited === name) {
        this._showProgress(told);
        await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
        told = await this._api.download(name);
      }
      if (this._awaited !== name) return;
      // Without a route for downloads, the server fetches the file when it is first asked.
      if (told === null || told.state === "here") this._arrived(name);
      else if (told.state === "failed") this._failed(name, told);
      else this._return(); // called off elsewhere
    } catch (error) {
      this._return();
      showError(error);
    } finally {
      if (this._awaited === name) this._awaited = null;
    }
  }

  _arrived(name) {
    const model = this._find(name);
    model.here = true;
    [...this._select.options].find(({ value }) => value === name).textContent = optionText(model);
    $("download").hidden = true;
    if (this._select.value === name) this._use();
    this.dispatchEvent(new Event("arrive"));
  }

  _failed(name, { reason, error }) {
    this._return();
    showProblem(
      `${labelOf(name)} could not be downloaded`,
      `${FAILURES[reason] ?? ""} ${labelOf(this._used)} stays in use.`.trim(),
      error ?? "",
    );
  }

  async _callOff() {
    const name = this._awaited;
    this._awaited = null;
    this._return();
    try {
      if (name) await this._api.callOffDownload(name);
    } catch (error) {
      showError(error);
    }
  }

  /** @param {{done_bytes: number, total_bytes: number | null} | null} told - null: not begun. */
  _showProgress(told) {
    $("download-start").hidden = told !== null;
    $("download-running").hidden = told === null;
    $("download-stop").textContent = told ? "Cancel the download" : "Not now";
    if (!told) return;
    const bar = $("download-bar");
    if (told.total_bytes) [bar.max, bar.value] = [told.total_bytes, told.done_bytes];
    else bar.removeAttribute("value");
    const total = told.total_bytes ? ` of ${megabytes(told.total_bytes)}` : "";
    $("download-told").textContent = `${megabytes(told.done_bytes)}${total}`;
  }
}

/** @param {import("./api.js").Model} model */
function optionText({ name, here, size_bytes: bytes }) {
  if (here === undefined) return labelOf(name);
  const size = bytes ? `, ${megabytes(bytes)}` : "";
  return `${labelOf(name)} · ${here ? "here" : `download${size}`}`;
}
