// Tempo: scale it, shift all beats, tap along.

import { make } from "../bus.js";
import { Taps } from "../taps.js";
import { Block } from "./block.js";

const ENOUGH = 4; // taps that make a tempo

export class TempoBlock extends Block {
  constructor(here, correct) {
    super(here, correct);
    this.taps = new Taps(here.player);
    this.tapper = this.makeTapper();
    this.useTaps = this.button("Use the taps", "", () => {
      const command = { do: "tap_tempo", taps: this.taps.times };
      this.taps.clear();
      this.update();
      return command;
    });
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
      this.row(this.label("Shift all beats, ms"), ...[-10, -1, 1, 10].map((ms) => this.nudge(ms))),
      this.hint("In thousandths of a second: − is earlier, + is later."),
      this.row(this.tapper, this.useTaps, this.dropTaps),
      this.tapWords,
    );
    this.update();
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
    this.useTaps.hidden = times.length < ENOUGH;
    this.dropTaps.hidden = !times.length;
    const tempo = bpm === null ? "" : ` · ${bpm.toFixed(1)} BPM`;
    this.tapWords.textContent = times.length
      ? `${times.length} tap${times.length > 1 ? "s" : ""}${tempo}`
      : this.here.player.playing
        ? "Tap here, or press T, on every beat that you hear."
        : "The first tap plays the song; then tap on every beat.";
  }
}
