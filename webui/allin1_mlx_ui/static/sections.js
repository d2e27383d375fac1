// The table of sections: the same as the figure tells, for hands, keys and ears.

import { writeTime } from "../timeline.js";
import { make } from "./bus.js";

const HEADS = ["#", "Section", "Start", "End", "Length", "Bars"];

export class SectionTable {
  // choose: called with a section's index when a row is clicked.
  constructor(element, choose) {
    this.choose = choose;
    this.body = make("tbody");
    this.rows = [];
    const heads = HEADS.map((head) => make("th", { scope: "col" }, head));
    const caption = make("caption", {}, "Sections");
    element.append(
      make("table", {}, caption, make("thead", {}, make("tr", {}, ...heads)), this.body),
    );
  }

  show(sheet) {
    this.rows = sheet.sections.map((section, index) => this.makeRow(section, index));
    this.current = -1;
    this.body.replaceChildren(...this.rows);
    if (!this.rows.length) {
      const cell = make("td", { colspan: HEADS.length }, "No sections were found.");
      this.body.append(make("tr", {}, cell));
    }
  }

  makeRow({ start, end, label, bars, colour }, index) {
    const swatch = make("span", { class: "swatch", style: `background:${colour}` });
    const name = make("button", { type: "button" }, swatch, label);
    const row = make(
      "tr",
      { onclick: () => this.choose(index) },
      make("td", {}, String(index + 1)),
      make("th", { scope: "row" }, name),
      make("td", {}, writeTime(start, 2)),
      make("td", {}, writeTime(end, 2)),
      make("td", {}, writeTime(end - start, 2)),
      make("td", {}, bars.replace(/ bars?$/, "") || "–"),
    );
    name.setAttribute("aria-label", `Go to section ${index + 1}, ${label}`);
    return row;
  }

  // Mark the section that sounds, and the one that is selected.
  mark(current, selected) {
    if (current === this.current && selected === this.selected) return;
    this.current = current;
    this.selected = selected;
    this.rows.forEach((row, index) => {
      row.classList.toggle("current", index === current);
      row.classList.toggle("selected", index === selected);
      if (index === current) row.setAttribute("aria-current", "true");
      else row.removeAttribute("aria-current");
    });
  }
}
