/** The panel that says how to do the same with curl, Python or the command line. */

import { $, all } from "./dom.js";
import { commandLine, curl, python } from "./snippets.js";

const LANGUAGES = { curl, python, cli: commandLine };
const COPIED_MS = 1500;

/**
 * @param {() => import("./snippets.js").Request | null} request - What is on the screen, if
 *   anything.
 * @returns {() => void} Shows the snippet anew.
 */
export function offerSnippets(request) {
  const show = () => {
    const asked = request();
    if (!asked) return;
    const [{ value }] = all("input[name=language]:checked");
    $("snippet").textContent = LANGUAGES[value](asked);
  };
  for (const radio of all("input[name=language]")) {
    radio.addEventListener("change", show);
  }
  $("copy").addEventListener("click", async () => {
    await navigator.clipboard.writeText($("snippet").textContent);
    $("copy").textContent = "Copied";
    setTimeout(() => ($("copy").textContent = "Copy"), COPIED_MS);
  });
  return show;
}
