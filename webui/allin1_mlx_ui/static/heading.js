// What stands above the timeline: the song's name, its facts, and warnings.

import { writeTime } from "../timeline.js";
import { make } from "./bus.js";

const STEADY = 0.8; // share of beat intervals that agree with the tempo

export class Heading {
  constructor() {
    this.title = make("h2", {});
    this.facts = make("p", { class: "facts" });
    this.notes = make("p", { class: "notes", role: "status" });
    this.element = make("div", { class: "about" }, this.title, this.facts, this.notes);
  }

  show(sheet) {
    this.title.textContent = sheet.name;
    this.facts.textContent = listFacts(sheet).join(" · ");
    this.facts.title = explainTempo(sheet);
    this.warn(sheet.warnings.join(" "));
  }

  warn(text) {
    this.notes.textContent = text;
    this.notes.hidden = !text;
  }
}

function listFacts(sheet) {
  const facts = [];
  if (sheet.tempo && sheet.tempo.bpm !== null) {
    const steady = sheet.tempo.confidence >= STEADY ? "steady" : "tempo varies";
    facts.push(`${sheet.tempo.bpm.toFixed(2)} BPM, ${steady}`);
  } else {
    facts.push(sheet.bpm === null ? "no beat found" : `${sheet.bpm} BPM`);
  }
  const { bpm } = sheet.corrections;
  const now = sheet.tempo ? sheet.tempo.bpm : sheet.bpm;
  if (bpm !== null && Math.abs(bpm - now) > 0.05) facts.push(`detected ${bpm.toFixed(2)}`);
  if (sheet.meter) facts.push(`${sheet.meter} beats a bar`);
  facts.push(writeTime(sheet.duration, 0));
  if (sheet.model) facts.push(`Network: ${sheet.network}`);
  return facts;
}

function explainTempo({ tempo, notice }) {
  if (!tempo || tempo.bpm === null) return notice;
  const percent = Math.round(100 * tempo.confidence);
  return `${percent} % of the steps from beat to beat agree with this tempo. ${notice}`.trim();
}
