// The timeline: Python's figure, drawn by Plotly, and what is laid over it.
//
// Playhead, section names, selection and loop are elements of their own, moved with `transform`;
// Plotly draws again only when the view itself changes, at most once per frame of the screen.
// Everything that pointers do is decided here: Plotly's own dragging is switched off.

import { fitLabel, readGrid, thinGrid } from "../timeline.js";
import { make } from "./bus.js";
import { Detail } from "./detail.js";
import { listenToPointers } from "./pointers.js";

const SHORTEST = 1; // seconds that can be shown, at least
const FOLLOW_AT = 0.92; // of the view: where following turns the page
const SETTLED = 140; // milliseconds without movement, then details are drawn

export class View extends EventTarget {
  // element: where it all goes. player: tells the position.
  constructor(element, player) {
    super();
    this.player = player;
    this.plot = make("div", { class: "plot", "aria-hidden": "true" });
    this.names = make("div", { class: "names", "aria-hidden": "true" });
    this.chosen = make("div", { class: "chosen", hidden: true });
    this.looped = make("div", { class: "looped", hidden: true });
    this.window = make("div", { class: "window" });
    this.playhead = make("div", { class: "playhead" });
    this.smallhead = make("div", { class: "playhead small" });
    const layers = [this.chosen, this.looped, this.window, this.playhead, this.smallhead];
    element.append(this.plot, this.names, ...layers);
    this.element = element;
    this.following = true;
    this.astray = false; // the user has moved the view away from the playhead
    this.range = [0, 1];
    this.sheet = null;
    listenToPointers(this);
    new ResizeObserver(() => this.refresh()).observe(element);
  }

  // Show a song. keep: stay where the view is, for a new version of the same song.
  async show(sheet, { keep = false } = {}) {
    const { figure } = sheet;
    this.sheet = sheet;
    this.grid = readGrid(figure);
    this.rows = figure.layout.meta.rows;
    this.margin = figure.layout.meta.margin;
    this.length = figure.layout.meta.duration;
    this.detail = new Detail(sheet);
    this.nameSections();
    this.fitRows();
    if (!keep) {
      this.range = [0, this.length];
      this.select(-1);
    }
    const layout = structuredClone(figure.layout);
    layout.xaxis.fixedrange = true;
    layout.xaxis2.fixedrange = true;
    layout.autosize = true;
    Object.assign(layout.xaxis, { range: this.range });
    Object.assign(layout.xaxis2, { range: this.range });
    const data = figure.data.map((trace) =>
      trace.name === "sections" ? { ...trace, textposition: "none" } : trace,
    );
    this.drawing = window.Plotly.react(this.plot, data, layout, {
      displayModeBar: false,
      doubleClick: false,
      responsive: false,
    });
    await this.drawing;
    this.element.style.height = `${layout.height}px`;
    this.shown = null;
    this.refresh();
  }

  get width() {
    return Math.max(this.element.clientWidth - 2 * this.margin, 1);
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
    this.refresh();
  }

  pan(seconds) {
    this.setRange(this.range[0] + seconds, this.range[1] + seconds);
    this.astray = !this.isVisible(this.player.position);
  }

  // factor below 1 shows less; `time` stays where it is on the screen.
  zoom(factor, time = this.zoomCentre()) {
    const [from, to] = this.range;
    const span = Math.min(Math.max((to - from) * factor, SHORTEST), this.length);
    const share = (time - from) / (to - from);
    this.setRange(time - share * span, time + (1 - share) * span);
    this.astray = !this.isVisible(this.player.position);
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

  // Draw the view's current range, once per frame of the screen.
  refresh() {
    if (!this.sheet || this.pending) return;
    this.pending = requestAnimationFrame(async () => {
      try {
        await this.drawing;
        await this.draw();
      } finally {
        this.pending = null;
      }
      if (this.isStale()) this.refresh();
      this.settle();
    });
  }

  isStale() {
    const { shown, range } = this;
    return !shown || shown[0] !== range[0] || shown[1] !== range[1] || shown[2] !== this.width;
  }

  draw() {
    const [from, to] = this.range;
    const { visible, numbers, times } = thinGrid(this.grid, this.range, this.width);
    const change = {
      "xaxis.range": [from, to],
      "xaxis2.range": [from, to],
      "xaxis.tickvals": numbers.tickvals,
      "xaxis.ticktext": numbers.ticktext,
      "xaxis2.tickvals": times.tickvals,
      "xaxis2.ticktext": times.ticktext,
    };
    const fitted = this.shown && this.shown[2] === this.width;
    if (!fitted) change.width = this.element.clientWidth;
    this.shown = [from, to, this.width];
    this.place();
    const steps = visible.join();
    if (steps === this.steps && fitted) return window.Plotly.relayout(this.plot, change);
    this.steps = steps;
    const lines = this.grid.lines.map((line) => line.index);
    return window.Plotly.update(this.plot, { visible }, change, lines);
  }

  // When the view has come to rest: curves as fine as the screen can show.
  settle() {
    clearTimeout(this.settling);
    const { sheet } = this;
    this.settling = setTimeout(() => {
      if (sheet !== this.sheet || this.pending) return;
      const change = this.detail.sharpen(this.plot.data, this.range, this.width);
      if (change) window.Plotly.restyle(this.plot, change.values, change.indices);
    }, SETTLED);
  }

  // Everything that lies over the figure gets its height from the figure's rows.
  fitRows() {
    const { rows } = this;
    const fit = (element, [top], [, bottom]) => {
      element.style.top = `${top}px`;
      element.style.height = `${bottom - top}px`;
    };
    fit(this.playhead, rows.ruler, rows[this.lowestRow]);
    fit(this.smallhead, rows.overview, rows.overview);
    fit(this.window, rows.overview, rows.overview);
    fit(this.chosen, rows.sections, rows.sections);
    fit(this.looped, rows.ruler, rows[this.lowestRow]);
    fit(this.names, rows.sections, rows.sections);
  }

  nameSections() {
    this.names.replaceChildren(...this.sheet.sections.map(() => make("span")));
  }

  // Put everything that lies over the figure where it belongs.
  place() {
    if (!this.sheet) return;
    this.placeNames();
    const section = this.sheet.sections[this.selected];
    this.placeBox(this.chosen, section && [section.start, section.end]);
    this.placeBox(this.looped, this.marked || this.player.loop);
    const [left, right] = this.range.map((t) => this.toSmallX(t));
    this.window.style.width = `${right - left}px`;
    this.window.style.transform = `translateX(${left}px)`;
    this.movePlayhead();
  }

  get lowestRow() {
    return this.rows.activations ? "activations" : "tempo";
  }

  placeNames() {
    const lowest = this.margin;
    const highest = this.margin + this.width;
    this.sheet.sections.forEach(({ start, end, label, bars }, index) => {
      const left = Math.max(this.toX(start), lowest);
      const right = Math.min(this.toX(end), highest);
      const element = this.names.children[index];
      const text = right - left < 8 ? "" : fitLabel(bars ? `${label} · ${bars}` : label, right - left);
      element.hidden = !text;
      if (!text) return;
      if (element.textContent !== text) element.textContent = text;
      element.style.width = `${right - left}px`;
      element.style.transform = `translateX(${left}px)`;
    });
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
    const x = this.toX(position);
    this.playhead.hidden = !this.isVisible(position);
    this.playhead.style.transform = `translateX(${x}px)`;
    this.smallhead.style.transform = `translateX(${this.toSmallX(position)}px)`;
  }

  // Once per frame of the screen while the song plays.
  tick() {
    if (!this.sheet) return;
    const { position } = this.player;
    const [from, to] = this.range;
    if (this.astray) this.astray = !this.isVisible(position);
    const due = position > from + FOLLOW_AT * (to - from) || position < from;
    if (this.following && !this.astray && due && to < this.length - 1e-6) this.turnTo(position);
    if (this.following && !this.astray && position < from) this.turnTo(position);
    this.movePlayhead();
  }
}
