// Analysing a song again. Corrections are kept unless the user decides otherwise.

import { bus, make } from "./bus.js";

export class Renewal {
  // song: returns the open song.
  constructor(song) {
    this.song = song;
    this.button = make("button", { type: "button", class: "quiet" }, "Analyse again");
    this.button.addEventListener("click", () => this.ask());
    const choose = (text, keep, attributes = {}) => {
      const button = make("button", { type: "button", ...attributes }, text);
      button.addEventListener("click", () => {
        this.dialog.close();
        this.begin(keep);
      });
      return button;
    };
    const cancel = make("button", { type: "button" }, "Cancel");
    cancel.addEventListener("click", () => this.dialog.close());
    this.what = make("p", {});
    this.dialog = make(
      "dialog",
      { class: "question", "aria-labelledby": "renewal-title" },
      make("h2", { id: "renewal-title" }, "Keep your corrections?"),
      this.what,
      make(
        "div",
        { class: "row" },
        choose("Keep them", true, { class: "main", autofocus: true }),
        choose("Start afresh", false),
        cancel,
      ),
    );
  }

  show(sheet, song) {
    this.sheet = sheet;
    this.button.hidden = !song.retriable;
  }

  ask() {
    const { changes, any } = this.sheet.corrections;
    if (!any) {
      this.begin(true);
      return;
    }
    const words = changes.map((change) => change.words).join(", ");
    this.what.textContent = `${words ? `Corrected: ${words}. ` : ""}To start afresh forgets them.`;
    this.dialog.showModal();
  }

  begin(keep) {
    bus.say("renew", { id: this.song().id, keep });
  }
}
