// The bar of corrections: tempo, downbeat, undo, redo, and the list of corrections, each with a
// reset button. The server carries them out; nothing is computed here.

import { address, icon, make } from "./bus.js";
import { writeCtrl } from "./keys.js";

const ICONS = {
  undo: "M12 5V1L5 7l7 6V9a5 5 0 1 1-4.6 7H5.3A7 7 0 1 0 12 5z",
  redo: "M12 5V1l7 6-7 6V9a5 5 0 1 0 4.6 7h2.1A7 7 0 1 1 12 5z",
};

export class Corrections {
  // correct: called with a command. open: opens or closes the panel.
  constructor(correct, open) {
    this.correct = correct;
    this.undo = this.button("undo", "Undo", { do: "undo" }, writeCtrl("Z"));
    this.redo = this.button("redo", "Redo", { do: "redo" }, writeCtrl("Z", true));
    this.toggle = make("button", { type: "button", "aria-expanded": "false", onclick: open });
    this.toggle.textContent = "Correct";
    this.toggle.title = "More corrections: beats, bars and sections (E)";
    this.save = make("a", { class: "save", download: "" }, "Save result");
    this.save.title = "Download the result with all corrections (JSON)";
    const group = (label, ...children) =>
      make(
        "div",
        { class: "group", role: "group", "aria-label": label },
        make("span", { class: "label", "aria-hidden": "true" }, label),
        ...children,
      );
    this.bar = make(
      "div",
      { class: "fixes" },
      group(
        "Tempo",
        this.button("÷2", "Half the tempo", { do: "scale_tempo", factor: "1/2" }),
        this.button("×2", "Twice the tempo", { do: "scale_tempo", factor: "2" }),
      ),
      group(
        "Beat 1",
        this.button("earlier", "Beat 1 one beat earlier", { do: "shift_downbeat", beats: -1 }),
        this.button("later", "Beat 1 one beat later", { do: "shift_downbeat", beats: 1 }),
      ),
      make("div", { class: "group" }, this.undo, this.redo, this.toggle, this.save),
    );
    this.chips = make("ul", { "aria-label": "Corrected by hand" });
    this.news = make("p", { class: "visually-hidden", role: "status" });
    this.trouble = make("p", { class: "trouble", role: "alert", hidden: true });
    this.edited = make("div", { class: "edited", hidden: true });
    this.edited.append(make("span", { "aria-hidden": "true" }, "Corrected:"), this.chips);
    document.addEventListener("keydown", (event) => this.onKey(event));
  }

  button(name, label, command, key = "") {
    const button = make("button", { type: "button", "aria-label": label });
    button.append(name in ICONS ? icon(ICONS[name]) : name);
    button.title = key ? `${label} (${key})` : label;
    button.addEventListener("click", () => {
      if (button.getAttribute("aria-disabled") === "true") return;
      this.correct(command);
    });
    return button;
  }

  onKey(event) {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || event.defaultPrevented) return;
    if (event.target.closest("input:not([type=range], [type=radio], [type=checkbox]), textarea")) {
      return; // a text field has its own undo
    }
    const key = event.key.toLowerCase();
    const redo = key === "y" || (key === "z" && event.shiftKey);
    if (key !== "z" && key !== "y") return;
    if (document.querySelector("dialog[open]") || !this.sheet) return;
    event.preventDefault();
    if (this.sheet.corrections[redo ? "canRedo" : "canUndo"]) {
      this.correct({ do: redo ? "redo" : "undo" });
    }
  }

  show(sheet) {
    this.sheet = sheet;
    const { changes, canUndo, canRedo, any } = sheet.corrections;
    this.undo.setAttribute("aria-disabled", String(!canUndo));
    this.redo.setAttribute("aria-disabled", String(!canRedo));
    this.save.href = address(`songs/${sheet.id}/result`);
    const held = this.edited.contains(document.activeElement);
    const chips = changes.map(({ what, words }) => this.chip(words, what));
    if (any || chips.length) {
      const all = make("button", { type: "button", class: "all" }, "Reset all");
      all.addEventListener("click", () => this.correct({ do: "reset", what: "all" }));
      chips.push(make("li", {}, all));
    }
    this.edited.hidden = !chips.length;
    this.chips.replaceChildren(...chips);
    if (held) (this.chips.querySelector("button") || this.undo).focus();
    const text = changes.map((change) => change.words).join(", ");
    this.announce(text ? `Corrected: ${text}` : "As detected");
    this.complain("");
  }

  chip(words, what) {
    const reset = make("button", { type: "button" }, "✕");
    reset.setAttribute("aria-label", `Reset: ${words}`);
    reset.title = "As it was detected";
    reset.addEventListener("click", () => this.correct({ do: "reset", what }));
    return make("li", {}, make("span", {}, words), reset);
  }

  // For screen readers, if the text has changed.
  announce(text) {
    if (this.announced !== undefined && this.announced !== text) this.news.textContent = text;
    this.announced = text;
  }

  // Show why a correction was refused; "" hides it.
  complain(text) {
    this.trouble.textContent = text && text[0].toUpperCase() + text.slice(1);
    this.trouble.hidden = !text;
  }

  setOpen(open) {
    this.toggle.setAttribute("aria-expanded", String(open));
  }
}
