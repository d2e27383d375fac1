// The player of a saved page: song and click on one clock. Times are seconds of the song.
// saved.py joins this file with the Stretcher before it and with saved.js after it.

const AHEAD = 1.5; // seconds for which clicks are scheduled
const DELAY = 0.06; // seconds between a key press and the first sample
const PIECE = 22050; // samples of the stretched song that are scheduled at once
const SEARCH = [-1200, 4000]; // samples by which a decoder may be early or late

const song = JSON.parse(document.getElementById("song").textContent);
const find = (id) => document.getElementById(id);
const bytesOf = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const samplesOf = (text) => new Int16Array(bytesOf(text).buffer);

// Decodes the sound; returns it and the seconds of silence that the decoder left before it.
async function decode() {
  const element = find("sound");
  const bytes = bytesOf(element.textContent);
  element.remove();
  const decoder = new OfflineAudioContext(2, 1, song.rate);
  const buffer = await decoder.decodeAudioData(bytes.buffer);
  return { buffer, silence: findMark(buffer) / song.rate };
}

// The number of samples by which the decoded song is late: where the mark fits best.
function findMark(buffer) {
  const mark = Float32Array.from(samplesOf(song.mark));
  if (!mark.some((value) => value)) return 0;
  const first = song.markStart + SEARCH[0];
  const left = buffer.getChannelData(0);
  const right = buffer.getChannelData(Math.min(1, buffer.numberOfChannels - 1));
  const heard = new Float32Array(mark.length + SEARCH[1] - SEARCH[0]);
  heard.forEach((_, i) => (heard[i] = (left[first + i] || 0) + (right[first + i] || 0)));
  let best = -Infinity;
  let late = 0;
  let power = 1e-9;
  for (let i = 0; i < mark.length; i += 1) power += heard[i] ** 2;
  for (let lag = 0; lag + mark.length <= heard.length; lag += 1) {
    let sum = 0;
    for (let i = 0; i < mark.length; i += 1) sum += mark[i] * heard[lag + i];
    const likeness = sum / Math.sqrt(power);
    if (likeness > best) [best, late] = [likeness, lag + SEARCH[0]];
    power += (heard[lag + mark.length] || 0) ** 2 - heard[lag] ** 2;
  }
  return late;
}

// Which of the two clicks sounds on a beat.
const soundOf = (index) => (song.positions[index] === 1 ? 1 : 0);

// The song between two times at another speed, in pieces with their clicks.
class Stretched {
  constructor({ buffer, silence }, speed, [from, to]) {
    const lag = Math.round(silence * song.rate);
    const channels = [0, Math.min(1, buffer.numberOfChannels - 1)];
    const data = channels.map((channel) => buffer.getChannelData(channel));
    const tape = {
      has: () => true,
      read(first, count, ...sides) {
        const start = first + lag;
        sides.forEach((side, index) => {
          side.fill(0, 0, count);
          const cut = Math.max(-start, 0);
          if (cut < count) side.set(data[index].subarray(start + cut, start + count), cut);
        });
      },
    };
    const beats = song.beats.map((beat) => Math.round(beat * song.rate));
    const frames = Math.round(to * song.rate);
    const clicks = beats.map((frame, index) => ({ frame, sound: soundOf(index) }));
    this.stretcher = new Stretcher({ tape, frames, clicks, beats });
    this.stretcher.speed = speed;
    this.stretcher.seek(Math.round(from * song.rate));
    this.sent = 0; // samples so far
  }

  // The next piece: sides are [left, right], clicks come some samples after its start.
  next() {
    const sides = [new Float32Array(PIECE), new Float32Array(PIECE)];
    const { length, clicks } = this.stretcher.render(...sides);
    this.sent += length;
    return { sides: sides.map((side) => side.subarray(0, length)), clicks, length };
  }
}

class Player {
  constructor({ buffer, silence }) {
    this.buffer = buffer;
    this.silence = silence;
    this.playing = false;
    this.rest = 0; // where it stands while it does not play
    this.loop = null; // [start, end]
    this.speed = 1;
    this.levels = { song: 1, click: 0.6 };
  }

  open() {
    this.context = new AudioContext({ sampleRate: song.rate });
    this.clicks = song.clicks.map((text) => {
      const values = samplesOf(text);
      const click = this.context.createBuffer(1, values.length, song.rate);
      click.getChannelData(0).set(Float32Array.from(values, (value) => value / 32768));
      return click;
    });
    this.gains = {};
    for (const name of ["song", "click"]) {
      this.gains[name] = this.context.createGain();
      this.gains[name].gain.value = this.levels[name];
      this.gains[name].connect(this.context.destination);
    }
  }

  setLevel(name, level) {
    this.levels[name] = level;
    if (this.gains) this.gains[name].gain.setTargetAtTime(level, this.context.currentTime, 0.01);
  }

  async play() {
    if (!this.context) this.open();
    if (this.context.state !== "running") await this.context.resume();
    const from = this.rest >= song.duration - 0.05 ? 0 : this.rest;
    this.playing = true;
    this.nodes = new Set();
    this.passes = [this.pass(this.context.currentTime + DELAY, from)];
    this.fill();
    this.timer = setInterval(() => this.fill(), 250);
  }

  // The song from a place to the end of the loop, or to its own end.
  pass(when, from) {
    const inside = this.loop && from < this.loop[1] - 0.01;
    const to = inside ? this.loop[1] : song.duration;
    const next = song.beats.findIndex((beat) => beat >= from - 1e-4);
    const pass = { when, from, to, loops: inside, next: next < 0 ? song.beats.length : next };
    if (this.speed === 1) {
      this.start(this.buffer, this.gains.song, when, from + this.silence, to - from);
    } else {
      pass.stretched = new Stretched(this, this.speed, [from, to]);
    }
    return pass;
  }

  // Schedules the stretched song of a pass, with its clicks, up to a time of the clock.
  feed({ when, stretched }, until) {
    const now = () => when + stretched.sent / song.rate;
    for (let at = now(); at < until; at = now()) {
      const { sides, clicks, length } = stretched.next();
      if (!length) return;
      const piece = this.context.createBuffer(2, length, song.rate);
      sides.forEach((side, channel) => piece.copyToChannel(side, channel));
      this.start(piece, this.gains.song, at, 0, piece.duration);
      for (const click of clicks) this.startClick(click.sound, at + click.at / song.rate);
    }
  }

  // The clicks of a pass at full speed, up to a time of the clock.
  feedClicks(pass, until) {
    while (pass.next < song.beats.length) {
      const beat = song.beats[pass.next];
      const when = pass.when + beat - pass.from;
      if (beat >= pass.to || when > until) return;
      this.startClick(soundOf(pass.next), when);
      pass.next += 1;
    }
  }

  startClick(sound, when) {
    const click = this.clicks[sound];
    this.start(click, this.gains.click, when, 0, click.duration);
  }

  start(buffer, gain, when, offset, length) {
    const node = this.context.createBufferSource();
    node.buffer = buffer;
    node.connect(gain);
    if (offset >= 0) node.start(when, offset, length);
    else node.start(when - offset, 0, length + offset);
    this.nodes.add(node);
    node.addEventListener("ended", () => this.nodes.delete(node));
  }

  // Schedules clicks and the next round of the loop.
  fill() {
    const now = this.context.currentTime;
    if (this.passes.length > 1 && now >= this.passes[1].when) this.passes.shift();
    const last = this.passes[this.passes.length - 1];
    if (last.stretched) this.feed(last, now + AHEAD);
    else this.feedClicks(last, now + AHEAD);
    const length = (last.to - last.from) / this.speed;
    const end = last.when + Math.round(length * song.rate) / song.rate;
    if (last.loops && end < now + AHEAD) this.passes.push(this.pass(end, this.loop[0]));
    else if (!last.loops && now > end) this.pause();
  }

  get position() {
    if (!this.playing) return this.rest;
    const now = this.context.currentTime - (this.context.outputLatency || 0);
    const pass = this.passes.filter((p) => p.when <= now).pop() || this.passes[0];
    const position = pass.from + (now - pass.when) * this.speed;
    return Math.min(Math.max(position, pass.from), pass.to);
  }

  pause() {
    this.rest = this.position;
    this.playing = false;
    clearInterval(this.timer);
    for (const node of this.nodes || []) node.stop();
  }

  // Changes something that is already scheduled: stops, and goes on where it was.
  change(apply) {
    const { playing } = this;
    if (playing) this.pause();
    apply();
    if (playing) this.play();
  }

  seek(time) {
    this.change(() => (this.rest = Math.min(Math.max(time, 0), song.duration)));
  }

  setSpeed(speed) {
    this.change(() => (this.speed = speed));
  }

  setLoop(loop) {
    this.change(() => (this.loop = loop));
  }
}
