// The practice bar at the bottom of the window: what one needs with an instrument in the hand.

import { bus, icon, make, makeActionButton } from "../bus.js";
import { setText } from "../panel/block.js";
import { SPEEDS } from "./practice.js";

const ICONS = {
  play: "M8 5v14l11-7z",
  pause: "M7 5h4v14H7zM13 5h4v14h-4z",
  sectionBack: "M6 5h2.5v14H6zM20 5v14l-10-7z",
  sectionOn: "M15.5 5H18v14h-2.5zM4 5v14l10-7z",
  barBack: "M12 12 19 7v10zM5 12l7-5v10z",
  barOn: "M5 7l7 5-7 5zM12 7l7 5-7 5z",
};
const COUNT_IN = ["Count-in", "Count-in 1", "Count-in 2"];
const COUNT_IN_HINTS = ["no count-in", "one bar", "two bars"];

export class Bar {
  // actions: what each control does, by the names of keys.js.
  constructor(practice, actions) {
    this.practice = practice;
    this.player = practice.player;
    this.actions = actions;
    const move = (name, label, key) => this.button(name, label, key, icon(ICONS[name]));
    this.play = move("play", "Play", "Space");
    this.play.classList.add("main");
    this.time = make("span", { class: "time" });
    this.place = make("span", { class: "place" });
    this.loop = this.toggle("loop", "Loop", "L");
    this.click = this.toggle("click", "Click", "C");
    this.countIn = this.button("countIn", "Count-in", "N", "Count-in");
    this.more = make("button", { type: "button", class: "more", "aria-expanded": "false" }, "More");
    this.more.title = "Volumes, click sound, speed trainer, pitch, saved loops (M)";
    this.more.addEventListener("click", () => this.actions.settings());
    const group = (name, label, ...children) =>
      make("div", { class: `group ${name}`, role: "group", "aria-label": label }, ...children);
    this.element = make(
      "div",
      { class: "practice-bar", role: "region", "aria-label": "Practice bar" },
      group(
        "moves",
        "Playing",
        move("sectionBack", "Previous section", "["),
        move("barBack", "Previous bar", "Shift+←"),
        this.play,
        move("barOn", "Next bar", "Shift+→"),
        move("sectionOn", "Next section", "]"),
      ),
      make("div", { class: "where" }, this.place, this.time),
      group("practise", "Practising", this.loop, this.click, this.countIn),
      this.makeSpeed(),
      this.more,
    );
    practice.player.addEventListener("change", () => this.update());
    practice.addEventListener("change", () => this.update());
    this.update();
  }

  button(name, label, key, content) {
    return makeActionButton(this.actions, name, label, key, content);
  }

  toggle(name, label, key) {
    const button = this.button(name, label, key, label);
    button.setAttribute("aria-pressed", "false");
    return button;
  }

  makeSpeed() {
    const { practice } = this;
    const { lowest, highest, step } = SPEEDS;
    const range = { min: lowest, max: highest, step, value: 100 };
    this.speed = make("input", { type: "range", ...range, "aria-label": "Speed" });
    this.speed.title = "Speed (, and .)";
    this.speed.addEventListener("input", () => practice.setSpeed(Number(this.speed.value)));
    this.speedText = make("button", { type: "button", class: "percent" });
    this.speedText.title = "Back to full speed";
    this.speedText.addEventListener("click", () => practice.setSpeed(100));
    const label = { class: "group speed", role: "group", "aria-label": "Speed" };
    return make("div", label, this.speed, this.speedText);
  }

  update() {
    const { player, practice } = this;
    const { playing } = player;
    this.play.replaceChildren(icon(ICONS[playing ? "pause" : "play"]));
    this.play.setAttribute("aria-label", playing ? "Pause" : "Play");
    this.play.classList.toggle("waiting", playing && player.waiting);
    this.loop.setAttribute("aria-pressed", String(Boolean(player.loop)));
    this.click.setAttribute("aria-pressed", String(player.levels.click.on));
    const { countIn } = practice.settings;
    setText(this.countIn, COUNT_IN[countIn]);
    this.countIn.setAttribute("aria-label", `Count-in: ${COUNT_IN_HINTS[countIn]}`);
    this.countIn.setAttribute("aria-pressed", String(countIn > 0));
    this.showSpeed();
    bus.say("position");
  }

  showSpeed() {
    const { speed, training } = this.practice;
    const text = `${speed} %`;
    if (text === this.shownSpeed && training === this.shownTraining) return;
    this.shownSpeed = text;
    this.shownTraining = training;
    this.speed.value = speed;
    this.speed.setAttribute("aria-valuetext", `${speed} percent`);
    setText(this.speedText, training ? `↗ ${text}` : text);
    this.speedText.setAttribute("aria-label", `${text}: back to full speed`);
  }

  setOpen(open) {
    this.more.setAttribute("aria-expanded", String(open));
  }

  // Called for each frame of the screen while the song plays.
  setPosition(time, duration, place) {
    setText(this.time, `${time} / ${duration}`);
    setText(this.place, place);
    this.showSpeed();
  }
}
