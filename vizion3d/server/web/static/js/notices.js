/** What the page tells while and after something is done: status, progress, errors, the key. */

import { RequestError } from "./api.js";
import { $ } from "./dom.js";

/** @returns {() => number} Stops the clock; the seconds that it ran. @param {string} text */
export function showProgress(text) {
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

/** @param {boolean} busy */
export function setBusy(busy) {
  $("progress").hidden = $("cancel").hidden = !busy;
  document.querySelector("main").setAttribute("aria-busy", String(busy));
  for (const button of $("downloads").children) button.disabled = busy;
}

/** @param {string} text @param {number} seconds - That it took. */
export function showStatus(text, seconds) {
  $("status").setAttribute("aria-live", "polite");
  $("status").textContent = `${text}, ${seconds.toFixed(2)} s`;
}

/** @param {any} error */
export function showError(error) {
  const known = error instanceof RequestError;
  if (!known) console.error(error);
  const request = known && error.requestId ? `Request ${error.requestId}` : "";
  showProblem(known ? error.title : "This did not work", error.message, request);
  $("status").textContent = "";
}

/** @param {string} title @param {string} detail @param {string} small - Told in small print. */
export function showProblem(title, detail, small) {
  $("alert-title").textContent = title;
  $("alert-detail").textContent = detail;
  $("alert-request").textContent = small;
  $("alert").hidden = false;
}

export function hideAlert() {
  $("alert").hidden = true;
}

/**
 * @param {boolean} refused - A key was sent and not taken.
 * @returns {Promise<string | null>} The key; null: the user gives none.
 */
export function askForKey(refused) {
  /** @type {HTMLDialogElement} */
  const dialog = $("key");
  $("key-note").textContent = refused ? "The server did not take this key." : "This server asks for a key.";
  $("key-value").value = "";
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    const answer = () => resolve(dialog.returnValue ? $("key-value").value : null);
    dialog.addEventListener("close", answer, { once: true });
  });
}
