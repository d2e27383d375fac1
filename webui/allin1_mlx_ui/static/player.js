// Plays the song and its clicks on one audio clock.
//
// Both are computed sample by sample by one Performance and given to the audio graph in chunks of
// the same length, started at the same frame of its clock, so they cannot drift apart. The chunks
// are made ahead of time, so that drawing does not disturb the sound; a jump discards them.
// Positions are seconds of the song.

import { Performance } from "./performance.js";
import { LEAD, Stretcher } from "./stretch.js";
import { lastAtMost } from "./sheet.js";

const CHUNK = 8192; // frames made at a time, 0.19 s
const AHEAD = 0.6; // seconds that are made ahead
const AHEAD_HIDDEN = 3; // browsers run the timers of hidden pages once a second only
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
    this.tape = null;
    this.rate = 44100;
    this.duration = 0;
    this.rest = 0; // where the song stands while it does not play
    this.loop = null;
    this.round = 0; // complete rounds of the loop
    this.spans = [];
  }

  // clicks: [{ frame, sound }]; beats: frames; tape: null where there is no sound but the clicks.
  load({ tape, clicks, beats, planCountIn, rate, duration }) {
    this.unload();
    this.tape = tape;
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
      this.stretcher = new Stretcher({ tape: this.tape, frames, clicks, beats });
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

  // Have the audio clock running. iOS and others stop it on their own; then playing stops too.
  async wake() {
    const { context } = this;
    if (!context.resume || context.state === "running") return true;
    try {
      await context.resume();
    } catch {
      // refused: the state shows it
    }
    if (context.state === "running") return true;
    this.pause();
    return false;
  }

  pause() {
    if (!this.playing) return;
    this.rest = this.position;
    this.round = this.heard ? this.heard.round : this.round;
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
    if (this.playing && this.context) this.begin(target);
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
    if (!this.trainer) return;
    this.stretcher.speed = speedInRound(this.trainer, round) / this.pitch;
  }

  // pitch: the factor of all frequencies; the speed stays.
  setPitch(pitch) {
    this.restart(() => {
      this.pitch = pitch;
    });
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
    this.applyLevels();
    this.announce();
  }

  // The span that is heard now; undefined while nothing plays.
  get heard() {
    if (!this.playing || !this.spans.length) return undefined;
    const now = this.context.currentTime - (this.context.outputLatency || 0);
    const times = this.spans.map((span) => span.time);
    return this.spans[Math.max(lastAtMost(times, now), 0)];
  }

  // Where in the song one is, by what can be heard now.
  get position() {
    const span = this.heard;
    if (!span) return this.rest;
    const now = this.context.currentTime - (this.context.outputLatency || 0);
    const frame = span.frame + Math.max(now - span.time, 0) * this.rate * span.speed;
    return Math.min(Math.max(frame / this.rate, 0), this.duration);
  }

  // Whether a count-in is heard.
  get counting() {
    const span = this.heard;
    return span !== undefined && span.counting;
  }

  // Change something that the chunks made ahead depend on.
  restart(change) {
    const { position, heard } = this;
    if (heard) this.round = heard.round;
    change();
    if (this.trainer) this.speed = speedInRound(this.trainer, this.round);
    if (this.playing && this.context && this.stretcher) this.begin(position, { jump: false });
  }

  connect() {
    // On iOS, sound is meant to be heard although the mute switch is on.
    if (navigator.audioSession) navigator.audioSession.type = "playback";
    this.context = this.open();
    const { context } = this;
    this.output = context.createGain();
    this.output.gain.value = 0.8; // room for both at once
    this.output.connect(context.destination);
    this.buses = { song: context.createGain(), click: context.createGain() };
    Object.values(this.buses).forEach((bus) => bus.connect(this.output));
    this.applyLevels();
    context.addEventListener("statechange", () => {
      if (this.playing && this.take && context.state !== "running") this.wake();
    });
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

  // Play from a time on. jump: with the attack there complete. counted: after the count-in.
  begin(time, { jump = true, counted = false } = {}) {
    const { context, stretcher } = this;
    this.rest = Math.max(time, 0);
    this.cut();
    const faders = ["song", "click"].map((which) => {
      const fader = context.createGain();
      fader.connect(this.buses[which]);
      return fader;
    });
    this.take = { faders, nodes: new Set() };
    stretcher.loop = this.loop && this.loop.map((t) => Math.round(t * this.rate));
    stretcher.speed = this.speed / this.pitch;
    stretcher.round = this.round;
    stretcher.planCountIn = this.planCountIn;
    const frame = Math.round(this.rest * this.rate);
    if (jump) stretcher.start(frame, { counted });
    else stretcher.seek(frame);
    this.performance = new Performance(stretcher, this.pitch);
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
    const { context, take } = this;
    const song = context.createBuffer(2, CHUNK, this.rate);
    const click = context.createBuffer(1, CHUNK, this.rate);
    const { spans, length } = this.performance.render(
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
    for (const span of spans) this.spans.push({ ...span, time: when + span.at / this.rate });
    // Spans that have passed are no longer needed.
    const old = context.currentTime - 1;
    while (this.spans.length > 1 && this.spans[1].time < old) this.spans.shift();
    this.next += length;
  }

  // Whether the song's part for the next chunk is here; if not, get it.
  ready() {
    const lacking = this.tape
      ? this.performance.need(CHUNK).filter(([from, to]) => !this.tape.has(from, to))
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
    const frame = this.playing && this.take ? this.stretcher.position : this.rest * this.rate;
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

// The speed of a round of the loop.
function speedInRound({ from, to, step, rounds }, round) {
  return Math.min(from + step * Math.floor(round / rounds), to);
}
