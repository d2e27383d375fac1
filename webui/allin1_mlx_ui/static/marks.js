// What was corrected, marked in the row of sections, and grips to drag: those of the boundaries of
// the selected section, of all boundaries while the panel is open, and of the beat at the playhead.

import { make } from "./bus.js";

const SLACK = 4; // pixels that a press may move and still be a click
const ROOM = 0.1; // seconds that a section lasts at least
const CLOSEST = 0.03; // seconds between two beats

export class Marks {
  constructor(view) {
    this.view = view;
    this.editing = false;
    this.edges = make("div", { class: "marks", "aria-hidden": "true" });
    this.ghosts = make("div", { class: "marks", "aria-hidden": "true" });
    this.beat = make("div", { class: "grip beat", hidden: true, "aria-hidden": "true" });
    this.beat.addEventListener("pointerdown", (event) => this.take(event, this.holdBeat()));
  }

  setEditing(editing) {
    this.editing = editing;
    this.edges.classList.toggle("editing", editing);
    this.place();
  }

  show(sheet) {
    const { rows } = this.view;
    const edges = sheet.sections.slice(1).map((section) => {
      const edge = make("div", { class: section.moved ? "grip edge moved" : "grip edge" });
      edge.addEventListener("pointerdown", (event) => this.take(event, this.holdEdge(event)));
      return edge;
    });
    this.edges.replaceChildren(...edges);
    this.ghosts.replaceChildren(
      ...sheet.corrections.ghosts.map(() => make("div", { class: "ghost" })),
    );
    const fit = (element, top, bottom) => {
      element.style.top = `${top}px`;
      element.style.height = `${bottom - top}px`;
    };
    fit(this.edges, rows.ruler[0], rows.sections[1]);
    fit(this.ghosts, ...rows.sections);
    fit(this.beat, ...rows.wave);
  }

  place() {
    const { sheet, player } = this.view;
    if (!sheet) return;
    this.put(this.edges, sheet.sections.slice(1).map((s) => s.start));
    const { selected } = this.view;
    [...this.edges.children].forEach((edge, i) => {
      edge.classList.toggle("near", selected >= 0 && (i === selected - 1 || i === selected));
    });
    this.put(this.ghosts, sheet.corrections.ghosts);
    const index = sheet.nearestBeat(player.position);
    const idle = this.editing && !player.playing && index >= 0;
    this.beat.hidden = !idle || !this.view.isVisible(sheet.beats[index]);
    if (!this.beat.hidden && !this.held) this.putAt(this.beat, sheet.beats[index]);
  }

  put(layer, times) {
    times.forEach((time, i) => {
      const element = layer.children[i];
      if (!element || element === this.held) return;
      element.hidden = !this.view.isVisible(time);
      this.putAt(element, time);
    });
  }

  putAt(element, time) {
    element.style.transform = `translateX(${this.view.toX(time)}px)`;
  }

  // Grips may overlap: take the boundary nearest to the pointer.
  holdEdge(event) {
    const { view } = this;
    const { sections } = view.sheet;
    const x = event.clientX - view.element.getBoundingClientRect().left;
    let index = 1;
    sections.forEach(({ start }, i) => {
      const nearer = Math.abs(view.toX(start) - x) < Math.abs(view.toX(sections[index].start) - x);
      if (i > 0 && nearer) index = i;
    });
    const at = sections[index].start;
    const limits = [sections[index - 1].start + ROOM, sections[index].end - ROOM];
    return {
      element: this.edges.children[index - 1],
      at,
      limits,
      shift: (time) => view.names.shiftEdge(time === null ? null : index, time),
      target: (time, free) => (free ? time : view.sheet.nearestBar(time, limits)),
      done: (to, free) => ({ do: "move_boundary", at, to, snap: !free }),
      clicked: (time) => this.report("choose", view.sheet.sectionAt(time)),
    };
  }

  holdBeat() {
    const { beats } = this.view.sheet;
    const index = this.view.sheet.nearestBeat(this.view.player.position);
    const at = beats[index];
    const before = index > 0 ? beats[index - 1] + CLOSEST : 0;
    const after = index + 1 < beats.length ? beats[index + 1] - CLOSEST : this.view.length;
    return {
      element: this.beat,
      at,
      limits: [before, after],
      shift: () => {},
      target: (time) => time,
      done: (to) => ({ do: "move_beat", at, to }),
      clicked: (time) => this.report("seek", time),
    };
  }

  take(event, held) {
    if (event.button !== 0 || this.held) return;
    event.stopPropagation();
    event.preventDefault();
    this.held = held.element;
    new Hold(this, held, event);
  }

  report(type, detail) {
    this.view.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

// A grip that a pointer holds, from the press to the release.
export class Hold {
  // marks: has view, held, putAt(), report() and place(). held: { element, at, limits, shift,
  // target, done, clicked } as holdEdge and holdBeat return it; its `event` is "correct" by default.
  constructor(marks, held, event) {
    const { view } = marks;
    this.marks = marks;
    this.held = held;
    this.left = view.element.getBoundingClientRect().left;
    this.startX = event.clientX;
    this.offset = view.toX(held.at) - (this.startX - this.left); // the grip does not jump
    this.moved = false;
    this.free = event.altKey;
    this.time = held.at;
    this.listen(event);
  }

  listen(event) {
    const { element } = this.held;
    const listening = new AbortController();
    const { signal } = listening;
    const end = (last, done) => {
      listening.abort();
      this.end(last, done);
    };
    element.setPointerCapture(event.pointerId);
    element.classList.add("held");
    element.addEventListener("pointermove", (now) => this.move(now), { signal });
    element.addEventListener("pointerup", (last) => end(last, true), { signal });
    element.addEventListener("pointercancel", (last) => end(last, false), { signal });
    const onKey = (key) => {
      if (key.key === "Escape") end(event, false);
    };
    document.addEventListener("keydown", onKey, { signal });
  }

  get target() {
    return this.held.target(this.time, this.free);
  }

  move(event) {
    event.stopPropagation(); // the timeline would point at the pointer
    this.moved = this.moved || Math.abs(event.clientX - this.startX) > SLACK;
    this.free = event.altKey;
    if (!this.moved) return;
    const { marks, held } = this;
    const { view } = marks;
    const [lowest, highest] = held.limits;
    const time = view.toTime(event.clientX - this.left + this.offset);
    this.time = Math.min(Math.max(time, lowest), highest);
    const { target } = this;
    marks.putAt(held.element, target);
    held.shift(target);
    view.point(view.toX(target));
  }

  // done: released; else the move is given up.
  end(event, done) {
    const { marks, held } = this;
    const { view } = marks;
    held.element.classList.remove("held");
    marks.held = null;
    view.point(null);
    const corrects = done && this.moved && Math.abs(this.target - held.at) > 0.001;
    if (!corrects) held.shift(null); // else the shift stays until the corrected song is drawn
    if (corrects) marks.report(held.event || "correct", held.done(this.time, this.free));
    else if (done && !this.moved) held.clicked(view.toTime(event.clientX - this.left));
    marks.place();
  }
}
