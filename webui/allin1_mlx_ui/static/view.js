// The timeline: Python's figure, drawn by Plotly, and what is laid over it.
//
// Plotly draws more than is in view; moving and zooming only transform what is drawn, and it is
// redrawn when that can be seen, not at every frame. Playhead, section names, selection, loop
// and the hover label are elements of their own. Everything that pointers do is decided here.

import { readGrid } from "../timeline.js";
import { make } from "./bus.js";
import { Drawing } from "./drawing.js";
import { LoopEdges } from "./loop_edges.js";
import { Marks } from "./marks.js";
import { Names } from "./names.js";
import { listenToPointers } from "./pointers.js";

const SHORTEST = 1; // seconds that can be shown, at least
const FOLLOW_AT = 0.92; // of the view: where following turns the page

export class View extends EventTarget {
  // element: where it all goes. player: has the position.
  constructor(element, player) {
    super();
    this.player = player;
    const overlay = (name) => make("div", { class: name, hidden: true });
    this.names = new Names(this);
    this.chosen = overlay("chosen");
    this.looped = overlay("looped");
    this.window = make("div", { class: "window" });
    this.playhead = make("div", { class: "playhead" });
    this.smallhead = make("div", { class: "playhead small" });
    this.hairline = overlay("hairline");
    this.hint = overlay("hint");
    this.drawing = new Drawing();
    this.marks = new Marks(this);
    this.loopEdges = new LoopEdges(this);
    const { still, moving } = this.drawing;
    element.append(
      still,
      moving,
      ...[this.names.shift, this.names.element],
      ...[this.chosen, this.looped, this.window, this.playhead, this.smallhead],
      ...[this.marks.ghosts, this.marks.edges, this.marks.beat],
      ...[this.loopEdges.element, this.hairline, this.hint],
    );
    this.element = element;
    this.following = true;
    this.astray = false; // the user has moved the view away from the playhead
    this.range = [0, 1];
    this.sheet = null;
    this.outer = 0; // pixels with margins; asking the browser for it at each use would cost much
    listenToPointers(this);
    new ResizeObserver(() => {
      this.outer = element.clientWidth;
      this.request();
    }).observe(element);
  }

  // Show a song. keep: stay where the view is, for a new version of the same song.
  async show(sheet, { keep = false } = {}) {
    const { figure } = sheet;
    this.sheet = sheet;
    this.rows = figure.layout.meta.rows;
    this.margin = figure.layout.meta.margin;
    this.length = figure.layout.meta.duration;
    this.element.style.height = `${figure.layout.height}px`;
    this.outer = this.element.clientWidth;
    this.names.show(sheet);
    this.fitRows();
    this.marks.show(sheet);
    if (!keep) {
      this.range = [0, this.length];
      this.select(-1);
    }
    await this.drawing.begin(sheet, readGrid(figure), this.range, this.outer);
    this.names.settle();
    this.place();
  }

  get width() {
    return Math.max(this.outer - 2 * this.margin, 1);
  }

  get scale() {
    return this.width / (this.range[1] - this.range[0]); // pixels per second
  }

  toX(time) {
    return this.margin + (time - this.range[0]) * this.scale;
  }

  toTime(x) {
    const time = this.range[0] + (x - this.margin) / this.scale;
    return Math.min(Math.max(time, 0), this.length);
  }

  // Of the overview, which always shows the whole song.
  toSmallX(time) {
    return this.margin + (time / this.length) * this.width;
  }

  toTimeInOverview(x) {
    return Math.min(Math.max((x - this.margin) / this.width, 0), 1) * this.length;
  }

  rowAt(y) {
    return Object.keys(this.rows).find((row) => y >= this.rows[row][0] && y < this.rows[row][1]);
  }

  setRange(from, to) {
    const span = Math.min(Math.max(to - from, SHORTEST), this.length);
    const start = Math.min(Math.max(from, 0), this.length - span);
    if (this.range[0] === start && this.range[1] === start + span) return;
    this.range = [start, start + span];
    this.dispatchEvent(new Event("range"));
    this.request();
  }

  // Show a passage and a little before and after it.
  fit(from, to) {
    const rim = 0.04 * (to - from);
    this.setRange(from - rim, to + rim);
    this.setAstray();
  }

  pan(seconds) {
    this.setRange(this.range[0] + seconds, this.range[1] + seconds);
    this.setAstray();
  }

  // factor below 1 shows less; `time` stays where it is on the screen.
  zoom(factor, time = this.zoomCentre()) {
    const [from, to] = this.range;
    const span = Math.min(Math.max((to - from) * factor, SHORTEST), this.length);
    const share = (time - from) / (to - from);
    this.setRange(time - share * span, time + (1 - share) * span);
    this.setAstray();
  }

  // After the user moved the view: following waits until the playhead is in it again.
  setAstray() {
    this.astray = !this.isVisible(this.player.position);
    this.dispatchEvent(new Event("range"));
  }

  zoomCentre() {
    const { position } = this.player;
    return this.isVisible(position) ? position : (this.range[0] + this.range[1]) / 2;
  }

  reset() {
    this.astray = false;
    this.setRange(0, this.length);
  }

  isVisible(time) {
    return time >= this.range[0] && time <= this.range[1];
  }

  // Bring a time into view, where the view should go along.
  reveal(time) {
    this.astray = false;
    this.dispatchEvent(new Event("range"));
    if (!this.isVisible(time)) this.turnTo(time);
  }

  turnTo(time) {
    const span = this.range[1] - this.range[0];
    this.setRange(time - 0.1 * span, time + 0.9 * span);
  }

  select(index) {
    this.selected = index;
    this.dispatchEvent(new Event("select"));
    this.place();
  }

  // Whether what is on the screen is not yet what it should be.
  get pending() {
    return Boolean(this.requested) || this.drawing.busy;
  }

  // Put everything in its place at the next frame of the screen.
  request() {
    if (!this.sheet || this.requested) return;
    this.requested = requestAnimationFrame(() => {
      this.requested = null;
      this.place();
      this.drawing.refresh();
    });
  }

  // Everything that lies over the figure gets its height from the figure's rows.
  fitRows() {
    const { rows } = this;
    const fit = (element, [top], [, bottom]) => {
      element.style.top = `${top}px`;
      element.style.height = `${bottom - top}px`;
    };
    const lowest = rows.activations || rows.tempo || rows.wave;
    // The bar numbers stay readable.
    for (const element of [this.looped, this.hairline, this.playhead]) {
      fit(element, rows.sections, lowest);
    }
    for (const element of [this.smallhead, this.window]) fit(element, rows.overview, rows.overview);
    for (const element of [this.chosen, this.names.element, this.names.shift]) {
      fit(element, rows.sections, rows.sections);
    }
    this.loopEdges.fit(rows);
    this.hint.style.top = `${rows.wave[0] + 6}px`;
  }

  place() {
    if (!this.sheet) return;
    this.drawing.place(this.range, this.outer);
    this.names.place();
    const section = this.sheet.sections[this.selected];
    this.placeBox(this.chosen, section && [section.start, section.end]);
    this.placeBox(this.looped, this.marked || this.player.loop);
    this.loopEdges.place();
    const [left, right] = this.range.map((t) => this.toSmallX(t));
    this.window.style.width = `${right - left}px`;
    this.window.style.transform = `translateX(${left}px)`;
    this.movePlayhead();
    this.marks.place();
    this.dispatchEvent(new Event("placed"));
  }

  placeBox(element, times) {
    const left = times ? Math.max(this.toX(times[0]), this.margin) : 0;
    const right = times ? Math.min(this.toX(times[1]), this.margin + this.width) : 0;
    element.hidden = right - left < 1;
    element.style.width = `${right - left}px`;
    element.style.transform = `translateX(${left}px)`;
  }

  movePlayhead() {
    const { position } = this.player;
    this.playhead.hidden = !this.isVisible(position);
    this.playhead.style.transform = `translateX(${this.toX(position)}px)`;
    this.smallhead.style.transform = `translateX(${this.toSmallX(position)}px)`;
  }

  // Say what lies under the pointer; null when it has left.
  point(x) {
    this.hairline.hidden = this.hint.hidden = x === null;
    if (x === null) return;
    this.hint.textContent = this.sheet.describe(this.toTime(x));
    const room = this.outer - this.hint.offsetWidth - 8;
    const beside = x + 12 > room ? x - 12 - this.hint.offsetWidth : x + 12;
    this.hairline.style.transform = `translateX(${x}px)`;
    this.hint.style.transform = `translateX(${Math.max(Math.min(beside, room), 0)}px)`;
  }

  // Once per frame of the screen while the song plays.
  tick() {
    if (!this.sheet) return;
    const { position } = this.player;
    const [from, to] = this.range;
    if (this.astray && this.isVisible(position)) this.setAstray();
    const due = position > from + FOLLOW_AT * (to - from) && to < this.length - 1e-6;
    if (this.following && !this.astray && (due || position < from)) this.turnTo(position);
    this.movePlayhead();
  }
}
