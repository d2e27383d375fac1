// The panel of corrections: what needs a place in the song to be said. Beats and bars are meant
// where the playhead is; a section is the selected one, or the one at the playhead.

import { writeTime } from "../timeline.js";
import { make } from "./bus.js";
import { Taps } from "./taps.js";

const METERS = [2, 3, 4, 5, 6, 7];
const ENOUGH = 4; // taps that make a tempo

export class Panel {
  // desk: has sheet, player and view. correct: has a command carried out.
  constructor(desk, correct) {
    this.desk = desk;
    this.correct = correct;
    this.taps = new Taps(desk.player);
    this.element = make(
      "section",
      { class: "panel", "aria-label": "Corrections", hidden: true },
      this.makeTempo(),
      this.makeBars(),
      this.makeBeat(),
      this.makeSection(),
    );
  }

  button(text, label, command, attributes = {}) {
    const button = make("button", { type: "button", ...attributes }, text);
    if (label) button.setAttribute("aria-label", label);
    if (label) button.title = label;
    button.addEventListener("click", (event) => {
      const made = typeof command === "function" ? command() : command;
      if (made) this.correct(made);
      if (event.detail > 0) button.blur(); // the space bar goes on meaning "play"
    });
    return button;
  }

  group(title, ...children) {
    this.groups = (this.groups || 0) + 1;
    const id = `correct-${this.groups}`;
    const head = make("h3", { id }, title);
    return [head, make("div", { class: "block", role: "group", "aria-labelledby": id }, head, ...children)];
  }

  row(label, ...children) {
    const name = make("span", { class: "label" }, label);
    return [name, make("div", { class: "row" }, name, ...children)];
  }

  makeTempo() {
    const scale = (factor) => ({ do: "scale_tempo", factor });
    const nudge = (ms) => {
      const label = `All beats ${Math.abs(ms)} ms ${ms < 0 ? "earlier" : "later"}`;
      return this.button(ms < 0 ? `−${-ms}` : `+${ms}`, label, { do: "nudge", ms });
    };
    this.tapper = make("button", { type: "button", class: "tap", title: "Tap the beat (T)" });
    this.tapper.addEventListener("pointerdown", (event) => {
      if (event.button === 0) this.tap();
    });
    this.tapper.addEventListener("keydown", (event) => {
      if (![" ", "Enter"].includes(event.key)) return;
      event.preventDefault();
      event.stopPropagation();
      if (!event.repeat) this.tap();
    });
    this.tapper.addEventListener("click", (event) => {
      // Assistive technology presses without a pointer; a mouse has been heard already.
      if (event.detail === 0 && event.pointerType === "") this.tap();
    });
    this.useTaps = this.button("Use the taps", "", () => {
      const command = { do: "tap_tempo", taps: this.taps.times };
      this.taps.clear();
      this.showTaps();
      return command;
    });
    this.dropTaps = this.button("Forget them", "", () => {
      this.taps.clear();
      this.showTaps();
    });
    this.tapWords = make("p", { class: "hint", "aria-live": "off" });
    const [, block] = this.group(
      "Tempo",
      this.row(
        "Scale",
        this.button("÷3/2", "Two beats where three are", scale("2/3")),
        this.button("×3/2", "Three beats where two are", scale("3/2")),
      )[1],
      this.row("Shift all beats, ms", nudge(-10), nudge(-1), nudge(1), nudge(10))[1],
      make("p", { class: "hint" }, "In thousandths of a second: − is earlier, + is later."),
      make("div", { class: "row" }, this.tapper, this.useTaps, this.dropTaps),
      this.tapWords,
    );
    this.showTaps();
    return block;
  }

  makeBars() {
    this.meters = METERS.map((meter) =>
      this.button(
        String(meter),
        `${meter} beats a bar`,
        () => {
          const { sheet } = this.desk;
          const from = this.onlyFrom.checked ? this.barHere() : undefined;
          return from === undefined
            ? { do: "set_meter", meter }
            : { do: "set_meter", meter, at: sheet.beats[from] };
        },
        { "aria-pressed": "false" },
      ),
    );
    this.onlyFrom = make("input", { type: "checkbox" });
    this.onlyFromText = make("span", {});
    this.onlyFrom.addEventListener("change", () => this.update());
    const [, block] = this.group(
      "Bars",
      this.row("Beats a bar", ...this.meters)[1],
      make("label", { class: "check" }, this.onlyFrom, this.onlyFromText),
      make("p", { class: "hint" }, "Ticked, the bars before keep their beats; else all bars change."),
      make(
        "div",
        { class: "row" },
        this.button("Bar 1 is here", "", () => this.atBeat((at) => ({ do: "set_bar_one", at }))),
      ),
    );
    return block;
  }

  makeBeat() {
    const move = (ms) => {
      const label = `This beat ${Math.abs(ms)} ms ${ms < 0 ? "earlier" : "later"}`;
      return this.button(ms < 0 ? `−${-ms}` : `+${ms}`, label, () =>
        this.atBeat((at) => ({ do: "move_beat", at, to: Math.max(at + ms / 1000, 0) })),
      );
    };
    const [head, block] = this.group(
      "Beat",
      this.row("Move, ms", move(-10), move(10))[1],
      make(
        "div",
        { class: "row" },
        this.button("Delete this beat", "", () => this.atBeat((at) => ({ do: "delete_beat", at }))),
        this.button("Add a beat here", "", () => ({ do: "add_beat", at: this.desk.player.position })),
      ),
      make("p", { class: "hint" }, "Or drag the round grip below the wave."),
    );
    this.beatHead = head;
    return block;
  }

  makeSection() {
    this.labels = make("div", { class: "labels" });
    this.own = make("input", { type: "text", maxlength: 80, placeholder: "own words" });
    this.own.setAttribute("aria-label", "Name of this section in your own words");
    const rename = make("form", {}, this.own, make("button", {}, "Rename"));
    rename.addEventListener("submit", (event) => {
      event.preventDefault();
      const label = this.own.value.trim();
      if (label) this.rename(label);
      this.own.value = "";
    });
    const begin = (text, label, to) =>
      this.button(text, label, () => {
        const section = this.section();
        const time = section && to(section.start);
        if (!section || time === undefined || time === section.start) return null;
        return { do: "move_boundary", at: section.start, to: time };
      });
    const bars = () => this.desk.sheet.downbeats;
    [this.beginLabel, this.begin] = this.row(
      "Begins",
      begin("◀ bar", "This section begins one bar earlier", (start) =>
        bars().findLast((t) => t < start - 0.02),
      ),
      begin("bar ▶", "This section begins one bar later", (start) =>
        bars().find((t) => t > start + 0.02),
      ),
      begin("at the playhead", "", () => this.desk.player.position),
    );
    this.merge = this.button("Merge with the one before", "", () => {
      const section = this.section();
      return section && { do: "merge_sections", at: section.start };
    });
    this.resetSection = this.button("Reset this section", "", () => {
      const section = this.section();
      if (!section || !section.reset) return null;
      const [start, end] = section.reset;
      return { do: "reset", what: "sections", start, end };
    });
    const [head, block] = this.group(
      "Section",
      make("div", { class: "row" }, this.labels, rename),
      this.begin,
      make(
        "div",
        { class: "row" },
        this.button("Split at the playhead", "", () => {
          const at = this.desk.player.position;
          return { do: "split_section", at, snap: true };
        }),
        this.merge,
        this.button("Delete", "Delete this section; the one before takes its place", () => {
          const section = this.section();
          return section && { do: "delete_section", at: middle(section) };
        }),
        this.resetSection,
      ),
      make(
        "p",
        { class: "hint" },
        "Or drag the grips between sections; with Alt, off the bars. " +
          "The time of a deleted section falls to the one before it, of the first to the next.",
      ),
    );
    block.classList.add("wide");
    this.sectionBlock = block;
    this.sectionHead = head;
    return block;
  }

  tap() {
    this.taps.tap();
    this.showTaps();
  }

  showTaps() {
    const { times, bpm } = this.taps;
    const { playing } = this.desk.player;
    this.tapper.textContent = "Tap the beat";
    this.useTaps.hidden = times.length < ENOUGH;
    this.dropTaps.hidden = !times.length;
    const told = bpm === null ? "" : ` · ${bpm.toFixed(1)} BPM`;
    this.tapWords.textContent = times.length
      ? `${times.length} tap${times.length > 1 ? "s" : ""}${told}`
      : playing
        ? "Tap here, or press T, on every beat that you hear."
        : "The first tap plays the song; then tap on every beat.";
  }

  rename(label) {
    const section = this.section();
    if (section) this.correct({ do: "relabel_section", at: middle(section), label });
  }

  // The beat that the playhead is nearest to; -1 where there is none.
  beatHere() {
    const { sheet, player } = this.desk;
    return sheet.nearestBeat(player.position);
  }

  // The first beat of the bar at the playhead; undefined in a song without beats.
  barHere() {
    const { sheet } = this.desk;
    let index = this.beatHere();
    while (index > 0 && sheet.positions[index] !== 1) index -= 1;
    return index < 0 ? undefined : index;
  }

  // A command for the beat at the playhead; without any, the server will say so.
  atBeat(command) {
    const { sheet, player } = this.desk;
    const index = this.beatHere();
    return command(index < 0 ? player.position : sheet.beats[index]);
  }

  section() {
    return this.desk.sheet.sections[this.desk.sectionHere()];
  }

  // Say which beat, bar and section are meant now.
  update() {
    if (this.element.hidden || !this.desk.sheet) return;
    const { sheet } = this.desk;
    const beat = this.beatHere();
    const bar = this.barHere();
    setText(this.beatHead, beat < 0 ? "Beat" : `Beat ${sheet.bars[beat]}.${sheet.positions[beat]}`);
    setText(this.onlyFromText, bar === undefined ? "Only from here on" : `Only from bar ${sheet.bars[bar]} on`);
    const index = this.desk.sectionHere();
    const section = sheet.sections[index];
    const where = section ? ` ${index + 1}, ${section.label}` : "";
    setText(this.sectionHead, `Section${where}`);
    if (section) setText(this.beginLabel, `Begins ${writeTime(section.start, 2)}`);
    this.sectionBlock.hidden = !section;
    this.merge.hidden = index < 1;
    this.begin.hidden = index < 1;
    this.resetSection.hidden = !section || !section.reset;
    for (const chip of this.labels.children) {
      chip.setAttribute("aria-pressed", String(Boolean(section) && chip.value === section.label));
    }
    this.showTaps();
  }

  show(sheet) {
    if (!this.labels.children.length) {
      const chips = sheet.corrections.labels.map(({ label, colour }) => {
        const swatch = make("span", { class: "swatch", style: `background:${colour}` });
        const chip = make("button", { type: "button", value: label }, swatch, label);
        chip.addEventListener("click", () => this.rename(label));
        return chip;
      });
      this.labels.append(...chips);
    }
    this.meters.forEach((button, i) => {
      button.setAttribute("aria-pressed", String(METERS[i] === sheet.meter));
    });
    this.update();
  }
}

function middle({ start, end }) {
  return (start + end) / 2;
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
