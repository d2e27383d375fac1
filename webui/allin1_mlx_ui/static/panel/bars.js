// Bars: how many beats they have, and where bar 1 is.

import { make } from "../bus.js";
import { Block, setText } from "./block.js";

const METERS = [2, 3, 4, 5, 6, 7];

export class BarsBlock extends Block {
  constructor(here, correct) {
    super(here, correct);
    this.meters = METERS.map((meter) => this.makeMeter(meter));
    this.onlyFrom = make("input", { type: "checkbox" });
    this.onlyFromText = make("span", {});
    this.onlyFrom.addEventListener("change", () => this.update());
    this.build(
      "Bars",
      this.row(this.label("Beats a bar"), ...this.meters),
      make("label", { class: "check" }, this.onlyFrom, this.onlyFromText),
      this.hint("If ticked, earlier bars keep their beats. If not, all bars change."),
      this.row(
        this.button("Bar 1 is here", "", () => ({ do: "set_bar_one", at: here.beatTime })),
      ),
    );
  }

  makeMeter(meter) {
    const command = () => {
      const from = this.onlyFrom.checked ? this.here.bar : undefined;
      const all = { do: "set_meter", meter };
      return from === undefined ? all : { ...all, at: this.here.sheet.beats[from] };
    };
    return this.button(String(meter), `${meter} beats a bar`, command, { "aria-pressed": "false" });
  }

  show(sheet) {
    this.meters.forEach((button, i) => {
      button.setAttribute("aria-pressed", String(METERS[i] === sheet.meter));
    });
  }

  update() {
    const { bar, sheet } = this.here;
    setText(this.onlyFromText, bar === undefined ? "Only from here on" : `Only from bar ${sheet.bars[bar]} on`);
  }
}
