// The names of the sections over their blocks. While a boundary is being moved, the blocks beside
// it go along.

import { fitLabel } from "../timeline.js";
import { make } from "./bus.js";

export class Names {
  // view: the timeline.
  constructor(view) {
    this.view = view;
    this.element = make("div", { class: "names", "aria-hidden": "true" });
    this.shift = make("div", { class: "shift", hidden: true }); // what a block gains
    this.shifted = null; // { index, time } of the section whose beginning is being moved
    this.sections = [];
  }

  show({ sections }) {
    this.sections = sections;
    this.shifted = null;
    this.element.replaceChildren(...sections.map(() => make("span")));
  }

  // The figure shows where the boundary is now.
  settle() {
    this.shift.hidden = true;
  }

  // index: null where the boundary stays where it was.
  shiftEdge(index, time) {
    if (!this.view.sheet) return;
    this.shifted = index === null ? null : { index, time };
    this.place();
    this.placeShift();
  }

  // The sections, one boundary where it is being moved to.
  get sectionsNow() {
    const { sections, shifted } = this;
    if (!shifted) return sections;
    const { index, time } = shifted;
    return sections.map((section, i) => {
      if (i === index - 1) return { ...section, end: time, bars: "" };
      return i === index ? { ...section, start: time, bars: "" } : section;
    });
  }

  placeShift() {
    if (!this.shifted) {
      this.shift.hidden = true;
      return;
    }
    const { index, time } = this.shifted;
    const { start } = this.sections[index];
    this.shift.style.background = this.sections[time > start ? index - 1 : index].colour;
    this.view.placeBox(this.shift, [Math.min(start, time), Math.max(start, time)]);
  }

  place() {
    const { view } = this;
    const lowest = view.margin;
    const highest = view.margin + view.width;
    this.sectionsNow.forEach(({ start, end, name: title, bars, renamed }, index) => {
      const left = Math.max(view.toX(start), lowest);
      const right = Math.min(view.toX(end), highest);
      const element = this.element.children[index];
      const name = renamed ? `✎ ${title}` : title;
      const full = bars ? `${name} · ${bars}` : name;
      const text = right - left < 8 ? "" : fitLabel(full, right - left);
      element.hidden = !text;
      if (!text) return;
      if (element.textContent !== text) element.textContent = text;
      element.style.width = `${right - left}px`;
      element.style.transform = `translateX(${left}px)`;
    });
  }
}
