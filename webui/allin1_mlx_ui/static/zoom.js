// The line under the timeline: zoom, whether the view follows, and what else there is to see.

import { icon, make, makeActionButton } from "./bus.js";
import { setText } from "./panel/block.js";

const ICONS = {
  zoomIn: "M11 5h2v6h6v2h-6v6h-2v-6H5v-2h6z",
  zoomOut: "M5 11h14v2H5z",
};

export class ZoomTools {
  // actions: what each control does, by the names of keys.js.
  constructor(view, actions, extras) {
    this.view = view;
    this.actions = actions;
    this.readout = make("span", { class: "readout", title: "Part of the song in view" });
    this.section = this.button("zoomSection", "Zoom to the section", "Z", "Section");
    this.loop = this.button("zoomLoop", "Zoom to the loop", "Shift+Z", "Loop");
    this.loop.classList.add("zoom-loop");
    this.follow = this.button("follow", "Follow", "F", "Follow");
    const group = make(
      "div",
      { class: "group", role: "group", "aria-label": "Zoom" },
      this.button("zoomOut", "Zoom out", "−", icon(ICONS.zoomOut)),
      this.readout,
      this.button("zoomIn", "Zoom in", "+", icon(ICONS.zoomIn)),
      this.button("zoomAll", "Show all of the song", "0", "All"),
      this.section,
      this.loop,
    );
    const others = make("div", { class: "group extras" }, ...extras);
    this.element = make("div", { class: "zoom" }, group, this.follow, others);
    view.addEventListener("range", () => this.update());
  }

  button(name, label, key, content) {
    return makeActionButton(this.actions, name, label, key, content);
  }

  show() {
    this.update();
  }

  update() {
    const { view } = this;
    if (!view.sheet) return;
    const factor = view.length / (view.range[1] - view.range[0]);
    setText(this.readout, `${factor < 10 ? Math.round(10 * factor) / 10 : Math.round(factor)}×`);
    this.follow.setAttribute("aria-pressed", String(view.following && !view.astray));
    this.loop.hidden = !view.player.loop;
  }
}
