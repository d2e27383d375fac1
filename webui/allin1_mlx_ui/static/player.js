// Plays the song and its clicks on one audio clock.
//
// Both are computed sample by sample by one Performance and given to the audio graph in chunks of
// the same length, started at the same frame of its clock, so they cannot drift apart. The chunks
// are made ahead of time, so that drawing does not disturb the sound; a jump discards them. After
// any other change the sound goes on without a gap: new chunks take over where the old ones fade.
// Positions are seconds of the song.

import { Course } from "./course.js";
import { Output } from "./output.js";
import { Performance } from "./performance.js";
import { Stretcher } from "./stretch.js";
import { Supply } from "./supply.js";

const CHUNK = 8192; // frames made at a time, 0.19 s
const AHEAD = 0.6; // seconds that are made ahead
const AHEAD_HIDDEN = 3; // browsers run the timers of hidden pages once a second only
const PREFETCHED = 10; // seconds of the song
const DELAY = 0.05; // from "play" to the first sample
const PUMP = 60; // milliseconds between looks at the clock

export class Player extends EventTarget {
  // open: makes the AudioContext when it is first needed, as browsers want a click before that.
  constructor(open) {
    super();
    this.open = open;
    this.context = null;
    this.output = null; // see output.js
    this.course = new Course();
    this.playing = false;
    this.waiting = false;
    this.speed = 1;
    this.pitch = 1; // factor of all frequencies of the song
    this.loop = null; // [from, to] in seconds
    this.trainer = null; // { from, to, step, rounds }: a speed that rises with the rounds
    this.planCountIn = null; // see practice/count_in.js
    this.levels = { song: { volume: 1, on: true }, click: { volume: 0.6, on: true } };
    this.unload();
  }

  unload() {
    this.pause();
    this.stretcher = null;
    this.performance = null;
    if (this.supply) this.supply.close();
    this.supply = null; // see supply.js
    this.rate = 44100;
    this.duration = 0;
    this.rest = 0; // where the song stands while it does not play
    this.loop = null;
    this.round = 0; // complete rounds of the loop
  }

  // clicks: [{ frame, sound }]; beats: frames; tape: null where there is no sound but the clicks.
  load({ tape, clicks, beats, planCountIn, rate, duration }) {
    this.unload();
    this.supply = new Supply(tape, {
      arrived: () => this.pump(),
      failed: (error) => this.fail(error),
    });
    this.rate = rate;
    this.duration = duration;
    this.setClicks({ clicks, beats, planCountIn });
    this.prefetch();
    this.announce();
  }

  // New clicks for the same song, at once if it plays.
  setClicks({ clicks, beats = clicks.map((click) => click.frame), planCountIn = null }) {
    const frames = Math.round(this.duration * this.rate);
    this.restart(() => {
      this.planCountIn = planCountIn;
      this.stretcher = new Stretcher({ tape: this.supply.tape, frames, clicks, beats });
      this.stretcher.onRound = (round) => this.train(round);
    });
  }

  // Start to play; after the count-in, if there is one.
  async play() {
    if (this.playing || !this.stretcher) return;
    if (!this.context) this.connect();
    this.playing = true;
    this.announce();
    if (!(await this.wake()) || !this.playing) return;
    if (this.rest >= this.duration - 0.01) this.rest = 0;
    this.begin(this.rest, { counted: true });
  }

  // Have the audio clock running; where that is refused, playing ends.
  async wake() {
    const runs = await this.output.wake();
    if (!runs) this.pause();
    return runs;
  }

  pause() {
    if (!this.playing) return;
    this.rest = this.position;
    this.round = this.heard ? this.heard.round : this.round;
    this.playing = false;
    this.output.cut();
    this.course.clear();
    this.announce();
  }

  toggle() {
    return this.playing ? this.pause() : this.play();
  }

  seek(time) {
    this.rest = clamp(time, 0, this.duration);
    if (this.playing && this.context) this.begin(this.rest);
    else this.prefetch();
    this.announce();
  }

  // A speed set by hand ends the training.
  setSpeed(speed) {
    this.restart(() => {
      this.trainer = null;
      this.speed = speed;
    });
    this.announce();
  }

  // Speeds that rise with the rounds of the loop, from the next round on; null to stop.
  setTrainer(trainer) {
    this.restart(() => {
      this.trainer = trainer;
      this.round = 0;
      if (trainer) this.speed = trainer.from;
    });
    this.announce();
  }

  // Called as a round is made ahead of time.
  train(round) {
    if (this.trainer) this.stretcher.speed = speedInRound(this.trainer, round) / this.pitch;
  }

  // pitch: the factor of all frequencies; the speed stays.
  setPitch(pitch) {
    this.restart(() => (this.pitch = pitch));
    this.announce();
  }

  // Repeat [from, to) from now on; null to play on. From outside of it, it is entered at its start.
  setLoop(range) {
    this.restart(() => {
      this.loop = range;
      this.round = 0;
      if (range && this.trainer) this.speed = this.trainer.from;
    });
    if (range && (this.position < range[0] || this.position >= range[1])) this.seek(range[0]);
    this.announce();
  }

  // which: "song" or "click".
  setLevel(which, change) {
    Object.assign(this.levels[which], change);
    if (this.output) this.output.applyLevels(this.levels);
    this.announce();
  }

  // The time of the context's clock that is heard now.
  get now() {
    return this.context.currentTime - (this.context.outputLatency || 0);
  }

  // The span that is heard now; undefined while nothing plays.
  get heard() {
    return this.playing && this.context ? this.course.at(this.now) : undefined;
  }

  // Where in the song one is, by what is heard now.
  get position() {
    return this.playing && this.context ? this.positionAt(this.now) : this.rest;
  }

  positionAt(when) {
    const frame = this.course.frameAt(when, this.rate);
    return frame === undefined ? this.rest : clamp(frame / this.rate, 0, this.duration);
  }

  // Whether a count-in is heard.
  get counting() {
    return Boolean(this.heard && this.heard.counting);
  }

  // Change something that the chunks made ahead depend on; the sound goes on without a gap.
  restart(change) {
    const playing = this.playing && this.context !== null && this.stretcher !== null;
    const when = playing ? this.context.currentTime + DELAY : 0;
    const position = playing ? this.positionAt(when) : this.rest;
    const span = playing ? this.course.at(when) : undefined;
    if (span) this.round = span.round;
    change();
    if (this.trainer) this.speed = speedInRound(this.trainer, this.round);
    if (playing) this.begin(position, span && span.counting ? { counted: true } : { jump: false });
  }

  connect() {
    this.context = this.open();
    this.output = new Output(this.context);
    this.output.applyLevels(this.levels);
    this.context.addEventListener("statechange", () => {
      if (this.playing && this.output.take && this.context.state !== "running") this.wake();
    });
    if (this.context.state) this.timer = setInterval(() => this.pump(), PUMP);
  }

  // Play from a time on. jump: with the attack there complete. counted: after the count-in.
  begin(time, { jump = true, counted = false } = {}) {
    const { context, stretcher } = this;
    this.rest = Math.max(time, 0);
    this.next = Math.ceil((context.currentTime + DELAY) * context.sampleRate);
    const when = this.next / context.sampleRate;
    this.output.begin(when, { cutNow: jump });
    if (jump) this.course.clear();
    this.course.hold(when, this.rest * this.rate, this.round); // until there is sound
    stretcher.loop = this.loop && this.loop.map((t) => Math.round(t * this.rate));
    stretcher.speed = this.speed / this.pitch;
    stretcher.round = this.round;
    stretcher.planCountIn = this.planCountIn;
    const frame = Math.round(this.rest * this.rate);
    if (jump) stretcher.start(frame, { counted });
    else stretcher.seek(frame);
    this.performance = new Performance(stretcher, this.pitch);
    this.ended = false;
    this.pump();
  }

  // Make chunks until enough is made ahead.
  pump() {
    if (!this.playing || !this.output || !this.output.take) return;
    const { context } = this;
    const hidden = typeof document !== "undefined" && document.hidden;
    const horizon = context.currentTime + (hidden ? AHEAD_HIDDEN : AHEAD);
    while (!this.ended && this.next / context.sampleRate < horizon) {
      if (!this.ready()) return;
      const late = context.currentTime + DELAY / 2;
      if (this.next / context.sampleRate < late) {
        this.next = Math.ceil((context.currentTime + DELAY) * context.sampleRate);
      }
      this.makeChunk();
    }
    this.prefetch();
    const over = this.next / context.sampleRate + (context.outputLatency || 0);
    if (this.ended && context.currentTime >= over) {
      this.pause();
      this.rest = this.duration;
      this.announce();
    }
  }

  makeChunk() {
    const { context, output } = this;
    const { buffers, channels } = output.makeBuffers(CHUNK, this.rate);
    const { spans, length } = this.performance.render(...channels);
    if (length < CHUNK) this.ended = true;
    const when = this.next / context.sampleRate;
    output.put(buffers, when);
    const timed = spans.map((span) => ({ ...span, time: when + span.at / this.rate }));
    this.course.add(timed, context.currentTime);
    this.next += length;
  }

  // Whether the song's part for the next chunk is here.
  ready() {
    const before = this.waiting;
    this.waiting = !this.supply.has(this.performance.need(CHUNK));
    if (this.waiting !== before) this.announce();
    return !this.waiting;
  }

  prefetch() {
    if (!this.stretcher) return;
    const begun = this.playing && this.output && this.output.take;
    const frame = Math.floor(begun ? this.stretcher.position : this.rest * this.rate);
    this.supply.has([[frame, frame + PREFETCHED * this.rate]]);
  }

  fail(error) {
    this.pause();
    this.dispatchEvent(new CustomEvent("fault", { detail: error.message }));
  }

  announce() {
    this.dispatchEvent(new Event("change"));
  }
}

// The speed of a round of the loop.
function speedInRound({ from, to, step, rounds }, round) {
  return Math.min(from + step * Math.floor(round / rounds), to);
}

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
