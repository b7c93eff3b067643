/**
 * The REST API, as any client uses it.
 *
 * @typedef {{name: string, default: boolean, variant: string | null, parameters: number | null,
 *   licence: string | null, commercial_use: boolean | null,
 *   depth_kind: import("./geometry.js").Kind | "disparity", max_depth_m: number | null,
 *   loaded: unknown, here?: boolean, size_bytes?: number | null}} Model - `here`: whether its file
 *   is on the server; undefined: an older server, which does not tell.
 * @typedef {{state: "absent" | "downloading" | "here" | "failed", done_bytes: number,
 *   total_bytes: number | null, reason: string | null, error: string | null}} Download
 */

import { API_KEY, DEPTH, STEREO } from "./headers.js";
import { depthOf, parseNpy } from "./npy.js";

export const ROUTE = "/lifting/depth-estimation";
export const STEREO_ROUTE = "/lifting/stereo-depth";
const KEY = "vizion3d.api-key";

/** What the server, or the way to it, says went wrong. */
export class RequestError extends Error {
  /**
   * @param {string} title
   * @param {string} detail
   * @param {number} status - Of HTTP; 0 where there was no answer.
   * @param {string} [requestId]
   */
  constructor(title, detail, status, requestId) {
    super(detail);
    this.title = title;
    this.status = status;
    this.requestId = requestId;
  }
}

export class Api {
  /** @param {(refused: boolean) => Promise<string | null>} askForKey - Asks the user; null: no. */
  constructor(askForKey) {
    this._askForKey = askForKey;
  }

  /** @returns {Promise<Model[]>} */
  async models() {
    return (await this._fetch("/models")).json();
  }

  /** @param {string} name @returns {Promise<Download | null>} null: the server has no such route. */
  async beginDownload(name) {
    try {
      return await this._ofDownload(name, "POST");
    } catch (error) {
      if (error instanceof RequestError && error.status === 404) return null;
      throw error;
    }
  }

  /** How far it is. @param {string} name @returns {Promise<Download>} */
  download(name) {
    return this._ofDownload(name, "GET");
  }

  /** @param {string} name @returns {Promise<Download>} */
  callOffDownload(name) {
    return this._ofDownload(name, "DELETE");
  }

  /** @param {string} name @param {string} method */
  async _ofDownload(name, method) {
    return (await this._fetch(`/models/${encodeURIComponent(name)}/download`, { method })).json();
  }

  /**
   * Estimate depth once; everything that the page shows is made from the answer.
   *
   * @param {File} image
   * @param {Record<string, string>} fields
   * @param {AbortSignal} signal
   */
  async estimate(image, fields, signal) {
    const response = await this._post(image, fields, "application/x-npy", signal);
    const bytes = await response.arrayBuffer();
    const kind = /** @type {import("./geometry.js").Kind} */ (response.headers.get(DEPTH.depth_kind));
    const told = (header) => JSON.parse(response.headers.get(header) ?? "null");
    return {
      depth: depthOf(bytes, kind, told(DEPTH.sky_depth)),
      focalPx: /** @type {number | null} */ (told(DEPTH.focal_px)),
      notes: /** @type {string[]} */ (told(DEPTH.notes) ?? []),
      intrinsics: told(DEPTH.intrinsics),
      alignment: /** @type {import("./known.js").Alignment | null} */ (told(DEPTH.alignment)),
      npy: new Blob([bytes], { type: "application/x-npy" }),
    };
  }

  /**
   * One of the server's own files.
   *
   * @param {File} image
   * @param {Record<string, string>} fields
   * @param {string} mediaType
   */
  async file(image, fields, mediaType) {
    return (await this._post(image, fields, mediaType)).blob();
  }

  /** @returns {boolean} Whether requests carry a key. */
  get hasKey() {
    return sessionStorage.getItem(KEY) !== null;
  }

  /**
   * Measure the depth of a pair once: the metres, and the left photo as it was matched, which a
   * calibration may have rectified.
   *
   * @param {Record<string, File>} files - `left_image`, `right_image`, perhaps `calibration`.
   * @param {Record<string, string>} fields
   * @param {AbortSignal} signal
   */
  async measure(files, fields, signal) {
    const response = await this._send(STEREO_ROUTE, files, fields, "multipart/form-data", signal);
    const parts = await response.formData();
    const [depth, left] = ["depth", "left"].map((name) => /** @type {File} */ (parts.get(name)));
    const bytes = await depth.arrayBuffer();
    return {
      left,
      metres: parseNpy(bytes),
      intrinsics: JSON.parse(response.headers.get(STEREO.intrinsics) ?? ""),
      notes: /** @type {string[]} */ (JSON.parse(response.headers.get(STEREO.notes) ?? "[]")),
      npy: new Blob([bytes], { type: "application/x-npy" }),
    };
  }

  /** One of the server's own files of a pair. */
  async stereoFile(files, fields, mediaType) {
    return (await this._send(STEREO_ROUTE, files, fields, mediaType)).blob();
  }

  _post(image, fields, mediaType, signal) {
    return this._send(ROUTE, { image }, fields, mediaType, signal);
  }

  _send(route, files, fields, mediaType, signal = undefined) {
    const body = new FormData();
    for (const [name, file] of Object.entries(files)) body.append(name, file, file.name);
    for (const [name, value] of Object.entries(fields)) body.append(name, value);
    return this._fetch(route, { method: "POST", body, headers: { Accept: mediaType }, signal });
  }

  /** @param {string} path @param {RequestInit} [options] @returns {Promise<Response>} */
  async _fetch(path, options = {}) {
    const key = sessionStorage.getItem(KEY);
    const headers = { ...options.headers, ...(key && { [API_KEY]: key }) };
    let response;
    try {
      response = await fetch(path, { ...options, headers });
    } catch (error) {
      if (options.signal?.aborted) throw error;
      throw new RequestError("No answer", "The server cannot be reached. Is it still running?", 0);
    }
    if (response.ok) return response;
    if (response.status === 401) {
      const given = await this._askForKey(key !== null);
      if (given !== null) {
        sessionStorage.setItem(KEY, given);
        return this._fetch(path, options);
      }
    }
    throw await problemOf(response);
  }
}

/** @param {Response} response - `application/problem+json`, or what a proxy puts in its place. */
async function problemOf(response) {
  const problem = await response.json().catch(() => ({}));
  return new RequestError(
    problem.title ?? response.statusText,
    problem.detail ?? `The server answered ${response.status}.`,
    response.status,
    problem.request_id,
  );
}
