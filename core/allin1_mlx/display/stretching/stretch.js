// The song at any speed without a change of pitch, sample by sample, and the times of its clicks.
//
// WSOLA (Verhelst & Roelands 1993): pieces of the song overlap, and each is chosen to continue the
// one before as well as possible. Attacks would sound twice, or late, that way. So a new run of
// pieces begins at each beat and each attack, exactly in time; its first piece is the unchanged
// song, and the stretching happens between two runs. A click sounds with its frame of the song.
// Positions are frames of the song; the output has the song's sample rate.

import { findAttack } from "./attack.js";
import { CountIn } from "./count_in.js";
import { lastAtMost } from "./search.js";
import { findOffset } from "./similar.js";

const HOP = 1024; // frames of the output from piece to piece, 23 ms
const REACH = 640; // how far a piece may be moved to fit, 15 ms
const NUDGE = 160; // how far the first piece of a run may be, 3.6 ms
const SEAM = 384; // cross-fade into the first piece of a run, 9 ms
const SHORTEST = 2646; // frames between two runs' beginnings, 60 ms
const LONGEST = 44100; // frames of a run

// Attacks come up to 12 ms before their beat: a run starts that much earlier.
export const LEAD = 529;
const GUARD = LEAD + 441; // frames of a run that are never played twice: the attack

const RISE = Float32Array.from({ length: HOP }, (_, i) => 0.5 - 0.5 * Math.cos((Math.PI * i) / HOP));

export class Stretcher {
  // tape: has read() and has(), see tape.js; null for silence. frames: length of the song.
  // clicks: [{ frame, sound }] in order. beats: frames in order, where runs begin.
  constructor({ tape, frames, clicks, beats }) {
    this.tape = tape;
    this.frames = frames;
    this.clicks = clicks;
    this.clickFrames = clicks.map((click) => click.frame);
    this.beats = beats;
    this.speed = 1;
    this.loop = null; // [from, to) in frames
    this.round = 0; // rounds of the loop that are complete
    this.onRound = () => {}; // called at the start of each further round; may change the speed
    this.planCountIn = null; // frame -> { length, clicks } in frames at full speed, or null
    this.left = new Float32Array(LONGEST + 4 * HOP);
    this.right = new Float32Array(LONGEST + 4 * HOP);
    this.seek(0);
  }

  // Go on at a frame.
  seek(frame) {
    this.silent = false; // whether the next run fades in from silence
    this.counting = null; // the count-in that is being played
    this.origin = frame; // the frame of the song at output frame 0
    this.given = 0; // frames of output so far
    this.source = frame - HOP; // where the last piece was taken from
    this.hop = { left: new Float32Array(HOP), right: new Float32Array(HOP), clicks: [] };
    this.used = HOP; // frames of the hop that are in the output
    this.run = null;
    this.upcoming = frame; // where the next run begins in the song
    this.findClick(frame);
  }

  // Go on at a frame, so that an attack there is complete. counted: after a count-in.
  start(frame, { counted = false } = {}) {
    this.seek(frame - LEAD);
    this.origin = frame - LEAD * this.speed;
    this.silent = true;
    this.findClick(frame);
    if (counted) this.beginCountIn(frame, null);
  }

  findClick(frame) {
    this.nextClick = lastAtMost(this.clickFrames, frame - 0.5) + 1;
  }

  // Silence with clicks, then the song goes on at `frame`. tail: what fades out, null for nothing.
  beginCountIn(frame, tail) {
    const plan = this.planCountIn && this.planCountIn(frame);
    if (!plan) return;
    this.counting = new CountIn(plan, { speed: this.speed, lead: LEAD, tail });
    this.silent = true;
  }

  // The position that the output has reached.
  get position() {
    return this.origin + this.given * this.speed;
  }

  get looping() {
    return this.loop !== null && this.origin < this.loop[1] - LEAD;
  }

  // The frame of the song where playing stops or jumps back, and the output frame when it does.
  get end() {
    return this.looping ? this.loop[1] - LEAD : this.frames;
  }

  get endOutput() {
    return this.looping ? this.dueAt(this.loop[1]) : this.outputOf(this.frames);
  }

  // The frames of the song that the next `count` frames of output may need.
  need(count) {
    const length = Math.ceil(count * this.speed) + LONGEST + 4 * HOP;
    const from = Math.floor(this.position) - 4 * HOP;
    const ranges = [[from, from + length]];
    if (this.loop) ranges.push([this.loop[0] - 4 * HOP, this.loop[0] + length]);
    return ranges;
  }

  // Fill two arrays of one length. Returns { spans, clicks, length }. length: frames filled, less
  // than theirs at the end of the song only. spans: from output frame `at` on the song goes on at
  // `frame` with `speed` (0 in a count-in), in a round. clicks: [{ at, sound }], `at` may be later.
  render(left, right) {
    const spans = [this.makeSpan(0)];
    const clicks = [];
    let filled = 0;
    while (filled < left.length) {
      if (this.counting) {
        filled += this.counting.write(left, right, filled, clicks);
        if (this.counting.over) {
          this.counting = null;
          spans.push(this.makeSpan(filled));
        }
        continue;
      }
      const remaining = this.endOutput - this.given;
      if (remaining <= 0) {
        if (!this.looping) break;
        this.wrap();
        spans.push(this.makeSpan(filled));
        continue;
      }
      if (this.run === null || this.given >= this.run.stop) this.startRun();
      if (this.used === HOP) this.makeHop();
      const room = Math.min(remaining, this.run.stop - this.given, left.length - filled);
      const count = Math.min(HOP - this.used, room);
      const stop = this.used + count;
      left.set(this.hop.left.subarray(this.used, stop), filled);
      right.set(this.hop.right.subarray(this.used, stop), filled);
      for (const start of this.hop.clicks) {
        if (start.at >= this.used && start.at < stop) {
          clicks.push({ sound: start.sound, at: start.at - this.used + filled });
        }
      }
      this.used = stop;
      this.given += count;
      filled += count;
    }
    return { spans, clicks, length: filled };
  }

  makeSpan(at) {
    const { position, round } = this;
    const speed = this.counting ? 0 : this.speed;
    return { at, frame: position, speed, round, counting: this.counting !== null };
  }

  // The output frame at which a frame of the song is due.
  outputOf(frame) {
    return Math.round((frame - this.origin) / this.speed);
  }

  // The output frame at which the run of a beat or attack begins: what leads up to it is not
  // stretched.
  dueAt(anchor) {
    return this.outputOf(anchor) - LEAD;
  }

  // Back to the start of the loop.
  wrap() {
    const [from] = this.loop;
    const tail = this.planCountIn ? this.copy(this.source + this.used, SEAM) : null;
    this.round += 1;
    this.onRound(this.round);
    this.origin = from - LEAD * this.speed;
    this.given = 0;
    this.run = null;
    this.upcoming = from - LEAD;
    this.findClick(from);
    this.beginCountIn(from, tail);
  }

  // From here to the next beat or attack: the first piece is the song as it is.
  startRun() {
    const begin = this.upcoming;
    const end = this.speed === 1 ? this.end : this.findAnchor(begin);
    const old = this.source + this.used; // what would come without a new run
    const smooth = old === begin && !this.silent;
    const source =
      smooth || this.silent || this.speed === 1
        ? begin
        : this.findSimilar(old, SEAM, begin - NUDGE, begin + NUDGE);
    const due = end === this.end ? this.endOutput : this.dueAt(end + LEAD);
    this.run = { begin: this.given, source, end, hops: 0, stop: Math.max(due, this.given + 1) };
    this.upcoming = end;
    const tail = smooth ? null : this.copy(this.silent ? -SEAM : old, SEAM);
    this.silent = false;
    this.makeHop();
    if (tail) {
      for (let i = 0; i < SEAM; i += 1) {
        const rise = i / SEAM;
        this.hop.left[i] = tail.left[i] + rise * (this.hop.left[i] - tail.left[i]);
        this.hop.right[i] = tail.right[i] + rise * (this.hop.right[i] - tail.right[i]);
      }
    }
  }

  // Where the run that begins at a frame ends: shortly before the next beat or attack.
  findAnchor(begin) {
    const latest = Math.min(begin + LONGEST, this.end);
    const first = begin + LEAD + SHORTEST;
    let anchor = latest + LEAD;
    const beat = this.beats[lastAtMost(this.beats, first - 0.5) + 1];
    if (beat < anchor) anchor = beat;
    // Further back than `first`, so that what rang before is known.
    const attack = findAttack(this.readMono(begin, anchor - begin), first - begin);
    if (attack >= 0 && begin + attack < anchor - SHORTEST / 3) anchor = begin + attack;
    // Nothing begins just before the end: it would have no time to sound.
    return anchor - LEAD > latest - SHORTEST ? latest : anchor - LEAD;
  }

  // The next HOP frames of the output: the last piece fades out, the next one in.
  makeHop() {
    const { hop, run } = this;
    hop.clicks = [];
    this.used = 0;
    if (run.hops === 0 || this.speed === 1) {
      this.source = run.source + run.hops * HOP;
      const { left, right } = this.copy(this.source, HOP);
      hop.left.set(left);
      hop.right.set(right);
      this.takeClicks(this.source, 0, HOP);
    } else {
      this.fadeOn(this.source + HOP, this.findPiece());
    }
    run.hops += 1;
  }

  // Where the next piece is taken from. The middle of a piece, where it is loudest, is in time;
  // the attack is not played again, and the next one not before its time.
  findPiece() {
    const { run } = this;
    const done = run.hops * HOP;
    const length = run.stop - run.begin;
    const rate = Math.max(run.end - run.source - HOP, 1) / Math.max(length - HOP, 1);
    const wanted = Math.round(run.source + Math.min(done, length - HOP) * rate);
    const lowest = run.source + GUARD;
    const highest = run.end - Math.min(2 * HOP, length - done);
    const high = Math.max(Math.min(wanted + REACH, highest), lowest);
    const low = Math.max(Math.min(wanted - REACH, high - REACH), lowest);
    return this.findSimilar(this.source + HOP, HOP, low, high);
  }

  fadeOn(old, source) {
    const { hop } = this;
    const from = this.copy(old, HOP);
    const to = this.copy(source, HOP);
    for (let i = 0; i < HOP; i += 1) {
      hop.left[i] = from.left[i] + RISE[i] * (to.left[i] - from.left[i]);
      hop.right[i] = from.right[i] + RISE[i] * (to.right[i] - from.right[i]);
    }
    this.source = source;
    this.takeClicks(old, 0, HOP / 2);
    this.takeClicks(source, HOP / 2, HOP);
  }

  // Clicks of the hop's output frames [begin, end), where output frame i is song frame source + i.
  takeClicks(source, begin, end) {
    const { run } = this;
    const room = run.stop - run.begin - run.hops * HOP; // of the run, from this hop on
    while (this.nextClick < this.clicks.length) {
      const { frame, sound } = this.clicks[this.nextClick];
      if (frame >= source + end || frame >= run.end) return;
      this.hop.clicks.push({ sound, at: Math.min(Math.max(frame - source, begin), room - 1) });
      this.nextClick += 1;
    }
  }

  // Where in [low, high] the song is most like what it is from `old` on; the middle in silence.
  findSimilar(old, length, low, high) {
    const model = this.readMono(old, length);
    const field = this.readMono(low, length + high - low);
    return low + findOffset(model, field, high - low);
  }

  readMono(from, count) {
    const { left, right } = this.read(from, count);
    return Float32Array.from({ length: count }, (_, i) => left[i] + right[i]);
  }

  copy(from, count) {
    const { left, right } = this.read(from, count);
    return { left: left.slice(0, count), right: right.slice(0, count) };
  }

  read(from, count) {
    const { left, right } = this;
    if (this.tape) this.tape.read(from, count, left, right);
    return { left, right };
  }
}
