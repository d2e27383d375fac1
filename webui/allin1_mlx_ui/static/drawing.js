// What Plotly draws: the still part, such as the overview, and the moving part.
//
// The moving part is drawn a view's width beyond the view on both sides. As long as the view
// stays within it, and its scale near the one that was drawn, it is only transformed.

import { thinGrid } from "../timeline.js";
import { make } from "./bus.js";
import { loadPlotly } from "./plotly.js";
import { Detail } from "./detail.js";

const STRETCHED = 1.4; // how far a drawing may be stretched or squeezed while things move
const PATIENCE = 150; // milliseconds between two drawings while things move
const SETTLED = 120; // milliseconds without movement: draw at leisure, as fine as can be
const PLAIN = { staticPlot: true, responsive: false };

export class Drawing {
  constructor() {
    this.still = make("div", { class: "plot still", "aria-hidden": "true" });
    this.moving = make("div", { class: "plot moving", "aria-hidden": "true" });
    this.sheet = null;
    this.waiting = 0;
    this.last = Promise.resolve();
    this.view = { range: [0, 1], outer: 0 }; // what is to be seen; outer: pixels with margins
    this.drawn = { range: [0, 1], scale: 1, outer: 0 };
  }

  begin(sheet, grid, range, outer) {
    return this.exclusively(async () => {
      const { figure } = sheet;
      this.sheet = sheet;
      this.grid = grid;
      this.margin = figure.layout.meta.margin;
      this.length = figure.layout.meta.duration;
      this.detail = new Detail(sheet);
      this.view = { range, outer };
      this.lines = "";
      const isStill = (trace) => trace.xaxis === "x3";
      this.traces = figure.data
        .filter((trace) => !isStill(trace) && trace.name !== "hover")
        .map((trace) => (trace.name === "sections" ? { ...trace, textposition: "none" } : trace));
      this.index = new Map(this.traces.map((trace, index) => [trace.name, index]));
      const layout = { ...figure.layout, hovermode: false, width: outer };
      const moving = { ...structuredClone(layout), annotations: [] };
      await loadPlotly();
      await window.Plotly.react(this.still, figure.data.filter(isStill), layout, PLAIN);
      await window.Plotly.react(this.moving, this.traces, moving, PLAIN);
      await this.draw();
    });
  }

  // One after the other: Plotly does not like to be called while it draws.
  exclusively(task) {
    this.waiting += 1;
    const run = this.last.then(task).finally(() => {
      this.waiting -= 1;
    });
    this.last = run.catch(() => {}); // the caller sees the error; the next run starts over
    return run;
  }

  get busy() {
    return this.waiting > 0;
  }

  get scale() {
    const [from, to] = this.view.range;
    return Math.max(this.view.outer - 2 * this.margin, 1) / (to - from);
  }

  // Transform what is drawn so that it shows the view.
  place(range, outer) {
    this.view = { range, outer };
    const stretch = this.scale / this.drawn.scale;
    const left = (this.drawn.range[0] - range[0]) * this.scale + this.margin * (1 - stretch);
    this.moving.style.transform = `translateX(${left}px) scaleX(${stretch})`;
    if (stretch === 1) this.moving.style.transform = `translateX(${left}px)`;
  }

  get covers() {
    const { range } = this.view;
    return this.drawn.range[0] <= range[0] + 1e-9 && this.drawn.range[1] >= range[1] - 1e-9;
  }

  get stretch() {
    const ratio = this.scale / this.drawn.scale;
    return Math.max(ratio, 1 / ratio);
  }

  // Redraw if that can be seen, and always when nothing moves any more.
  refresh() {
    if (!this.sheet) return;
    clearTimeout(this.settling);
    this.settling = setTimeout(() => this.settle(), SETTLED);
    const poor = !this.covers || this.stretch > STRETCHED;
    const waited = performance.now() - (this.finished || 0) > PATIENCE;
    if (poor && waited && !this.busy) this.exclusively(() => this.draw());
  }

  settle() {
    this.exclusively(async () => {
      const { range, outer } = this.view;
      const near = Math.min(range[0] - this.drawn.range[0], this.drawn.range[1] - range[1]);
      const atEdge = this.drawn.range[0] === 0 || this.drawn.range[1] === this.length;
      const narrow = near < (range[1] - range[0]) / 4 && !atEdge;
      const exact = this.stretch < 1.001 && outer === this.drawn.outer;
      if (!exact || !this.covers || narrow) await this.draw();
      await this.sharpen();
    });
  }

  async draw() {
    const { range, outer } = this.view;
    const span = range[1] - range[0];
    const from = Math.max(range[0] - span, 0);
    const to = Math.min(range[1] + span, this.length);
    const { scale } = this;
    const pixels = (to - from) * scale;
    const { visible, numbers, times } = thinGrid(this.grid, [from, to], pixels);
    const change = {
      width: pixels + 2 * this.margin,
      "xaxis.range": [from, to],
      "xaxis2.range": [from, to],
      "xaxis.tickvals": numbers.tickvals,
      "xaxis.ticktext": numbers.ticktext,
      "xaxis2.tickvals": times.tickvals,
      "xaxis2.ticktext": times.ticktext,
    };
    await this.update(change, visible);
    if (this.drawn.outer !== outer) await window.Plotly.relayout(this.still, { width: outer });
    this.drawn = { range: [from, to], scale, outer };
    this.finished = performance.now();
    this.place(this.view.range, this.view.outer);
  }

  update(change, visible) {
    const lines = visible.join();
    if (lines === this.lines) return window.Plotly.relayout(this.moving, change);
    this.lines = lines;
    const indices = this.grid.lines.map(({ name }) => this.index.get(name));
    return window.Plotly.update(this.moving, { visible }, change, indices);
  }

  // Curves as fine as the screen can show.
  async sharpen() {
    const change = this.detail.sharpen(this.traces, this.view.range);
    if (!change) return;
    await window.Plotly.restyle(this.moving, change.values, change.indices);
    this.finished = performance.now();
  }
}
