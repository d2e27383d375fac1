// One song in the list: where it stands, and its buttons.

import { writeTime } from "../timeline.js";
import { make } from "./bus.js";

export const ENDED = { done: "done", failed: "failed", cancelled: "cancelled" };

export class Row {
  constructor(song, trigger, open) {
    this.song = { ...song, state: "new" };
    const ask = (event) => () => trigger(event, { ids: [song.id] });
    this.name = make("button", { type: "button", class: "name", onclick: () => open(this) });
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
    this.remove.title = "Move this song to the bin";
  }

  update(song) {
    this.song = song;
    const working = song.state === "working";
    const ended = song.state in ENDED;
    setText(this.name, song.title);
    setText(this.status, describe(song));
    this.name.disabled = !song.ready;
    this.name.title = song.name; // of its file
    this.element.dataset.state = song.unsaved ? "failed" : song.state;
    this.bar.hidden = !working;
    this.bar.value = song.fraction;
    this.cancel.hidden = ended;
    this.retry.hidden = !["failed", "cancelled"].includes(song.state) || !song.retriable;
    this.remove.hidden = !ended;
  }

  // Whether its title or its file's name holds all words that the user looks for.
  matches(words) {
    const name = `${this.song.title} ${this.song.name}`.toLowerCase();
    return words.every((word) => name.includes(word));
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
  if (song.unsaved) return song.unsaved;
  const bpm = song.bpm === null ? "no beat found" : `${song.bpm} BPM`;
  const sections = `${song.sections} section${song.sections === 1 ? "" : "s"}`;
  const size = song.size < 1e5 ? "" : ` · ${writeSize(song.size)}`; // without its sound
  return `${bpm} · ${sections} · ${writeTime(song.duration, 0)}${size}`;
}

export function writeSize(bytes) {
  return bytes < 1e8 ? `${(bytes / 1e6).toFixed(1)} MB` : `${Math.round(bytes / 1e6)} MB`;
}

// The reason, without the name, which stands above it.
function describeFailure({ name, message }) {
  const reason = message.startsWith(`${name}: `) ? message.slice(name.length + 2) : message;
  return reason && reason[0].toUpperCase() + reason.slice(1);
}

export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
