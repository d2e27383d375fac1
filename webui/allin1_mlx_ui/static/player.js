// Plays the song and its clicks on one audio clock.
//
// Both are computed sample by sample by one Stretcher and handed to the audio graph in chunks of
// the same length, started at the same frame of its clock: they cannot drift apart. The chunks
// are made ahead of time, so that drawing does not disturb the sound; a jump throws away what
// was made ahead. Positions are seconds of the song.

import { LEAD, Stretcher } from "./stretch.js";
import { lastAtMost } from "./sheet.js";

const CHUNK = 8192; // frames made at a time, 0.19 s
const AHEAD = 0.6; // seconds that are made ahead
const AHEAD_HIDDEN = 3; // browsers let hidden pages act once a second only
const DELAY = 0.05; // from "play" to the first sample
const FADE = 0.005; // of what is cut off
const PUMP = 60; // milliseconds between looks at the clock

export class Player extends EventTarget {
  // open: makes the AudioContext when it is first needed, as browsers want a click before that.
  constructor(open) {
    super();
    this.open = open;
    this.context = null;
    this.playing = false;
    this.waiting = false;
    this.speed = 1;
    this.loop = null; // [from, to] in seconds
    this.levels = { song: { volume: 1, on: true }, click: { volume: 0.6, on: true } };
    this.unload();
  }

  unload() {
    this.pause();
    this.stretcher = null;
    this.tape = null;
    this.rate = 44100;
    this.duration = 0;
    this.rest = 0; // where the song stands while it does not play
    this.loop = null;
    this.spans = [];
  }

  // clicks: [{ frame, sound }]; tape: null where there is no sound but the clicks.
  load({ tape, clicks, rate, duration }) {
    this.unload();
    this.tape = tape;
    this.rate = rate;
    this.duration = duration;
    this.setClicks(clicks);
    this.prefetch();
    this.announce();
  }

  // New clicks for the same song, at once if it plays.
  setClicks(clicks) {
    const frames = Math.round(this.duration * this.rate);
    this.restart(() => {
      this.stretcher = new Stretcher({ tape: this.tape, frames, clicks });
      this.stretcher.speed = this.speed;
    });
  }

  async play() {
    if (this.playing || !this.stretcher) return;
    if (!this.context) this.connect();
    this.playing = true;
    this.announce();
    if (this.context.state === "suspended") await this.context.resume();
    if (!this.playing) return;
    if (this.rest >= this.duration - 0.01) this.rest = 0;
    this.begin(this.rest - LEAD / this.rate);
  }

  pause() {
    if (!this.playing) return;
    this.rest = this.position;
    this.playing = false;
    this.cut();
    this.announce();
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  }

  seek(time) {
    const target = Math.min(Math.max(time, 0), this.duration);
    this.rest = target;
    if (this.playing && this.context) this.begin(target - LEAD / this.rate);
    else this.prefetch();
    this.announce();
  }

  setSpeed(speed) {
    this.restart(() => {
      this.speed = speed;
      if (this.stretcher) this.stretcher.speed = speed;
    });
  }

  // Repeat [from, to) from now on; null to play on. From outside of it, it is entered at its start.
  setLoop(range) {
    this.restart(() => {
      this.loop = range;
    });
    if (range && (this.position < range[0] || this.position >= range[1])) this.seek(range[0]);
    this.announce();
  }

  // which: "song" or "click".
  setLevel(which, change) {
    Object.assign(this.levels[which], change);
    this.applyLevels();
    this.announce();
  }

  // The position that can be heard now.
  get position() {
    if (!this.playing || !this.spans.length) return this.rest;
    const now = this.context.currentTime - (this.context.outputLatency || 0);
    const times = this.spans.map((span) => span.time);
    const span = this.spans[Math.max(lastAtMost(times, now), 0)];
    const frame = span.frame + Math.max(now - span.time, 0) * this.rate * span.speed;
    return Math.min(frame / this.rate, this.duration);
  }

  // Change something that the chunks made ahead depend on.
  restart(change) {
    const position = this.position;
    change();
    if (this.playing && this.context) this.begin(position);
  }

  connect() {
    this.context = this.open();
    const { context } = this;
    this.output = context.createGain();
    this.output.gain.value = 0.8; // room for both at once
    this.output.connect(context.destination);
    this.buses = { song: context.createGain(), click: context.createGain() };
    Object.values(this.buses).forEach((bus) => bus.connect(this.output));
    this.applyLevels();
    if (context.state) this.timer = setInterval(() => this.pump(), PUMP);
  }

  applyLevels() {
    if (!this.context) return;
    for (const [which, { volume, on }] of Object.entries(this.levels)) {
      const gain = on ? volume ** 2 : 0; // ears hear in proportions
      this.buses[which].gain.setTargetAtTime(gain, this.context.currentTime, 0.01);
    }
  }

  // Stop what was made ahead.
  cut() {
    if (!this.take) return;
    const { nodes, faders } = this.take;
    const now = this.context.currentTime;
    for (const fader of faders) {
      fader.gain.setValueAtTime(1, now);
      fader.gain.linearRampToValueAtTime(0, now + FADE);
    }
    for (const node of nodes) node.stop(now + FADE);
    this.take = null;
    this.spans = [];
  }

  // Play from a time on; jumps aim a little before it, so that the attack there is whole.
  begin(time) {
    this.rest = Math.max(time, 0);
    this.cut();
    const { context } = this;
    const faders = ["song", "click"].map((which) => {
      const fader = context.createGain();
      fader.connect(this.buses[which]);
      return fader;
    });
    this.take = { faders, nodes: new Set() };
    const frames = this.loop && this.loop.map((t) => Math.round(t * this.rate));
    this.stretcher.loop = frames;
    this.stretcher.seek(Math.max(Math.round(time * this.rate), 0));
    this.next = Math.ceil((context.currentTime + DELAY) * context.sampleRate);
    this.ended = false;
    this.pump();
  }

  // Make chunks until enough is made ahead.
  pump() {
    if (!this.playing || !this.take) return;
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
    const { context, stretcher, take } = this;
    const song = context.createBuffer(2, CHUNK, this.rate);
    const click = context.createBuffer(1, CHUNK, this.rate);
    const { spans, length } = stretcher.render(
      song.getChannelData(0),
      song.getChannelData(1),
      click.getChannelData(0),
    );
    if (length < CHUNK) this.ended = true;
    const when = this.next / context.sampleRate;
    [song, click].forEach((buffer, index) => {
      const node = context.createBufferSource();
      node.buffer = buffer;
      node.connect(take.faders[index]);
      node.start(when);
      node.onended = () => take.nodes.delete(node);
      take.nodes.add(node);
    });
    for (const { at, frame } of spans) {
      this.spans.push({ time: when + at / this.rate, frame, speed: stretcher.speed });
    }
    // A span that has been left is of no more use.
    const old = context.currentTime - 1;
    while (this.spans.length > 1 && this.spans[1].time < old) this.spans.shift();
    this.next += length;
  }

  // Whether the song's part for the next chunk is here; if not, get it.
  ready() {
    const lacking = this.tape
      ? this.stretcher.need(CHUNK).filter(([from, to]) => !this.tape.has(from, to))
      : [];
    if (lacking.length) this.fetch(lacking);
    const waiting = lacking.length > 0;
    if (waiting !== this.waiting) {
      this.waiting = waiting;
      this.announce();
    }
    return !waiting;
  }

  prefetch() {
    if (!this.tape || !this.stretcher) return;
    const frame = this.playing ? this.stretcher.position : this.rest * this.rate;
    const wanted = [[Math.floor(frame), Math.floor(frame + 10 * this.rate)]];
    this.fetch(wanted.filter(([from, to]) => !this.tape.has(from, to)));
  }

  fetch(ranges) {
    const { tape } = this;
    for (const [from, to] of ranges) {
      tape.load(from, to).then(
        () => this.pump(),
        (error) => {
          if (tape !== this.tape) return; // another song by now
          this.pause();
          this.dispatchEvent(new CustomEvent("fault", { detail: error.message }));
        },
      );
    }
  }

  announce() {
    this.dispatchEvent(new Event("change"));
  }
}
