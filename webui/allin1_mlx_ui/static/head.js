// The line above the list: how many songs are done, finding one, cancelling all, the library.

import { bus, make } from "./bus.js";
import { ENDED, setText } from "./row.js";

const MANY = 6; // songs from which on finding one helps

export class Head {
  // shelf: the library's dialog. find: called with the words of the search; cancel: stops all.
  constructor(shelf, { find, cancel }) {
    this.batch = new Set(); // ids of the songs that are being worked on, and of those done since
    this.sending = 0; // files that are still to be sent
    this.busy = false;
    this.toggle = make("button", { type: "button", class: "toggle", "aria-expanded": "false" });
    this.toggle.addEventListener("click", () => this.expand(!this.isOpen));
    this.count = make("span", { class: "count" });
    this.search = make("input", {
      type: "search",
      placeholder: "Find a song",
      "aria-label": "Find a song",
    });
    this.search.addEventListener("input", () => find(this.words));
    this.find = find;
    this.cancel = make("button", { type: "button", onclick: cancel }, "Cancel all");
    this.library = make("button", { type: "button", onclick: () => shelf.show() }, "Library");
    this.element = make(
      "div",
      { class: "head closed" },
      this.toggle,
      this.count,
      this.search,
      this.cancel,
      this.library,
    );
    bus.hear("sending", (count) => {
      this.sending = count;
      this.describe();
    });
  }

  get words() {
    return this.search.value.toLowerCase().split(/\s+/).filter(Boolean);
  }

  update(songs, bin) {
    this.songs = songs;
    this.bin = bin;
    for (const { id, state } of songs) if (!(state in ENDED)) this.batch.add(id);
    this.describe();
    this.search.hidden = songs.length < MANY;
    if (this.search.hidden) this.search.value = "";
    this.find(this.words);
  }

  describe() {
    const { songs = [], bin = [] } = this;
    const batch = songs.filter(({ id }) => this.batch.has(id));
    const done = batch.filter(({ state }) => state in ENDED).length;
    const busy = done < batch.length || this.sending > 0;
    const all = `${songs.length} song${songs.length === 1 ? "" : "s"}`;
    const total = batch.length + this.sending;
    setText(this.toggle, busy ? `${done} of ${total} done` : all);
    setText(this.count, busy && total > 1 ? `${done} of ${total} done` : all);
    setText(this.library, bin.length ? `Library, bin (${bin.length})` : "Library");
    this.cancel.hidden = !busy || total < 2;
    const failed = songs.some(({ state }) => state === "failed");
    if (busy !== this.busy) this.expand(failed);
    this.busy = busy;
    if (!busy) this.batch.clear();
  }

  // On a small screen, show the list or only the number of songs.
  get isOpen() {
    return this.toggle.getAttribute("aria-expanded") === "true";
  }

  expand(open) {
    this.toggle.setAttribute("aria-expanded", String(open));
    this.element.classList.toggle("closed", !open);
  }
}
