// The song at any speed without a change of pitch, and its clicks, sample by sample.
//
// WSOLA (Verhelst & Roelands 1993): pieces of the song are laid over each other so that each
// continues the one before as well as it can. Where a piece was taken from is known to the
// sample, so a click sounds when its moment of the song sounds, at every speed. Positions are
// frames of the song; the output has the song's sample rate.

const HOP = 1024; // frames of the output from piece to piece, 23 ms
const REACH = 640; // how far a piece may be moved to fit, 15 ms
const SEAM = 256; // cross-fade where a loop begins again

const RISE = Float32Array.from({ length: HOP }, (_, i) => 0.5 - 0.5 * Math.cos((Math.PI * i) / HOP));

export class Stretcher {
  // tape: has read() and has(), see tape.js; null for silence. frames: length of the song.
  // clicks: increasing [{ frame, sound }], sound a Float32Array.
  constructor({ tape, frames, clicks }) {
    this.tape = tape;
    this.frames = frames;
    this.clicks = clicks;
    this.speed = 1;
    this.loop = null; // [from, to) in frames
    this.ringing = []; // clicks that sound on: { sound, at }
    this.left = new Float32Array(2 * HOP + 2 * REACH);
    this.right = new Float32Array(2 * HOP + 2 * REACH);
    this.seek(0);
  }

  // Go on at a frame. The first piece is taken from just there, so that no attack is lost.
  seek(frame) {
    this.start = frame; // where this run of pieces began in the song
    this.hops = 0;
    this.source = frame; // where the last piece was taken from
    this.used = HOP; // frames of the current hop that have been given out
    this.hop = { left: new Float32Array(HOP), right: new Float32Array(HOP), click: null };
    this.nextClick = this.clicks.findIndex((click) => click.frame >= frame);
    if (this.nextClick < 0) this.nextClick = this.clicks.length;
    this.given = 0; // frames of the output since `start`
  }

  // The position that the output has reached.
  get position() {
    return this.start + this.given * this.speed;
  }

  get end() {
    return this.loop && this.start < this.loop[1] ? this.loop[1] : this.frames;
  }

  // The frames of the song that the next `count` frames of output may need.
  need(count) {
    const from = Math.floor(this.position);
    const reach = 2 * HOP + REACH + SEAM;
    const ahead = [from - reach, from + Math.ceil(count * this.speed) + reach];
    if (!this.loop) return [ahead];
    return [ahead, [this.loop[0] - reach, this.loop[0] + Math.ceil(count * this.speed) + reach]];
  }

  // Fill three arrays of one length. Gives { spans, length }: length is less than theirs only at
  // the song's end; each span says that from output frame `at` on the song goes on at `frame`.
  render(left, right, click) {
    const spans = [{ at: 0, frame: this.position }];
    let filled = 0;
    while (filled < left.length) {
      const remaining = Math.round((this.end - this.start) / this.speed) - this.given;
      if (remaining <= 0) {
        if (!this.loop || this.start >= this.loop[1]) break;
        this.wrap();
        spans.push({ at: filled, frame: this.position });
        continue;
      }
      if (this.used === HOP) this.makeHop();
      const count = Math.min(HOP - this.used, left.length - filled, remaining);
      const stop = this.used + count;
      left.set(this.hop.left.subarray(this.used, stop), filled);
      right.set(this.hop.right.subarray(this.used, stop), filled);
      for (const start of this.hop.clicks) {
        if (start.at >= this.used && start.at < stop) {
          this.ringing.push({ sound: start.sound, at: start.at - this.used + filled });
        }
      }
      this.used = stop;
      this.given += count;
      filled += count;
    }
    this.ring(click, filled);
    return { spans, length: filled };
  }

  // Begin the loop again; what would have come fades out under it.
  wrap() {
    const tail = { left: new Float32Array(SEAM), right: new Float32Array(SEAM) };
    this.read(this.source + this.used, SEAM);
    tail.left.set(this.left.subarray(0, SEAM));
    tail.right.set(this.right.subarray(0, SEAM));
    this.seek(this.loop[0]);
    this.makeHop();
    for (let i = 0; i < SEAM; i += 1) {
      const rise = i / SEAM;
      this.hop.left[i] = rise * this.hop.left[i] + (1 - rise) * tail.left[i];
      this.hop.right[i] = rise * this.hop.right[i] + (1 - rise) * tail.right[i];
    }
  }

  // The next HOP frames of the output: the last piece fades out, the next one in.
  makeHop() {
    const { hop } = this;
    hop.clicks = [];
    this.used = 0;
    if (this.hops === 0 || this.speed === 1) {
      // Nothing to fade from, or the next piece is what comes anyway.
      this.source = this.start + this.hops * HOP;
      this.read(this.source, HOP);
      hop.left.set(this.left.subarray(0, HOP));
      hop.right.set(this.right.subarray(0, HOP));
      this.takeClicks(this.source, 0, HOP);
    } else {
      const old = this.source + HOP;
      // The middle of a piece is where it is loudest: that is what has to be in time.
      const middle = this.start + (this.hops + 1) * HOP * this.speed;
      const source = this.findSimilar(old, Math.round(middle) - HOP);
      this.read(old, HOP);
      hop.left.set(this.left.subarray(0, HOP));
      hop.right.set(this.right.subarray(0, HOP));
      this.read(source, HOP);
      for (let i = 0; i < HOP; i += 1) {
        hop.left[i] += RISE[i] * (this.left[i] - hop.left[i]);
        hop.right[i] += RISE[i] * (this.right[i] - hop.right[i]);
      }
      this.source = source;
      this.takeClicks(old, 0, HOP / 2);
      this.takeClicks(source, HOP / 2, HOP);
    }
    this.hops += 1;
  }

  // Clicks of the hop's output frames [begin, end), where output frame i is song frame source + i.
  takeClicks(source, begin, end) {
    while (this.nextClick < this.clicks.length) {
      const { frame, sound } = this.clicks[this.nextClick];
      if (frame >= source + end || frame >= this.end) return;
      this.hop.clicks.push({ sound, at: Math.max(frame - source, begin) });
      this.nextClick += 1;
    }
  }

  // Where near `wanted` the song is most like what comes after the last piece, at `old`.
  findSimilar(old, wanted) {
    const model = this.readMono(old, HOP);
    const field = this.readMono(wanted - REACH, HOP + 2 * REACH);
    const coarse = best(model, field, 0, 2 * REACH, 4);
    const fine = best(model, field, Math.max(coarse - 4, 0), Math.min(coarse + 4, 2 * REACH), 1);
    return wanted - REACH + fine;
  }

  readMono(from, count) {
    this.read(from, count);
    const mono = new Float32Array(count);
    for (let i = 0; i < count; i += 1) mono[i] = this.left[i] + this.right[i];
    return mono;
  }

  read(from, count) {
    if (this.tape) this.tape.read(from, count, this.left, this.right);
  }

  // Mix what rings of all clicks into `click`; a click ends where the next one begins.
  ring(click, length) {
    click.fill(0);
    this.ringing.forEach((voice, index) => {
      const following = this.ringing[index + 1];
      const first = Math.max(voice.at, 0);
      const last = Math.min(voice.at + voice.sound.length, following ? following.at : length, length);
      for (let i = first; i < last; i += 1) click[i] = voice.sound[i - voice.at];
    });
    for (const voice of this.ringing) voice.at -= length;
    const last = this.ringing[this.ringing.length - 1];
    this.ringing = last && last.at + last.sound.length > 0 ? [last] : [];
  }
}

// The offset in [from, to] at which `field` correlates best with `model`, every `step`-th sample.
function best(model, field, from, to, step) {
  let found = from;
  let highest = -Infinity;
  for (let offset = from; offset <= to; offset += step) {
    let product = 0;
    let energy = 1e-6;
    for (let i = 0; i < model.length; i += step) {
      const value = field[offset + i];
      product += model[i] * value;
      energy += value * value;
    }
    const score = product / Math.sqrt(energy);
    if (score > highest) {
      highest = score;
      found = offset;
    }
  }
  return found;
}
