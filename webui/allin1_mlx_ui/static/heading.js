// What stands above the timeline: the song's name, its facts, and warnings.

import { writeTime } from "../timeline.js";
import { make } from "./bus.js";

const STEADY = 0.8; // share of beat intervals that agree with the tempo
const MOST_OFFERS = 2; // other tempos that are offered
const PAGE = document.title; // before a song is open

export class Heading {
  // correct: called with a command.
  constructor(correct) {
    this.correct = correct;
    this.title = make("h2", {});
    this.tempo = make("span", {});
    this.offers = make("span", { class: "tempo-offers" });
    this.facts = make("span", {});
    this.notes = make("p", { class: "notes", role: "status" });
    const line = make("p", { class: "facts" }, this.tempo, this.offers, this.facts);
    this.element = make("div", { class: "about" }, this.title, line, this.notes);
  }

  show(sheet) {
    this.title.textContent = sheet.name;
    document.title = `${sheet.name} · ${PAGE}`;
    this.tempo.textContent = writeTempo(sheet);
    this.tempo.title = explainTempo(sheet);
    const { alternatives } = sheet.tempo || { alternatives: [] };
    this.offers.replaceChildren(
      ...alternatives.slice(0, MOST_OFFERS).map((level) => this.offer(level)),
    );
    this.facts.textContent = [" ", ...listFacts(sheet)].join(" · ");
    this.warn(sheet.warnings.join(" "));
  }

  // A button for another way to count the same music.
  offer({ bpm, change, confidence }) {
    const offbeat = change === "offbeat";
    const text = offbeat ? "or half a beat later?" : `or ${writeBpm(bpm)}?`;
    const button = make("button", { type: "button", class: "tempo-offer" }, text);
    button.title = `${Math.round(100 * confidence)} % likely. A click changes the beats; Undo takes it back.`;
    button.addEventListener("click", () =>
      this.correct(
        offbeat
          ? { do: "nudge", ms: Math.round(30000 / bpm) }
          : { do: "scale_tempo", factor: change },
      ),
    );
    return button;
  }

  close() {
    document.title = PAGE;
  }

  warn(text) {
    this.notes.textContent = text;
    this.notes.hidden = !text;
  }
}

// "128.00 BPM, constant" or "121.40 BPM, tempo varies 118–124"
function writeTempo({ tempo, bpm }) {
  if (!tempo || tempo.bpm === null) return bpm === null ? "no beat found" : `${bpm} BPM`;
  const text = `${tempo.bpm.toFixed(2)} BPM`;
  if (tempo.constant) return `${text}, constant`;
  const [low, high] = tempo.range;
  if (low < high) return `${text}, tempo varies ${low}–${high}`;
  return tempo.confidence >= STEADY ? `${text}, steady` : text;
}

function writeBpm(bpm) {
  return String(Math.round(10 * bpm) / 10);
}

function listFacts(sheet) {
  const facts = [];
  const { bpm } = sheet.corrections;
  const now = sheet.tempo ? sheet.tempo.bpm : sheet.bpm;
  if (bpm !== null && Math.abs(bpm - now) > 0.05) facts.push(`detected ${bpm.toFixed(2)}`);
  if (sheet.meter) facts.push(`${sheet.meter} beats a bar`);
  facts.push(writeTime(sheet.duration, 0));
  if (sheet.model) facts.push(`Analysis model: ${sheet.network}`);
  return facts;
}

function explainTempo({ tempo, notice }) {
  if (!tempo || tempo.bpm === null) return notice;
  const percent = Math.round(100 * tempo.confidence);
  return `${percent} % of the steps from beat to beat agree with this tempo. ${notice}`.trim();
}
