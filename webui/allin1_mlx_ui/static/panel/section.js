// The selected section, or the one at the playhead: its name, its beginning, split and merge.

import { writeTime } from "../../timeline.js";
import { make } from "../bus.js";
import { Block, setText } from "./block.js";

const TOUCH = 0.02; // seconds within which two times are the same

export class SectionBlock extends Block {
  constructor(here, correct) {
    super(here, correct);
    this.labels = make("div", { class: "labels" });
    this.beginLabel = this.label("Begins");
    this.begin = this.makeBegin();
    this.merge = this.button("Merge with the one before", "", () =>
      this.command(({ start }) => ({ do: "merge_sections", at: start })),
    );
    this.resetSection = this.button("Reset this section", "", () =>
      this.command(
        ({ reset }) => reset && { do: "reset", what: "sections", start: reset[0], end: reset[1] },
      ),
    );
    this.split = this.button("Split", "", () => ({
      do: "split_section",
      at: here.time,
      snap: true,
    }));
    const remove = () => this.command((section) => ({ do: "delete_section", at: middle(section) }));
    this.build(
      "Section",
      this.row(this.labels, this.makeRename()),
      this.begin,
      this.row(
        this.split,
        this.merge,
        this.button("Delete", "Delete this section; the one before takes its place", remove),
        this.resetSection,
      ),
      this.hint("Or drag the grips between sections; with Alt, off the bars.", "fine"),
      this.hint("Or drag the grips between sections.", "coarse"),
    );
    this.element.classList.add("wide");
  }

  makeBegin() {
    const button = (text, label, find) =>
      this.button(text, label, () =>
        this.command(({ start }) => {
          const to = find(start);
          return to !== undefined && to !== start && { do: "move_boundary", at: start, to };
        }),
      );
    const bars = () => this.here.sheet.downbeats;
    return this.row(
      this.beginLabel,
      button("a bar earlier", "This section begins a bar earlier", (start) =>
        bars().findLast((time) => time < start - TOUCH),
      ),
      button("a bar later", "This section begins a bar later", (start) =>
        bars().find((time) => time > start + TOUCH),
      ),
      button("at the playhead", "This section begins at the playhead", () => this.here.player.position),
    );
  }

  makeRename() {
    this.name = make("input", { type: "text", maxlength: 80, placeholder: "own words" });
    this.name.setAttribute("aria-label", "Name of this section in your own words");
    const form = make("form", {}, this.name, make("button", {}, "Rename"));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const label = this.name.value.trim();
      this.name.value = "";
      if (label) this.rename(label);
    });
    return form;
  }

  // Let the user type another name.
  editName(label) {
    this.name.value = label;
    this.name.focus({ preventScroll: true });
    this.name.select();
  }

  rename(label) {
    const { section } = this.here;
    if (section) this.correct({ do: "relabel_section", at: middle(section), label });
  }

  // A command for the section; undefined if there is none.
  command(make) {
    const { section } = this.here;
    return section && make(section);
  }

  show(sheet) {
    if (this.labels.children.length) return;
    const chips = sheet.corrections.labels.map(({ label, name, colour }) => {
      const swatch = make("span", { class: "swatch", style: `background:${colour}` });
      const chip = make("button", { type: "button", value: label }, swatch, name);
      chip.addEventListener("click", () => this.rename(label));
      return chip;
    });
    this.labels.append(...chips);
  }

  update() {
    const { sectionIndex: index, section, sheet, time } = this.here;
    setText(this.head, section ? `Section ${index + 1}, ${section.name}` : "Section");
    if (section) setText(this.beginLabel, `Begins ${writeTime(section.start, 2)}`);
    this.element.hidden = !section;
    const place = sheet.placeAt(sheet.nearestBar(time, [0, sheet.duration]));
    setText(this.split, place ? `Split at bar ${place.split(".")[0]}` : "Split here");
    this.merge.hidden = index < 1;
    this.begin.hidden = index < 1;
    this.resetSection.hidden = !section || !section.reset;
    for (const chip of this.labels.children) {
      chip.setAttribute("aria-pressed", String(Boolean(section) && chip.value === section.label));
    }
  }
}

function middle({ start, end }) {
  return (start + end) / 2;
}
