// Tempo: scale it, make it constant, slide all beats, tap along.

import { writeTime } from "../../timeline.js";
import { make } from "../bus.js";
import { Taps } from "../taps.js";
import { Block, setText } from "./block.js";

const ENOUGH = 4; // taps that make a tempo
const SLIDE = 60; // milliseconds to either side
const SLOWEST = 20; // BPM
const FASTEST = 600;

export class TempoBlock extends Block {
  constructor(here, correct) {
    super(here, correct);
    this.taps = new Taps(here.player);
    this.tapper = this.makeTapper();
    this.usePassage = this.button("Use for this passage", "", () => this.useTaps("passage"));
    this.useSong = this.button("Use for the whole song", "", () => this.useTaps("song"));
    this.dropTaps = this.button("Forget them", "", () => {
      this.taps.clear();
      this.update();
    });
    this.tapWords = make("p", { class: "hint", "aria-live": "off" });
    const scale = (factor) => ({ do: "scale_tempo", factor });
    this.build(
      "Tempo",
      this.row(
        this.label("Scale"),
        this.button("÷3/2", "Two beats where three are", scale("2/3")),
        this.button("×3/2", "Three beats where two are", scale("3/2")),
      ),
      this.row(
        this.label("Constant"),
        this.button("Make constant", "Make constant: one tempo for the whole song", {
          do: "constant_tempo",
        }),
        this.makeTyped(),
      ),
      this.row(
        this.label("Slide all beats"),
        this.nudge(-10),
        this.nudge(-1),
        this.makeSlider(),
        this.nudge(1),
        this.nudge(10),
      ),
      this.slideHint,
      this.row(this.tapper, this.usePassage, this.useSong, this.dropTaps),
      this.tapWords,
    );
    this.update();
  }

  makeTyped() {
    const range = { min: SLOWEST, max: FASTEST, step: "any", placeholder: "BPM" };
    const input = make("input", { type: "number", inputmode: "decimal", ...range });
    input.setAttribute("aria-label", "Constant tempo, beats per minute");
    const form = make("form", { novalidate: true }, input, make("button", {}, "Set"));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const bpm = Number(input.value);
      if (bpm) this.correct({ do: "constant_tempo", bpm });
      input.value = "";
    });
    return form;
  }

  // While it is dragged, the clicks are heard where they would be; on release the beats move.
  makeSlider() {
    const range = { min: -SLIDE, max: SLIDE, step: 1, value: 0 };
    const slider = make("input", { type: "range", class: "slide", ...range });
    slider.setAttribute("aria-label", "Slide all beats, in milliseconds");
    this.slideHint = this.hint("");
    const show = (ms) => {
      slider.setAttribute("aria-valuetext", `${ms} milliseconds`);
      const text = `${Math.abs(ms)} ms ${ms < 0 ? "earlier" : "later"}`;
      setText(this.slideHint, ms ? text : "In milliseconds: − is earlier, + is later.");
    };
    slider.addEventListener("input", () => {
      const ms = Number(slider.value);
      show(ms);
      this.here.desk.hearNudged(ms);
    });
    slider.addEventListener("change", () => {
      const ms = Number(slider.value);
      slider.value = 0;
      show(0);
      if (ms) this.correct({ do: "nudge", ms });
      else this.here.desk.hearNudged(0);
    });
    show(0);
    return slider;
  }

  useTaps(extent) {
    const command = { do: "tap_tempo", taps: this.taps.times, extent };
    this.taps.clear();
    this.update();
    return command;
  }

  nudge(ms) {
    const label = `All beats ${Math.abs(ms)} ms ${ms < 0 ? "earlier" : "later"}`;
    return this.button(ms < 0 ? `−${-ms}` : `+${ms}`, label, { do: "nudge", ms });
  }

  makeTapper() {
    const tapper = make("button", { type: "button", class: "tap", title: "Tap the beat (T)" });
    tapper.textContent = "Tap the beat";
    tapper.addEventListener("pointerdown", (event) => {
      // A finger that goes down may not start sound yet; its click may.
      const starts = event.pointerType === "touch" && !this.here.player.playing;
      if (event.button === 0 && !starts) this.tap();
    });
    tapper.addEventListener("keydown", (event) => {
      if (![" ", "Enter"].includes(event.key)) return;
      event.preventDefault();
      event.stopPropagation();
      if (!event.repeat) this.tap();
    });
    tapper.addEventListener("click", (event) => {
      // Assistive technology presses without a pointer. Others were counted when they went down.
      const silent = event.detail === 0 && event.pointerType === "";
      if (silent || (event.pointerType === "touch" && !this.here.player.playing)) this.tap();
    });
    return tapper;
  }

  tap() {
    this.taps.tap();
    this.update();
  }

  update() {
    const { times, bpm } = this.taps;
    this.usePassage.hidden = this.useSong.hidden = times.length < ENOUGH;
    this.dropTaps.hidden = !times.length;
    const tempo = bpm === null ? "" : ` · ${bpm.toFixed(1)} BPM`;
    const passage = () => `${writeTime(times[0], 1)} to ${writeTime(times[times.length - 1], 1)}`;
    this.tapWords.textContent = times.length
      ? `${times.length} tap${times.length > 1 ? "s" : ""}${tempo} · retimes ${passage()}`
      : this.here.player.playing
        ? "Tap here, or press T, on every beat that you hear."
        : "The first tap plays the song; then tap on every beat.";
  }
}
