// Loops that the user saved by name; the result keeps them.

import { writeTime } from "../../timeline.js";
import { make } from "../bus.js";

const MOST = 100; // loops of a song

export class SavedLoops {
  // desk: has sheet, player, moves and editing.
  constructor(desk) {
    this.desk = desk;
    this.list = make("ul", {});
    this.name = make("input", { type: "text", maxlength: 80, placeholder: "name" });
    this.name.setAttribute("aria-label", "Name of the loop");
    this.form = make("form", { class: "line" }, this.name, make("button", {}, "Save loop"));
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.save();
    });
    this.hint = make("p", { class: "hint" }, "Loop some bars or a section to save it here.");
    this.element = make(
      "div",
      { class: "block saved", role: "group", "aria-label": "Saved loops" },
      make("h3", {}, "Saved loops"),
      this.list,
      this.form,
      this.hint,
    );
  }

  save() {
    const { player, sheet } = this.desk;
    if (!player.loop) return;
    const [start, end] = player.loop;
    const name = this.name.value.trim() || sheet.nameRange(start, end);
    const others = sheet.loops.filter((loop) => loop.name !== name);
    this.send([...others, { name, start, end }].slice(-MOST));
    this.name.value = "";
  }

  // The result holds the loops, so the server keeps them.
  send(loops) {
    this.desk.editing.correct({ do: "keep_loops", loops });
  }

  show(sheet) {
    this.list.replaceChildren(...sheet.loops.map((loop) => this.makeLine(loop)));
    this.update();
  }

  makeLine(loop) {
    const { name, start, end } = loop;
    const text = `${name} · ${writeTime(start, 0)}–${writeTime(end, 0)}`;
    const play = make("button", { type: "button", title: "Loop this" }, text);
    play.addEventListener("click", () => this.desk.moves.loopAndGo([start, end]));
    const remove = make("button", { type: "button", class: "quiet" }, "✕");
    remove.setAttribute("aria-label", `Remove the loop ${name}`);
    remove.addEventListener("click", () => {
      this.send(this.desk.sheet.loops.filter((other) => other.name !== name));
    });
    return make("li", {}, play, remove);
  }

  update() {
    const { loop } = this.desk.player;
    this.form.hidden = !loop;
    this.hint.hidden = Boolean(loop) || this.list.children.length > 0;
  }
}
