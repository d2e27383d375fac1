// The list of songs: opening, finding, cancelling and removing them.
//
// The server sends the lines that changed; elements stay in place, so that focus and screen readers
// are not disturbed. All tabs of a user show the same list.

import { bus, make } from "./bus.js";
import { Head } from "./head.js";
import { loadPlotly } from "./plotly.js";
import { ENDED, Row } from "./row.js";
import { Shelf } from "./shelf.js";
import { Stream } from "./stream.js";

export function mount(element, { props, trigger, watch }) {
  const list = new SongList(element.querySelector(".songs"), trigger);
  const stream = new Stream((news) => list.update(news), () => trigger("enter"));
  const enter = () => {
    const { session, place } = props.value || {};
    list.shelf.setPlace(place);
    if (session) stream.follow(session);
  };
  watch("value", enter);
  stream.start();
  bus.hear("opened", (id) => list.markOpen(id));
  bus.hear("corrected", (song) => list.correct(song));
  bus.hear("renew", ({ id, keep }) => trigger("renew", { ids: [id], keep }));
  bus.hear("added", (added) => list.hearOfAdded(added));
}

class SongList {
  constructor(element, trigger) {
    this.trigger = trigger;
    this.rows = new Map(); // id -> Row, in the order of the list
    this.opened = null;
    this.wanted = null; // id of the song to open as soon as it is ready
    this.heard = false; // whether a list has come
    this.repeated = null; // id of a song that was added again
    this.shelf = new Shelf(trigger, () => this.songs);
    this.head = new Head(this.shelf, {
      find: (words) => this.find(words),
      cancel: () => this.cancelAll(),
    });
    this.list = make("ul", { "aria-label": "Songs", tabindex: -1 });
    this.news = make("div", { class: "visually-hidden", role: "status" });
    element.append(this.head.element, this.list, this.news);
    // These can be seen without songs, too.
    element.closest(".gradio-container").append(this.shelf.dialog, this.shelf.toast);
  }

  get songs() {
    return [...this.rows.values()].map((row) => row.song);
  }

  // ids: of all songs in their order; songs: the lines that changed; bin: removed songs.
  update({ ids, songs: changed, bin, session, kept }) {
    const before = this.rows;
    this.rows = new Map();
    const lines = new Map(changed.map((song) => [song.id, song]));
    for (const id of ids) {
      if (!before.has(id) && !lines.has(id)) continue; // its line comes next
      const row = before.get(id) || this.makeRow(lines.get(id));
      if (lines.has(id)) {
        if (this.heard) this.announce(row.song, lines.get(id));
        row.update(lines.get(id));
      }
      this.rows.set(id, row);
    }
    for (const [id, row] of before) if (!this.rows.has(id)) this.drop(id, row);
    this.heard = true;
    this.arrange();
    const { songs } = this;
    const fresh = songs.length > 0 && before.size === 0;
    // The page has made room when the first files were chosen: an empty list does not take it back.
    if (songs.length || before.size) document.body.classList.toggle("has-songs", songs.length > 0);
    document.body.classList.toggle("has-bin", bin.length > 0);
    // The first one will be drawn soon. An error is shown then.
    if (fresh) loadPlotly().catch(() => {});
    this.head.update(songs, bin);
    this.shelf.update(songs, bin);
    bus.say("songs", { songs, session, kept });
    this.showWanted();
  }

  // Put the elements of new and restored songs where they belong.
  arrange() {
    let place = this.list.firstElementChild;
    for (const { element } of this.rows.values()) {
      if (element === place) place = place.nextElementSibling;
      else this.list.insertBefore(element, place);
    }
  }

  drop(id, row) {
    row.element.remove();
    if (id === this.opened) bus.say("close", id);
  }

  // The song to open of those just added. again: it was in the list already.
  hearOfAdded({ id, again }) {
    if (!id) return; // another song is to be opened
    this.wanted = id;
    if (again) this.repeated = id;
    this.showWanted();
  }

  showWanted() {
    const row = this.rows.get(this.wanted);
    if (!row) return;
    row.element.scrollIntoView({ block: "nearest" });
    if (this.repeated === this.wanted) bus.say("again", row.song);
    this.repeated = null;
    if (!row.song.ready) return;
    this.wanted = null;
    if (row.song.id !== this.opened) bus.say("offer", row.song);
  }

  makeRow(song) {
    return new Row(song, this.trigger, (row) => {
      this.wanted = null; // the user has chosen
      bus.say("open", row.song);
      this.head.expand(false);
    });
  }

  find(words) {
    for (const row of this.rows.values()) row.element.hidden = !row.matches(words);
  }

  cancelAll() {
    bus.say("cancel all");
    const ids = this.songs.filter(({ state }) => !(state in ENDED)).map(({ id }) => id);
    if (ids.length) this.trigger("cancel", { ids });
  }

  announce(before, now) {
    if (before.state === now.state || !(now.state in ENDED)) return;
    this.news.textContent =
      now.state === "failed" ? now.message : `${now.title}: ${ENDED[now.state]}`;
  }

  // A corrected song; the corrections announce it themselves.
  correct(song) {
    const row = this.rows.get(song.id);
    if (row) row.update(song);
  }

  markOpen(id) {
    this.opened = id;
    for (const row of this.rows.values()) row.markOpen(row.song.id === id);
  }
}
