/** Another model's depth of the same photo, and its points, beside the first. */

import { $ } from "./dom.js";
import { labelOf } from "./words.js";

/** @typedef {Awaited<ReturnType<import("./api.js").Api["estimate"]>>} Answer */

export class Beside {
  /**
   * @param {import("./api.js").Api} api
   * @param {import("./depth_view.js").DepthView} view
   * @param {(error: unknown) => void} onError
   * @param {(of: string) => void} onChange - There is another {@link answer}: which model's, or "" for none.
   */
  constructor(api, view, onError, onChange) {
    this._api = api;
    this._view = view;
    this._onError = onError;
    this._onChange = onChange;
    /** The other model's answer. @type {Answer | null} */
    this.answer = null;
    /** @type {{file: File, inputSize: number | null} | null} */
    this._asked = null;
    /** @type {AbortController | null} */
    this._running = null;
    $("beside").addEventListener("change", () => this._run());
  }

  /** @param {import("./api.js").Model[]} models - Those whose files are on the server are offered. */
  list(models) {
    const chosen = $("beside").value;
    const options = models.filter(({ here }) => here !== false).map(({ name }) => new Option(labelOf(name), name));
    $("beside").replaceChildren(new Option("the photo", ""), ...options);
    $("beside").value = chosen;
    if ($("beside").selectedIndex < 0) $("beside").value = "";
  }

  /** Another photo is on the screen. @param {File} file @param {number | null} inputSize */
  load(file, inputSize) {
    this._asked = { file, inputSize };
    this._run();
  }

  async _run() {
    this._running?.abort();
    this._tell(null, "");
    const model = $("beside").value;
    if (!model || !this._asked) return;
    const mine = (this._running = new AbortController());
    const { file, inputSize } = this._asked;
    const fields = { model_backend: model, ...(inputSize && { input_size: String(inputSize) }) };
    $("beside").setAttribute("aria-busy", "true");
    try {
      const answer = await this._api.estimate(file, fields, mine.signal);
      if (!mine.signal.aborted) this._tell(answer, labelOf(model));
    } catch (error) {
      if (!mine.signal.aborted) this._onError(error);
    } finally {
      $("beside").removeAttribute("aria-busy");
    }
  }

  /** @param {Answer | null} answer @param {string} label */
  _tell(answer, label) {
    this.answer = answer;
    this._view.setBeside(answer?.depth ?? null, label);
    this._onChange(label);
  }
}
