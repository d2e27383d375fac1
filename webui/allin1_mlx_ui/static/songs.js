// The list of songs: where each stands, opening, cancelling, removing.
//
// The server sends the whole list whenever something changes; elements stay in place, so that
// focus and screen readers are not disturbed.

import { writeTime } from "../timeline.js";
import { bus, make } from "./bus.js";
import { loadPlotly } from "./plotly.js";

const ENDED = { done: "done", failed: "failed", cancelled: "cancelled" };

export function mount(element, { props, trigger, watch }) {
  const list = new SongList(element.querySelector(".songs"), trigger);
  const update = () => list.update(props.value || { songs: [] });
  watch("value", update);
  update();
  bus.hear("opened", (id) => list.markOpen(id));
  bus.hear("corrected", (song) => list.correct(song));
  bus.hear("renew", (wish) => trigger("renew", wish));
  // A laptop that wakes up may have lost the connection.
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && list.busy) trigger("follow");
  });
}

class SongList {
  constructor(element, trigger) {
    this.trigger = trigger;
    this.rows = new Map(); // id -> Row
    this.opened = null;
    this.wanted = null; // id of the song to open as soon as it is ready
    this.count = 0; // of songs added so far
    this.list = make("ul", { "aria-label": "Songs" });
    this.news = make("div", { class: "visually-hidden", role: "status" });
    this.toggle = make("button", { type: "button", class: "toggle", "aria-expanded": "false" });
    this.toggle.addEventListener("click", () => this.expand(!this.isOpen));
    element.append(this.toggle, this.list, this.news);
  }

  update({ songs, session, latest }) {
    const present = new Set(songs.map((song) => song.id));
    for (const [id, row] of this.rows) {
      if (present.has(id)) continue;
      row.element.remove();
      this.rows.delete(id);
      if (id === this.opened) bus.say("close", id);
    }
    for (const song of songs) {
      const row = this.rows.get(song.id) || this.add(song);
      this.announce(row.song, song);
      row.update(song);
    }
    const busy = songs.some((song) => !(song.state in ENDED));
    document.body.classList.toggle("has-songs", songs.length > 0);
    if (songs.length) loadPlotly(); // the first one will be drawn soon
    setText(this.toggle, `${songs.length} song${songs.length === 1 ? "" : "s"}`);
    if (busy !== this.busy) this.expand(busy || songs.some(({ state }) => state === "failed"));
    this.busy = busy;
    this.hearOfLatest(latest);
    bus.say("songs", { songs, session });
    this.openWanted();
  }

  // Show the song that was added last, even if it was in the list already.
  hearOfLatest(latest) {
    const row = latest && this.rows.get(latest.id);
    if (!row || latest.count === this.count) return;
    this.count = latest.count;
    this.wanted = latest.id;
    row.element.scrollIntoView({ block: "nearest" });
    if (latest.again) bus.say("again", row.song);
  }

  // On a small screen, show the list or only the number of songs.
  get isOpen() {
    return this.toggle.getAttribute("aria-expanded") === "true";
  }

  expand(open) {
    this.toggle.setAttribute("aria-expanded", String(open));
  }

  openWanted() {
    const row = this.rows.get(this.wanted);
    if (!row || !row.song.ready) return;
    this.wanted = null;
    if (row.song.id !== this.opened) bus.say("offer", row.song);
  }

  add(song) {
    const row = new Row(song, this.trigger, () => {
      this.wanted = null; // the user has chosen
      bus.say("open", row.song);
      this.expand(false);
    });
    this.rows.set(song.id, row);
    this.list.append(row.element);
    return row;
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

class Row {
  constructor(song, trigger, open) {
    this.song = { ...song, state: "new" };
    const ask = (event) => () => trigger(event, { id: song.id });
    this.name = make("button", { type: "button", class: "name", onclick: open });
    this.status = make("span", { class: "status" });
    this.bar = make("progress", { max: 1, "aria-label": `Progress of ${song.title}` });
    this.cancel = make("button", { type: "button", onclick: ask("cancel") }, "Cancel");
    this.retry = make("button", { type: "button", onclick: ask("retry") }, "Try again");
    this.remove = make("button", { type: "button", class: "quiet", onclick: ask("remove") }, "✕");
    const actions = make("span", { class: "actions" }, this.cancel, this.retry, this.remove);
    this.element = make("li", {}, this.name, this.status, this.bar, actions);
    this.cancel.setAttribute("aria-label", `Cancel ${song.title}`);
    this.retry.setAttribute("aria-label", `Try again: ${song.title}`);
    this.remove.setAttribute("aria-label", `Remove ${song.title}`);
    this.remove.title = "Remove this song and its files";
  }

  update(song) {
    this.song = song;
    const working = song.state === "working";
    const ended = song.state in ENDED;
    setText(this.name, song.title);
    setText(this.status, describe(song));
    this.name.disabled = !song.ready;
    this.name.title = song.title;
    this.element.dataset.state = song.state;
    this.bar.hidden = !working;
    this.bar.value = song.fraction;
    this.cancel.hidden = ended;
    this.retry.hidden = !["failed", "cancelled"].includes(song.state) || !song.retriable;
    this.remove.hidden = !ended;
  }

  markOpen(open) {
    this.element.classList.toggle("open", open);
    if (open) this.name.setAttribute("aria-current", "true");
    else this.name.removeAttribute("aria-current");
  }
}

function describe(song) {
  if (song.state === "queued") return song.stage || "waiting for its turn";
  if (song.state === "working") return `${song.stage} · ${Math.floor(100 * song.fraction)} %`;
  if (song.state === "cancelled") return "cancelled";
  if (song.state === "failed") return describeFailure(song);
  const bpm = song.bpm === null ? "no beat found" : `${song.bpm} BPM`;
  const sections = `${song.sections} section${song.sections === 1 ? "" : "s"}`;
  return `${bpm} · ${sections} · ${writeTime(song.duration, 0)}`;
}

// The reason, without the name, which stands above it.
function describeFailure({ name, message }) {
  const reason = message.startsWith(`${name}: `) ? message.slice(name.length + 2) : message;
  return reason && reason[0].toUpperCase() + reason.slice(1);
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
