// The player of a saved page: song and click on one clock. Times are seconds of the song.
// saved.py joins this file with saved.js to one script.

const AHEAD = 1.5; // seconds for which clicks are scheduled
const DELAY = 0.06; // seconds between a key press and the first sample
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

class Player {
  constructor({ buffer, silence }) {
    this.buffer = buffer;
    this.silence = silence;
    this.playing = false;
    this.rest = 0; // where it stands while it does not play
    this.loop = null; // [start, end]
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
    this.start(this.buffer, this.gains.song, when, from + this.silence, to - from);
    return { when, from, to, loops: inside, next: next < 0 ? song.beats.length : next };
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
    while (last.next < song.beats.length) {
      const beat = song.beats[last.next];
      const when = last.when + beat - last.from;
      if (beat >= last.to || when > now + AHEAD) break;
      const click = this.clicks[song.positions[last.next] === 1 ? 1 : 0];
      this.start(click, this.gains.click, when, 0, click.duration);
      last.next += 1;
    }
    const end = last.when + last.to - last.from;
    if (last.loops && end < now + AHEAD) this.passes.push(this.pass(end, this.loop[0]));
    else if (!last.loops && now > end) this.pause();
  }

  get position() {
    if (!this.playing) return this.rest;
    const now = this.context.currentTime - (this.context.outputLatency || 0);
    const pass = this.passes.filter((p) => p.when <= now).pop() || this.passes[0];
    return Math.min(Math.max(pass.from + now - pass.when, pass.from), pass.to);
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

  setLoop(loop) {
    this.change(() => (this.loop = loop));
  }
}
