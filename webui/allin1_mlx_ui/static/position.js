// The slider around the timeline: the position for keyboards and screen readers.

import { make } from "./bus.js";

export class Position {
  constructor() {
    this.stage = make("div", { class: "timeline" });
    this.element = make(
      "div",
      {
        class: "position",
        role: "slider",
        tabindex: 0,
        "aria-label": "Position in the song",
        "aria-valuemin": 0,
      },
      this.stage,
    );
  }

  show(sheet) {
    this.element.setAttribute("aria-valuemax", sheet.duration.toFixed(1));
  }

  // Report a time to screen readers, once a second.
  update(sheet, time) {
    const second = time.toFixed(0);
    if (second === this.second) return;
    this.second = second;
    this.element.setAttribute("aria-valuenow", time.toFixed(1));
    this.element.setAttribute("aria-valuetext", sheet.speak(time));
  }
}
