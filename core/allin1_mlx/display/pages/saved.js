// What a saved page shows, and its controls. Continues player.js: saved.py joins the two.

// The index of the section at a time; the first one before it begins.
function sectionAt(time) {
  const begun = song.sections.filter(({ start }) => start <= time + 1e-3).length;
  return Math.max(begun - 1, 0);
}

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
    const { player } = this;
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
    find("speed").addEventListener("input", () => this.showSpeed());
    find("speed").addEventListener("change", () => player.setSpeed(this.speed));
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
        const { clientX: x, clientY: y } = event;
        if (down && Math.hypot(x - down.clientX, y - down.clientY) < 4) {
          const box = figure.getBoundingClientRect();
          this.player.seek(this.heads.toTime(x - box.left, y - box.top));
        }
        down = null;
      },
      true,
    );
  }

  // Of full speed.
  get speed() {
    return Number(find("speed").value) / 100;
  }

  showSpeed() {
    const percent = find("speed").value;
    find("percent").textContent = `${percent} %`;
    find("speed").setAttribute("aria-valuetext", `${percent} percent`);
  }

  changeSpeed(direction) {
    if (direction > 0) find("speed").stepUp();
    else find("speed").stepDown();
    this.showSpeed();
    this.player.setSpeed(this.speed);
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
      ",": () => this.changeSpeed(-1),
      ".": () => this.changeSpeed(1),
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
