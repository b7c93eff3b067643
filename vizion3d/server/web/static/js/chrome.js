/** What surrounds the work: theme, wide view. */

import { $ } from "./dom.js";

const THEME = "vizion3d.theme";

/** Let the user choose between light and dark. @param {() => void} changed */
export function offerThemes(changed) {
  const choice = $("theme");
  choice.value = localStorage.getItem(THEME) ?? "";
  const apply = () => {
    document.documentElement.dataset.theme = choice.value;
    localStorage.setItem(THEME, choice.value);
    changed();
  };
  choice.addEventListener("change", apply);
  apply();
}

/** Let the 3D view fill the window. */
export function offerWideView() {
  const toggle = () => {
    const wide = document.body.classList.toggle("wide");
    $("wide").setAttribute("aria-pressed", String(wide));
  };
  $("wide").addEventListener("click", toggle);
  document.addEventListener("keydown", ({ key }) => {
    if (key === "Escape" && document.body.classList.contains("wide")) toggle();
  });
}
