// Curves drawn anew for a part of the song, from the sheet's layers: one byte per frame.

const COLUMNS = 1400; // points of a curve in the view and half a view on either side

export class Detail {
  constructor(sheet) {
    this.sheet = sheet;
    this.drawn = [0, Infinity]; // the stretch that the curves cover, and how finely
    this.spacing = Infinity; // seconds between their points
  }

  // The x and y of all curves for a range of seconds on so many pixels; null if these are drawn.
  sharpen(traces, [from, to], width) {
    const { layers, fps } = this.sheet;
    const names = Object.keys(layers);
    if (!names.length) return null;
    const frames = layers[names[0]].length;
    const half = (to - from) / 2;
    const first = Math.max(Math.floor((from - half) * fps), 0);
    const last = Math.min(Math.ceil((to + half) * fps), frames);
    const pool = Math.max(Math.floor((last - first) / COLUMNS), 1);
    const covered = from >= this.drawn[0] && to <= this.drawn[1];
    const alike = this.spacing / pool < 1.5 && this.spacing / pool > 0.66;
    if (covered && alike) return null;
    this.drawn = [first / fps, last / fps];
    this.spacing = pool;
    const values = { x: [], y: [] };
    const indices = [];
    for (const name of names) {
      const index = traces.findIndex((trace) => trace.name === name);
      const curve = poolLayer(layers[name], first, last, pool, fps);
      const outline = traces[index].fill === "toself";
      values.x.push(outline ? [...curve.x, ...curve.x.slice().reverse()] : curve.x);
      values.y.push(outline ? [...curve.y, ...curve.y.map((y) => -y).reverse()] : curve.y);
      indices.push(index);
    }
    const hover = traces.findIndex((trace) => trace.name === "hover");
    const times = poolLayer(layers[names[0]], first, last, pool, fps).x;
    return this.withHover(values, indices, hover, times);
  }

  withHover(values, indices, hover, times) {
    const { sheet } = this;
    values.x.push(times);
    values.y.push(times.map(() => 0));
    values.hovertext = indices.map(() => undefined);
    values.hovertext.push(times.map((time) => escapeText(sheet.describe(time))));
    return { values, indices: [...indices, hover] };
  }
}

// The highest of each `pool` bytes, from 0 to 1.
function poolLayer(layer, first, last, pool, fps) {
  const x = [];
  const y = [];
  for (let start = first; start < last; start += pool) {
    let highest = 0;
    for (let i = start; i < Math.min(start + pool, last); i += 1) {
      if (layer[i] > highest) highest = layer[i];
    }
    x.push(start / fps);
    y.push(highest / 255);
  }
  return { x, y };
}

// Plotly reads some HTML in texts.
function escapeText(text) {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
}
