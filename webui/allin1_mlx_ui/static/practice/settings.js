// The settings of the practice bar: volumes, click, speed trainer, pitch, and the saved loops.

import { make } from "../bus.js";
import { SOUNDS, SUBDIVISIONS } from "../clicks.js";
import { setText } from "../panel/block.js";
import { SavedLoops } from "./loops.js";

const CENTS = 50; // up and down
const NO_SOUND = "Only the result is open: add the song's file to hear it.";
const READING = "The song's file is being read.";

export class Settings {
  // desk: has practice, player, sheet, moves and editing.
  constructor(desk) {
    this.desk = desk;
    this.practice = desk.practice;
    this.player = desk.player;
    this.loops = new SavedLoops(desk);
    this.silence = make("p", { class: "silence", role: "status", hidden: true });
    this.element = make(
      "section",
      { class: "practice-settings", "aria-label": "Practice settings", hidden: true },
      this.silence,
      block("Volume", this.makeLevel("song", "Song"), this.makeLevel("click", "Click")),
      block("Click", ...this.makeClick()),
      block("Speed trainer", ...this.makeTrainer()),
      block("Pitch", ...this.makePitch()),
      this.loops.element,
    );
    this.player.addEventListener("change", () => this.update());
    this.practice.addEventListener("change", () => this.update());
    this.update();
  }

  get isOpen() {
    return !this.element.hidden;
  }

  toggle() {
    this.element.hidden = !this.element.hidden;
  }

  makeLevel(which, label) {
    const toggle = make("button", { type: "button", "aria-pressed": "true" }, label);
    toggle.title = `${label} on or off`;
    toggle.addEventListener("click", () => {
      this.player.setLevel(which, { on: !this.player.levels[which].on });
    });
    const slider = make("input", { type: "range", min: 0, max: 100 });
    slider.setAttribute("aria-label", `${label} volume`);
    slider.addEventListener("input", () => {
      this.practice.setVolume(which, Number(slider.value) / 100);
    });
    this[`${which}Toggle`] = toggle;
    this[`${which}Slider`] = slider;
    return make("div", { class: `line level ${which}` }, toggle, slider);
  }

  makeClick() {
    const choose = (name, choices, change) => {
      const options = Object.entries(choices).map(([value, [text]]) =>
        make("option", { value }, text),
      );
      const select = make("select", {}, ...options);
      select.addEventListener("change", () => this.practice.set(change(select.value)));
      return make("label", { class: "line" }, make("span", {}, name), select);
    };
    const sound = choose("Sound", SOUNDS, (value) => ({ sound: value }));
    const parts = choose("Every", SUBDIVISIONS, (value) => ({ subdivision: value }));
    [this.sound, this.subdivision] = [sound, parts].map((line) => line.querySelector("select"));
    this.accent = make("input", { type: "checkbox" });
    this.accent.addEventListener("change", () => this.practice.set({ accent: this.accent.checked }));
    return [sound, parts, make("label", { class: "check" }, this.accent, "Accent on beat 1")];
  }

  makeTrainer() {
    const { practice } = this;
    this.trainer = make("input", { type: "checkbox" });
    this.trainer.addEventListener("change", () => practice.train(this.trainer.checked));
    const number = (name, label, min, max, step, scale) => {
      const input = make("input", { type: "number", min, max, step, value: practice.trainer[name] });
      input.setAttribute("aria-label", label);
      input.addEventListener("change", () => {
        const value = Math.min(Math.max(Number(input.value) || min, min), max);
        input.value = value;
        practice.setTrainer({ [name]: value });
      });
      return [input, scale];
    };
    return [
      make("label", { class: "check" }, this.trainer, "Faster with each round of the loop"),
      make(
        "div",
        { class: "line numbers" },
        "from",
        ...number("from", "Speed at the start, percent", 50, 150, 5, "% to"),
        ...number("to", "Speed at the end, percent", 50, 150, 5, "%"),
      ),
      make(
        "div",
        { class: "line numbers" },
        "by",
        ...number("step", "Step, percent", 1, 50, 1, "% every"),
        ...number("rounds", "Rounds at each speed", 1, 99, 1, "rounds"),
      ),
    ];
  }

  makePitch() {
    const { practice } = this;
    const shift = (by, text, label) => {
      const onclick = () => practice.setPitch({ semitones: practice.semitones + by });
      return make("button", { type: "button", "aria-label": label, onclick }, text);
    };
    this.semitones = make("output", { class: "semitones", "aria-label": "Transposed by" });
    this.cents = make("input", { type: "range", min: -CENTS, max: CENTS, step: 1, value: 0 });
    this.cents.setAttribute("aria-label", "Fine tuning");
    this.cents.addEventListener("input", () => {
      practice.setPitch({ cents: Number(this.cents.value) });
    });
    this.centsText = make("span", { class: "cents" });
    const reset = () => practice.setPitch({ semitones: 0, cents: 0 });
    this.pitchReset = make("button", { type: "button", onclick: reset }, "Original pitch");
    return [
      make(
        "div",
        { class: "line" },
        shift(-1, "−", "A semitone lower"),
        this.semitones,
        shift(1, "+", "A semitone higher"),
      ),
      make("div", { class: "line" }, this.cents, this.centsText),
      this.pitchReset,
    ];
  }

  update() {
    const { player, practice } = this;
    for (const which of ["song", "click"]) {
      const { on, volume } = player.levels[which];
      this[`${which}Toggle`].setAttribute("aria-pressed", String(on));
      this[`${which}Slider`].value = Math.round(volume * 100);
    }
    const { sound, subdivision, accent } = practice.settings;
    this.sound.value = sound;
    this.subdivision.value = subdivision;
    this.accent.checked = accent;
    this.trainer.checked = practice.training;
    const { semitones, cents } = practice;
    setText(this.semitones, `${sign(semitones)} semitone${Math.abs(semitones) === 1 ? "" : "s"}`);
    setText(this.centsText, `${sign(cents)} cents`);
    this.cents.value = cents;
    this.cents.setAttribute("aria-valuetext", `${cents} cents`);
    this.pitchReset.hidden = semitones === 0 && cents === 0;
    this.loops.update();
  }

  // Show a new version of the song.
  show(sheet) {
    const sounds = sheet.frames > 0;
    this.silence.hidden = sounds;
    setText(this.silence, sheet.hasSource ? READING : NO_SOUND);
    this.songToggle.disabled = this.songSlider.disabled = !sounds;
    this.loops.show(sheet);
  }
}

export function block(title, ...children) {
  return make("div", { class: "block", role: "group", "aria-label": title }, make("h3", {}, title), ...children);
}

function sign(number) {
  return number > 0 ? `+${number}` : number < 0 ? `−${-number}` : "0";
}
