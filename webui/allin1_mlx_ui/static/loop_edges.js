// The ends of the loop, to drag to another bar line.

import { make } from "./bus.js";
import { Hold } from "./marks.js";

const HEIGHT = 24; // pixels
const NARROW = 44; // pixels of a loop whose handles stand outside it
const SHORTEST = 0.1; // seconds

export class LoopEdges {
  constructor(view) {
    this.view = view;
    this.held = null;
    this.edges = ["start", "end"].map((name, index) => {
      const edge = make("div", { class: `grip loop-edge ${name}`, hidden: true });
      edge.addEventListener("pointerdown", (event) => this.take(event, index));
      return edge;
    });
    this.element = make("div", { class: "marks loop-edges", "aria-hidden": "true" }, ...this.edges);
  }

  // Called when the rows of the figure change. The handles lie between the buttons of the section
  // and the grip of the beat.
  fit({ wave: [top, bottom] }) {
    this.element.style.top = `${(top + bottom - HEIGHT) / 2}px`;
    this.element.style.height = `${HEIGHT}px`;
  }

  place() {
    const { view } = this;
    const { loop } = view.player;
    const narrow = loop !== null && (loop[1] - loop[0]) * view.scale < NARROW;
    this.element.classList.toggle("outside", narrow);
    this.edges.forEach((edge, index) => {
      edge.hidden = !loop || !view.isVisible(loop[index]);
      if (loop && edge !== this.held) this.putAt(edge, loop[index]);
    });
  }

  putAt(edge, time) {
    edge.style.transform = `translateX(${this.view.toX(time)}px)`;
  }

  take(event, index) {
    if (event.button !== 0 || this.held) return;
    event.stopPropagation();
    event.preventDefault();
    this.held = this.edges[index];
    new Hold(this, this.hold(index), event);
  }

  hold(index) {
    const { view } = this;
    const { loop } = view.player;
    const limits = index === 0 ? [0, loop[1] - SHORTEST] : [loop[0] + SHORTEST, view.length];
    const range = (time) => (index === 0 ? [time, loop[1]] : [loop[0], time]);
    const target = (time, free) => (free ? time : view.sheet.nearestLine(time, limits));
    return {
      element: this.edges[index],
      at: loop[index],
      limits,
      target,
      event: "loop",
      shift: (time) => {
        view.marked = time === null ? null : range(time);
        view.place();
      },
      done: (time, free) => {
        view.marked = null;
        return range(target(time, free));
      },
      clicked: (time) => this.report("seek", time),
    };
  }

  report(type, detail) {
    this.view.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
