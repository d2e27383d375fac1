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

  // Report a time to screen readers: once a second while the song plays, else at once.
  update(sheet, time, playing) {
    const shown = time.toFixed(playing ? 0 : 1);
    if (shown === this.shown) return;
    this.shown = shown;
    this.element.setAttribute("aria-valuenow", time.toFixed(1));
    this.element.setAttribute("aria-valuetext", sheet.speak(time));
  }

  // The keys of sliders that are not keys of the page.
  listen({ sectionBack, sectionOn }) {
    const actions = { PageUp: sectionBack, PageDown: sectionOn };
    this.element.addEventListener("keydown", (event) => {
      const action = actions[event.key];
      if (action && action()) event.preventDefault();
    });
  }
}
