// The library: where songs are kept, removing all, the bin, and undoing a removal.

import { make } from "./bus.js";
import { setText, writeSize } from "./row.js";

const UNDO = 10_000; // milliseconds for which a removal can be undone at once

export class Shelf {
  // trigger: sends an event to the server. songs: returns the lines of the list.
  constructor(trigger, songs) {
    this.trigger = trigger;
    this.songs = songs;
    this.bin = [];
    this.before = null; // ids of the songs in the bin when they were last heard of
    this.place = make("p", {});
    this.size = make("p", { class: "size" });
    const ask = (text, action) => make("button", { type: "button", onclick: action }, text);
    this.removeAll = ask("Remove all", () => this.remove());
    this.empty = ask("Empty bin", () => this.purge());
    this.title = make("h3", {}, "Bin (songs in it are deleted after 30 days)");
    this.list = make("ul", { "aria-label": "Removed songs" });
    this.dialog = make(
      "dialog",
      { class: "shelf", "aria-labelledby": "shelf-title" },
      make("h2", { id: "shelf-title" }, "Library"),
      this.place,
      this.size,
      make("div", { class: "row" }, this.removeAll, this.empty),
      this.title,
      this.list,
      make("div", { class: "row" }, ask("Close", () => this.dialog.close())),
    );
    this.words = make("span", {});
    this.toast = make(
      "div",
      { class: "toast", role: "status", hidden: true },
      this.words,
      ask("Undo", () => this.undo()),
    );
  }

  // place: where songs are kept and how to delete them, in one sentence.
  setPlace(place) {
    setText(this.place, place || "");
  }

  show() {
    this.dialog.showModal();
  }

  update(songs, bin) {
    this.bin = bin;
    const bytes = songs.reduce((sum, { size }) => sum + size, 0);
    const binned = bin.reduce((sum, { size }) => sum + size, 0);
    const inBin = bin.length ? `, and ${writeSize(binned)} in the bin` : "";
    setText(this.size, `${writeSize(bytes)} in the list${inBin}.`);
    this.removeAll.disabled = songs.length === 0;
    this.empty.disabled = bin.length === 0;
    this.title.hidden = bin.length === 0;
    this.list.replaceChildren(...bin.map((song) => this.makeLine(song)));
    this.offerUndo(bin);
  }

  makeLine({ id, title, size }) {
    const restore = () => this.trigger("restore", { ids: [id] });
    const button = make("button", { type: "button", onclick: restore }, "Bring back");
    button.setAttribute("aria-label", `Bring back ${title}`);
    return make("li", {}, make("span", {}, `${title} · ${writeSize(size)}`), button);
  }

  // Show for a while that songs were removed, in this tab or another.
  offerUndo(bin) {
    const fresh = bin.filter(({ id }) => this.before && !this.before.has(id));
    if (this.before && this.undoable && !this.undoable.every((id) => bin.some((s) => s.id === id))) {
      this.hide();
    }
    this.before = new Set(bin.map(({ id }) => id));
    if (!fresh.length) return;
    this.undoable = fresh.map(({ id }) => id);
    const what = fresh.length === 1 ? fresh[0].title : `${fresh.length} songs`;
    this.words.textContent = `Removed ${what}.`;
    this.toast.hidden = false;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.hide(), UNDO);
  }

  hide() {
    clearTimeout(this.timer);
    this.toast.hidden = true;
    this.undoable = null;
  }

  undo() {
    this.trigger("restore", { ids: this.undoable });
    this.hide();
  }

  remove() {
    this.trigger("remove", { ids: this.songs().map(({ id }) => id) });
  }

  purge() {
    this.trigger("purge", { ids: this.bin.map(({ id }) => id) });
  }
}
