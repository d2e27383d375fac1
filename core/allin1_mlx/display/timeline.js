// Thins the bar lines, beats and numbers of a timeline figure to what its width can carry.
// Times are seconds. Used as a module by the page, and written into saved pages by timeline.py.

const LINE_SPACING = 12; // pixels between bar lines, at least
const BEAT_SPACING = 7;
const NUMBER_SPACING = 38;
const TIME_SPACING = 76;
const LETTER_WIDTH = 6.8;
const FEWEST_LETTERS = 4; // of a name cut short, its ellipsis among them
const TIME_STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600];

// What thinning needs to know of a figure: its downbeats, and which trace holds which bars.
export function readGrid(figure) {
  const lines = [];
  const downbeats = [];
  let beats = 0;
  figure.data.forEach((trace, index) => {
    const step = trace.meta ? trace.meta.step : undefined;
    if (step === undefined) return;
    const times = timesOf(trace);
    lines.push({ index, step, name: trace.name });
    if (step > 0) downbeats.push(...times);
    else beats = Math.max(beats, times.length);
  });
  downbeats.sort((a, b) => a - b);
  const { firstBar } = figure.layout.meta;
  return { lines, downbeats, firstBar, beats: beats + downbeats.length };
}

function timesOf(trace) {
  return unpack(trace.x).filter((_, i) => i % 3 === 0);
}

const ARRAYS = {
  f8: Float64Array,
  f4: Float32Array,
  i4: Int32Array,
  i2: Int16Array,
  i1: Int8Array,
  u1: Uint8Array,
};

// Numbers of a figure as an array: Python sends them packed in base64.
export function unpack(numbers) {
  if (!numbers || !numbers.bdata) return Array.from(numbers || []);
  const bytes = Uint8Array.from(atob(numbers.bdata), (c) => c.charCodeAt(0));
  return Array.from(new ARRAYS[numbers.dtype](bytes.buffer));
}

// The coarsest view's first: which steps of bars to draw, and the ticks of both time axes.
export function thinGrid(grid, [from, to], width) {
  const scale = width / (to - from); // pixels per second
  const { downbeats } = grid;
  const bars = Math.max(downbeats.length - 1, 1);
  const bar = downbeats.length > 1 ? (downbeats[downbeats.length - 1] - downbeats[0]) / bars : 2;
  const stepFor = (spacing) => 2 ** Math.max(0, Math.ceil(Math.log2(spacing / (bar * scale))));
  const lineStep = Math.min(stepFor(LINE_SPACING), 64);
  const beat = (bar * downbeats.length) / Math.max(grid.beats, 1);
  const visible = grid.lines.map(({ step }) =>
    step === 0 ? beat * scale >= BEAT_SPACING : step >= lineStep,
  );
  const numberStep = stepFor(NUMBER_SPACING);
  const numbers = { tickvals: [], ticktext: [] };
  downbeats.forEach((time, index) => {
    const number = grid.firstBar + index;
    if ((number - 1) % numberStep || time < from || time > to) return;
    numbers.tickvals.push(time);
    numbers.ticktext.push(String(number));
  });
  return { visible, numbers, times: timeTicks(from, to, scale) };
}

function timeTicks(from, to, scale) {
  const step = TIME_STEPS.find((s) => s * scale >= TIME_SPACING) || 7200;
  const tickvals = [];
  for (let n = Math.ceil(from / step); n * step <= to; n += 1) tickvals.push(n * step);
  return { tickvals, ticktext: tickvals.map((t) => writeTime(t, step < 1 ? 1 : 0)) };
}

// A section's name, with its bars where there is room for them; "V2" or cut short where there is
// little room, and nothing where there is none. A letter of a saved page may be written as "&amp;".
export function fitLabel(text, pixels) {
  const letters = (t) => t.match(/&#?\w+;|./gsu) || [];
  const room = Math.floor(pixels / LETTER_WIDTH);
  const [name] = text.split(" · ");
  const numbered = name.match(/^(\p{L})\p{L}* (\d+)$/u); // "verse 2" may become "V2"
  const short = numbered ? numbered[1].toUpperCase() + numbered[2] : name;
  const whole = [text, name, short].find((t) => letters(t).length <= room);
  if (whole !== undefined) return whole;
  if (room < FEWEST_LETTERS) return "";
  return `${letters(name).slice(0, room - 1).join("").trimEnd()}…`;
}

// 83.46 is "1:23", or "1:23.5" with one decimal; from an hour on "1:02:03".
export function writeTime(seconds, decimals) {
  const unit = 10 ** decimals;
  const whole = Math.round(Math.max(seconds, 0) * unit);
  const minutes = Math.floor(whole / (60 * unit));
  const rest = (whole / unit - 60 * minutes).toFixed(decimals);
  const hours = Math.floor(minutes / 60);
  const head = hours ? `${hours}:${String(minutes % 60).padStart(2, "0")}` : minutes;
  return `${head}:${rest.padStart(decimals ? decimals + 3 : 2, "0")}`;
}

// Of a saved page: thin again whenever the view changes, and show it in the overview.
export function attachThinning(plotly, id) {
  const figure = document.getElementById(id);
  const grid = readGrid(figure);
  const blocks = figure.data.findIndex((trace) => trace.name === "sections");
  const { text } = figure.data[blocks];
  const width = unpack(figure.data[blocks].width);
  const refresh = async () => {
    const { margin, rows } = figure.layout.meta;
    const range = figure.layout.xaxis.range.map(Number);
    const pixels = figure.clientWidth - 2 * margin;
    const thinned = thinGrid(grid, range, pixels);
    const scale = pixels / (range[1] - range[0]);
    const labels = Array.from(text, (t, i) => fitLabel(t, width[i] * scale));
    const height = figure.layout.height;
    await plotly.restyle(figure, { text: [labels] }, [blocks]);
    await plotly.restyle(
      figure,
      { visible: thinned.visible },
      grid.lines.map((line) => line.index),
    );
    await plotly.relayout(figure, {
      "xaxis.tickvals": thinned.numbers.tickvals,
      "xaxis.ticktext": thinned.numbers.ticktext,
      "xaxis2.tickvals": thinned.times.tickvals,
      "xaxis2.ticktext": thinned.times.ticktext,
      shapes: [
        {
          type: "rect",
          xref: "x3",
          yref: "paper",
          x0: range[0],
          x1: range[1],
          y0: 1 - rows.overview[1] / height,
          y1: 1 - rows.overview[0] / height,
          line: { width: 2 },
          fillcolor: "rgba(128,128,128,0.15)",
        },
      ],
    });
  };
  let refreshing = false;
  figure.on("plotly_relayout", async (change) => {
    const moved = Object.keys(change).some((key) => /^xaxis2?\.(range|autorange)/.test(key));
    if (!moved || refreshing) return;
    refreshing = true;
    await refresh();
    refreshing = false;
  });
  refresh();
}
