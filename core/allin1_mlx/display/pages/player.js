// The player of a saved page. Times are seconds of the song.

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

const sectionAt = (time) => Math.max(song.sections.filter((s) => s.start <= time + 1e-3).length - 1, 0);

const clock = (time) => {
  const whole = Math.floor(time);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
};

// The number of the bar at a time and the beat in it, as text.
function placeOf(time) {
  let index = song.beats.findIndex((beat) => beat > time + 1e-3);
  index = (index < 0 ? song.beats.length : index) - 1;
  if (index < 0) return "";
  return ` · bar ${song.bars[index]}, beat ${song.positions[index]}`;
}

// The lines that show where the song stands: in the rows of the song, and in its overview.
class Playheads {
  constructor(figure) {
    this.figure = figure;
    this.lines = ["overview", "rest"].map((row) => {
      const line = document.createElement("div");
      line.className = "playhead";
      line.dataset.row = row;
      figure.append(line);
      return line;
    });
  }

  // Pixels from the left, in the rows or in the overview.
  toX(time, [from, to]) {
    const { margin } = this.figure.layout.meta;
    return margin + ((time - from) / (to - from)) * (this.figure.clientWidth - 2 * margin);
  }

  toTime(x, y) {
    const { margin, rows } = this.figure.layout.meta;
    const [from, to] = y < rows.overview[1] ? [0, song.duration] : this.range;
    return from + ((x - margin) / (this.figure.clientWidth - 2 * margin)) * (to - from);
  }

  get range() {
    return this.figure.layout.xaxis.range.map(Number);
  }

  draw(time, follows) {
    const { rows } = this.figure.layout.meta;
    const [from, to] = this.range;
    if (follows && (time > to || time < from) && !this.moving) {
      this.moving = true;
      const range = [time, time + to - from];
      Plotly.relayout(this.figure, { "xaxis.range": range }).then(() => (this.moving = false));
    }
    const [overview, rest] = this.lines;
    const low = Math.max(...Object.values(rows).map(([, bottom]) => bottom));
    this.place(overview, this.toX(time, [0, song.duration]), ...rows.overview);
    this.place(rest, this.toX(time, this.range), rows.overview[1], low);
    rest.hidden = time < from || time > to;
  }

  place(line, x, top, bottom) {
    line.style.transform = `translateX(${x - 1}px)`;
    line.style.top = `${top}px`;
    line.style.height = `${bottom - top}px`;
  }
}

class Page {
  constructor(player, figure) {
    this.player = player;
    this.heads = new Playheads(figure);
    this.buttons = [...document.querySelectorAll(".sections button")];
    this.connect(figure);
    find("play").disabled = false;
    find("loop").disabled = !song.sections.length;
    this.draw();
  }

  connect(figure) {
    find("play").addEventListener("click", () => this.toggle());
    find("loop").addEventListener("click", () => this.toggleLoop());
    const setClick = () =>
      this.player.setLevel("click", find("click").checked ? Number(find("click-volume").value) : 0);
    find("click").addEventListener("change", setClick);
    find("click-volume").addEventListener("input", setClick);
    find("song-volume").addEventListener("input", ({ target }) =>
      this.player.setLevel("song", Number(target.value)),
    );
    this.buttons.forEach((button, index) =>
      button.addEventListener("click", () => this.goTo(index)),
    );
    document.addEventListener("keydown", (event) => this.press(event));
    this.listen(figure);
  }

  // A press without a drag goes to the place; Plotly keeps drags, which move the view.
  listen(figure) {
    let down = null;
    figure.addEventListener("pointerdown", (event) => (down = event), true);
    window.addEventListener(
      "pointerup",
      (event) => {
        const still = down && Math.hypot(event.clientX - down.clientX, event.clientY - down.clientY) < 4;
        if (still && !event.target.closest(".modebar")) {
          const box = figure.getBoundingClientRect();
          this.player.seek(this.heads.toTime(event.clientX - box.left, event.clientY - box.top));
        }
        down = null;
      },
      true,
    );
  }

  async toggle() {
    if (this.player.playing) this.player.pause();
    else await this.player.play();
  }

  toggleLoop() {
    const { start, end } = song.sections[sectionAt(this.player.position)];
    this.player.setLoop(this.player.loop ? null : [start, end]);
  }

  goTo(index) {
    const { start, end } = song.sections[index];
    if (this.player.loop) this.player.setLoop([start, end]);
    this.player.seek(start);
  }

  press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = event.target.closest("input[type=range]");
    const actions = {
      " ": () => this.toggle(),
      l: () => this.toggleLoop(),
      c: () => find("click").click(),
      ArrowLeft: typing ? undefined : () => this.step(-1),
      ArrowRight: typing ? undefined : () => this.step(1),
    };
    const action = actions[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!action || (event.key === " " && event.target.closest("button, input"))) return;
    event.preventDefault();
    action();
  }

  // A bar back or on.
  step(direction) {
    const downbeats = song.beats.filter((_, index) => song.positions[index] === 1);
    const time = this.player.position;
    const next = downbeats.find((beat) => beat > time + 0.05);
    const before = downbeats.filter((beat) => beat < time - 0.25).pop();
    this.player.seek((direction > 0 ? next : before) ?? (direction > 0 ? time : 0));
  }

  draw() {
    const { player } = this;
    const time = player.position;
    this.heads.draw(time, player.playing);
    const text = `${clock(time)} / ${clock(song.duration)}${placeOf(time)}`;
    if (find("place").textContent !== text) find("place").textContent = text;
    find("play").textContent = player.playing ? "Pause" : "Play";
    find("loop").setAttribute("aria-pressed", String(player.loop !== null));
    const at = sectionAt(time);
    this.buttons.forEach((button, index) => {
      if (index === at) button.setAttribute("aria-current", "true");
      else button.removeAttribute("aria-current");
    });
    requestAnimationFrame(() => this.draw());
  }
}

decode().then(
  (sound) => {
    window.page = new Page(new Player(sound), find("timeline"));
  },
  () => {
    find("place").textContent = "This browser cannot decode the sound.";
  },
);
