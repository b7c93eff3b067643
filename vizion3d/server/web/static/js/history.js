/**
 * The last photos and their depth, kept in this browser (IndexedDB), so that they can be looked at
 * again without asking the server, also after a reload.
 *
 * @typedef {object} Entry
 * @property {number} id - When it was shown, in ms.
 * @property {File} file
 * @property {Blob} npy
 * @property {Blob | null} thumbnail
 * @property {object} facts - What else the server answered, and what it was asked.
 */

import { $ } from "./dom.js";

const [DATABASE, STORE, SHOWN] = ["vizion3d", "photos", "vizion3d.shown"];
const MOST_ENTRIES = 6;
const MOST_BYTES = 200 * 2 ** 20;
export const THUMBNAIL_PX = { width: 96, height: 64 };

export class History {
  /** @param {(entry: Entry) => void} onChoice - An earlier photo is asked for. */
  constructor(onChoice) {
    this._onChoice = onChoice;
    /** @type {Entry[]} Newest first. */
    this._entries = [];
    this._opened = open().catch(() => null); // a private window may have no database
    $("forget").addEventListener("click", () => this._forget());
  }

  /** List what was kept. @returns {Promise<Entry | undefined>} What this tab showed last. */
  async restore() {
    const all = await this._do("readonly", (store) => store.getAll());
    this._entries = (all ?? []).sort((a, b) => b.id - a.id);
    this._list();
    const shown = Number(sessionStorage.getItem(SHOWN));
    return this._entries.find(({ id }) => id === shown);
  }

  /** @param {Omit<Entry, "id">} entry - In place of an earlier one of the same file. */
  async add(entry) {
    const id = Math.max(Date.now(), (this._entries[0]?.id ?? 0) + 1);
    const isSame = ({ file }) =>
      file.name === entry.file.name && file.size === entry.file.size && file.lastModified === entry.file.lastModified;
    const kept = [{ ...entry, id }];
    let bytes = sizeOf(entry);
    for (const one of this._entries.filter((other) => !isSame(other))) {
      bytes += sizeOf(one);
      if (kept.length < MOST_ENTRIES && bytes <= MOST_BYTES) kept.push(one);
    }
    const dropped = this._entries.filter((one) => !kept.includes(one));
    this._entries = kept;
    this.mark(id);
    this._list();
    await this._do("readwrite", (store) => {
      for (const { id: old } of dropped) store.delete(old);
      return store.put(kept[0]);
    });
  }

  /** This tab shows an entry. @param {number} id */
  mark(id) {
    sessionStorage.setItem(SHOWN, String(id));
  }

  async _forget() {
    sessionStorage.removeItem(SHOWN);
    await this._do("readwrite", (store) => store.clear());
    this._entries = []; // what is off the screen is gone, whatever happens to the page next
    this._list();
  }

  _list() {
    $("history").hidden = this._entries.length === 0;
    $("history-list").replaceChildren(
      ...this._entries.map((entry) => {
        const button = document.createElement("button");
        button.type = "button";
        button.title = entry.file.name;
        button.setAttribute("aria-label", `Show ${entry.file.name} again`);
        button.append(draw(entry.thumbnail));
        button.addEventListener("click", () => this._onChoice(entry));
        return button;
      }),
    );
  }

  /** @param {IDBTransactionMode} mode @param {(store: IDBObjectStore) => IDBRequest} work */
  async _do(mode, work) {
    const database = await this._opened;
    if (!database) return undefined;
    return new Promise((resolve) => {
      const transaction = database.transaction(STORE, mode);
      const asked = work(transaction.objectStore(STORE));
      transaction.oncomplete = () => resolve(asked.result);
      // The disk is full, say: the photo stays on the screen and is not kept.
      transaction.onabort = transaction.onerror = () => resolve(undefined);
    });
  }
}

/** @returns {Promise<IDBDatabase>} */
function open() {
  return new Promise((resolve, reject) => {
    const asked = indexedDB.open(DATABASE, 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore(STORE, { keyPath: "id" });
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
}

/** @param {Omit<Entry, "id">} entry */
function sizeOf({ file, npy }) {
  return file.size + npy.size;
}

/** A canvas, since the page's policy allows no images but the server's. @param {Blob | null} blob */
function draw(blob) {
  const canvas = Object.assign(document.createElement("canvas"), THUMBNAIL_PX);
  if (blob) {
    createImageBitmap(blob).then((bitmap) => canvas.getContext("2d").drawImage(bitmap, 0, 0));
  }
  return canvas;
}
