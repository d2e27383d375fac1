// Redraws curves for a part of the song from the sheet's layers: one byte per frame.

const COLUMNS = 1400; // points of a curve in the view and half a view on either side
const ELSEWHERE = 500; // points of it over the whole song, for what comes into view meanwhile

export class Detail {
  constructor(sheet) {
    this.sheet = sheet;
    this.drawn = [0, Infinity]; // the stretch that the curves cover finely
    this.pool = Infinity; // and how finely: frames that share a point
  }

  // The x and y of all curves for a range of seconds; null if they are drawn that finely already.
  sharpen(traces, [from, to]) {
    const { layers, fps } = this.sheet;
    const names = Object.keys(layers);
    if (!names.length) return null;
    const frames = layers[names[0]].length;
    const half = (to - from) / 2;
    const first = Math.max(Math.floor((from - half) * fps), 0);
    const last = Math.min(Math.ceil((to + half) * fps), frames);
    const pool = Math.max(Math.floor((last - first) / COLUMNS), 1);
    const covered = from >= this.drawn[0] && to <= this.drawn[1];
    if (covered && this.pool / pool < 1.5 && this.pool / pool > 0.66) return null;
    this.drawn = [first / fps, last / fps];
    this.pool = pool;
    const values = { x: [], y: [] };
    const indices = [];
    for (const name of names) {
      const trace = traces.findIndex((t) => t.name === name);
      const curve = this.sample(layers[name], first, last, pool);
      const outline = traces[trace].fill === "toself";
      values.x.push(outline ? [...curve.x, ...curve.x.slice().reverse()] : curve.x);
      values.y.push(outline ? [...curve.y, ...curve.y.map((y) => -y).reverse()] : curve.y);
      indices.push(trace);
    }
    return { values, indices };
  }

  // Finely from one frame to another, coarsely before and after.
  sample(layer, first, last, pool) {
    const wide = Math.max(Math.ceil(layer.length / ELSEWHERE), pool);
    const curve = { x: [], y: [] };
    const begin = first - (first % wide);
    this.append(curve, layer, 0, begin, wide);
    this.append(curve, layer, begin, last, pool);
    this.append(curve, layer, last, layer.length, wide);
    return curve;
  }

  // The highest of each `pool` bytes, from 0 to 1.
  append(curve, layer, first, last, pool) {
    for (let start = first; start < last; start += pool) {
      let highest = 0;
      for (let i = start; i < Math.min(start + pool, last); i += 1) {
        if (layer[i] > highest) highest = layer[i];
      }
      curve.x.push(start / this.sheet.fps);
      curve.y.push(highest / 255);
    }
  }
}
