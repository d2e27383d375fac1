// The table of sections: what the figure shows, for keyboards and screen readers too.

import { writeTime } from "../timeline.js";
import { make } from "./bus.js";

const HEADS = ["#", "Section", "Start", "End", "Length", "Bars", "Confidence"];

export class SectionTable {
  // choose: called with a section's index when its row is clicked. correct: with the index of one
  // to be corrected. reset: with the passage to be reset.
  constructor(element, { choose, correct, reset }) {
    this.choose = choose;
    this.correct = correct;
    this.reset = reset;
    this.body = make("tbody");
    this.rows = [];
    const heads = HEADS.map((head) => make("th", { scope: "col" }, head));
    const caption = make("caption", {}, "Sections");
    this.table = make("table", {}, caption, make("thead", {}, make("tr", {}, ...heads)), this.body);
    element.append(this.table);
  }

  show(sheet) {
    const held = this.focused;
    this.rows = sheet.sections.map((section, index) => this.makeRow(section, index));
    this.current = -1;
    const sure = sheet.sections.some(({ confidence }) => confidence !== null);
    this.table.classList.toggle("uncertain", !sure);
    this.body.replaceChildren(...this.rows);
    if (this.rows[held]) this.rows[held].querySelector("button").focus();
    if (!this.rows.length) {
      const cell = make("td", { colspan: HEADS.length }, "No sections were found.");
      this.body.append(make("tr", {}, cell));
    }
  }

  // The index of the row with the focus; -1 where none has it.
  get focused() {
    return this.rows.findIndex((row) => row.contains(document.activeElement));
  }

  makeRow(section, index) {
    const { start, end, name: title, bars, colour, moved, renamed, reset } = section;
    const swatch = make("span", { class: "swatch", style: `background:${colour}` });
    const text = make("span", { class: "text", title }, title);
    const name = make("button", { type: "button" }, swatch, text);
    const head = make("th", { scope: "row" }, name);
    if (section.group) {
      const music = make("span", { class: "music" }, section.group);
      music.title = `Sections with the letter ${section.group} have the same music`;
      head.append(music);
    }
    if (reset) {
      const undo = make("button", { type: "button", class: "reset" }, "✎ reset");
      undo.setAttribute("aria-label", `Reset section ${index + 1}, ${title}, as it was detected`);
      undo.title = `${renamed ? "Renamed" : moved ? "Moved" : "Corrected"}; back to what was detected`;
      undo.addEventListener("click", (event) => {
        event.stopPropagation();
        this.reset(reset);
      });
      head.append(undo);
    }
    const row = make(
      "tr",
      { onclick: () => this.choose(index), oncontextmenu: (event) => this.onMenu(event, index) },
      make("td", {}, String(index + 1)),
      head,
      make("td", {}, writeTime(start, 2)),
      make("td", {}, writeTime(end, 2)),
      make("td", {}, writeTime(end - start, 2)),
      make("td", {}, bars.replace(/ bars?$/, "") || "–"),
      make("td", {}, writePercent(section.confidence)),
    );
    name.setAttribute("aria-label", `Go to section ${index + 1}, ${title}`);
    return row;
  }

  onMenu(event, index) {
    event.preventDefault();
    this.correct(index);
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

function writePercent(share) {
  return share === null ? "–" : `${Math.round(100 * share)} %`;
}
