// The beat at the playhead: move it, delete it, add one.

import { Block, setText } from "./block.js";

export class BeatBlock extends Block {
  constructor(here, correct) {
    super(here, correct);
    this.build(
      "Beat",
      this.row(this.label("Move, ms"), this.move(-10), this.move(10)),
      this.row(
        this.button("Delete this beat", "", () => ({ do: "delete_beat", at: here.beatTime })),
        this.button("Add a beat here", "", () => ({ do: "add_beat", at: here.time })),
      ),
      this.hint("Or drag the round grip below the wave."),
    );
  }

  move(ms) {
    const label = `This beat ${Math.abs(ms)} ms ${ms < 0 ? "earlier" : "later"}`;
    return this.button(ms < 0 ? `−${-ms}` : `+${ms}`, label, () => {
      const at = this.here.beatTime;
      return { do: "move_beat", at, to: Math.max(at + ms / 1000, 0) };
    });
  }

  update() {
    const { beat, sheet } = this.here;
    setText(this.head, beat < 0 ? "Beat" : `Beat ${sheet.bars[beat]}.${sheet.positions[beat]}`);
  }
}
