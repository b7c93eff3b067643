/** Elements of the page, which knows what kinds they are; a type checker does not. */

/**
 * The element of an id.
 *
 * @param {string} id
 * @returns {any}
 */
export function $(id) {
  return document.getElementById(id);
}

/**
 * Every element that a selector finds.
 *
 * @param {string} selector
 * @returns {NodeListOf<any>}
 */
export function all(selector) {
  return document.querySelectorAll(selector);
}

/**
 * A form's field by its name; of radio buttons, all of them as one.
 *
 * @param {HTMLFormElement} form
 * @param {string} name
 * @returns {any}
 */
export function fieldOf(form, name) {
  return form.elements.namedItem(name);
}
