// The panel of corrections: those that need a place in the song.

import { make } from "../bus.js";
import { BarsBlock } from "./bars.js";
import { BeatBlock } from "./beat.js";
import { Here } from "./here.js";
import { SectionBlock } from "./section.js";
import { TempoBlock } from "./tempo.js";

export class Panel {
  // desk: has sheet, player and view. correct: called with a command.
  constructor(desk, correct) {
    const here = new Here(desk);
    this.desk = desk;
    this.tempo = new TempoBlock(here, correct);
    this.blocks = [
      new SectionBlock(here, correct),
      this.tempo,
      new BarsBlock(here, correct),
      new BeatBlock(here, correct),
    ];
    this.element = make(
      "section",
      { class: "panel", "aria-label": "Corrections", hidden: true },
      ...this.blocks.map((block) => block.element),
    );
  }

  get isOpen() {
    return !this.element.hidden;
  }

  tap() {
    this.tempo.tap();
  }

  // Show what the playhead and the selection mean now.
  update() {
    if (!this.isOpen || !this.desk.sheet) return;
    for (const block of this.blocks) block.update();
  }

  // Show a new version of the song.
  show(sheet) {
    for (const block of this.blocks) block.show(sheet);
    this.update();
  }
}
