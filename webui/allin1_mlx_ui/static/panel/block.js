// One block of the panel of corrections: a heading, rows of buttons, hints.

import { make } from "../bus.js";

let blocks = 0; // made so far; numbers the headings

export class Block {
  // here: what the playhead and the selection mean. correct: called with a command.
  constructor(here, correct) {
    this.here = here;
    this.correct = correct;
  }

  // Set `element` and its heading `head`.
  build(title, ...children) {
    blocks += 1;
    const id = `correct-${blocks}`;
    this.head = make("h3", { id }, title);
    this.element = make(
      "div",
      { class: "block", role: "group", "aria-labelledby": id },
      this.head,
      ...children,
    );
  }

  // command: a command, or a function that returns one; without a command nothing is sent.
  button(text, label, command, attributes = {}) {
    const button = make("button", { type: "button", ...attributes }, text);
    if (label) button.setAttribute("aria-label", label);
    if (label) button.title = label;
    button.addEventListener("click", () => {
      const made = typeof command === "function" ? command() : command;
      if (made) this.correct(made);
    });
    return button;
  }

  row(...children) {
    return make("div", { class: "row" }, ...children);
  }

  label(text) {
    return make("span", { class: "label" }, text);
  }

  // pointer: "fine" or "coarse", the only pointers it is shown for; "" for both.
  hint(text, pointer = "") {
    return make("p", { class: `hint ${pointer}`.trim() }, text);
  }

  // Show a new version of the song.
  show() {}

  // Show what the playhead and the selection mean now.
  update() {}
}

export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
