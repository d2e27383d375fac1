// Changes the pitch: reads the stretched song faster or slower than it was made.
//
// A windowed sinc (Blackman), its cutoff below both sample rates. Output frame n is the input at
// n * ratio, exactly: the pitch changes by `ratio`, to within the precision of the numbers.

const ZEROS = 16; // zero crossings of the sinc on either side
const PHASES = 512; // of the table between two input frames

export class Resampler {
  // ratio: input frames for each output frame.
  constructor(ratio) {
    const cutoff = Math.min(1, 1 / ratio) * 0.96;
    this.ratio = ratio;
    this.half = Math.ceil(ZEROS / cutoff); // input frames on either side
    this.table = makeTable(cutoff, this.half);
    this.left = new Float32Array(0); // input from frame `first` on
    this.right = new Float32Array(0);
    this.first = -this.half; // before the first frame there is silence
    this.append(new Float32Array(this.half), new Float32Array(this.half));
    this.given = 0; // output frames so far
  }

  // The number of further input frames that `count` output frames need.
  lacking(count) {
    const last = Math.floor((this.given + count - 1) * this.ratio) + this.half + 1;
    return Math.max(last - (this.first + this.left.length), 0);
  }

  append(left, right) {
    this.left = join(this.left, left);
    this.right = join(this.right, right);
  }

  // Write `count` output frames; the input must be there.
  read(count, left, right) {
    const { half, ratio, table } = this;
    const taps = 2 * half;
    for (let n = 0; n < count; n += 1) {
      const place = (this.given + n) * ratio;
      const whole = Math.floor(place);
      const phase = (place - whole) * PHASES;
      const row = Math.floor(phase);
      const share = phase - row;
      const from = whole - half + 1 - this.first;
      const at = row * taps;
      let a = 0;
      let b = 0;
      for (let k = 0; k < taps; k += 1) {
        const weight = table[at + k] + share * (table[at + taps + k] - table[at + k]);
        a += weight * this.left[from + k];
        b += weight * this.right[from + k];
      }
      left[n] = a;
      right[n] = b;
    }
    this.given += count;
    this.forget();
  }

  // Drop the input that is no longer needed.
  forget() {
    const count = Math.floor(this.given * this.ratio) - this.half - this.first;
    if (count <= 0) return;
    this.left = this.left.slice(count);
    this.right = this.right.slice(count);
    this.first += count;
  }
}

// Row p holds the weights of the input frames around a place p / PHASES after a frame.
function makeTable(cutoff, half) {
  const table = new Float64Array((PHASES + 1) * 2 * half);
  for (let p = 0; p <= PHASES; p += 1) {
    for (let k = 0; k < 2 * half; k += 1) {
      const x = k - half + 1 - p / PHASES;
      const angle = Math.PI * (1 + x / half);
      const window =
        Math.abs(x) >= half ? 0 : 0.42 - 0.5 * Math.cos(angle) + 0.08 * Math.cos(2 * angle);
      const sinc = x === 0 ? 1 : Math.sin(Math.PI * cutoff * x) / (Math.PI * cutoff * x);
      table[p * 2 * half + k] = cutoff * sinc * window;
    }
  }
  return table;
}

function join(one, other) {
  const both = new Float32Array(one.length + other.length);
  both.set(one);
  both.set(other, one.length);
  return both;
}
