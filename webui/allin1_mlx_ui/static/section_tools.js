// Loops and corrects a section on the timeline itself.
//
// Under the selected section are two buttons: loop it, and open its card. The card has its name and
// its boundaries. A right click, a long press, F2 and the menu key open it too.

import { icon, make } from "./bus.js";
import { Here } from "./panel/here.js";
import { SectionBlock } from "./panel/section.js";

const LOOP = "M17 2l4 4-4 4V7H7a3 3 0 0 0-3 3v1H2v-1a5 5 0 0 1 5-5h10zM7 22l-4-4 4-4v3h10a3 3 0 0 0 3-3v-1h2v1a5 5 0 0 1-5 5H7z";
const PENCIL = "M4 17.3V20h2.7L17.8 8.9l-2.7-2.7zM19.7 7a1 1 0 0 0 0-1.4l-1.3-1.3a1 1 0 0 0-1.4 0l-1.1 1.1 2.7 2.7z";
const GAP = 4; // pixels

// The section that the card is about, and the place in it that was pointed at.
class Spot extends Here {
  constructor(desk) {
    super(desk);
    this.index = -1;
    this.place = 0; // seconds
  }

  get sectionIndex() {
    return this.index;
  }

  get time() {
    return this.place;
  }

  put(index, place) {
    this.index = index;
    this.place = place;
  }
}

export class SectionTools {
  // desk: has sheet, view, player and moves. correct: called with a command.
  constructor(desk, correct) {
    this.desk = desk;
    this.spot = new Spot(desk);
    this.loop = this.button("Loop this section from its start", icon(LOOP), (index) =>
      desk.moves.practiseSection(index),
    );
    this.edit = this.button("Rename, split, merge or move this section (F2)", icon(PENCIL), () =>
      this.openAt(desk.view.selected),
    );
    this.buttons = make("div", { class: "section-tools", hidden: true }, this.loop, this.edit);
    this.block = new SectionBlock(this.spot, (command) => {
      correct(command);
      if (command.do !== "move_boundary") this.close();
    });
    const close = make("button", { type: "button", class: "quiet close" }, "✕");
    close.setAttribute("aria-label", "Close");
    close.addEventListener("click", () => this.close());
    this.card = make(
      "div",
      { class: "section-card", role: "dialog", "aria-label": "Section", tabindex: -1, hidden: true },
      this.block.element,
      close,
    );
    this.listen();
  }

  button(label, content, action) {
    const attributes = { type: "button", "aria-label": label, title: label };
    const button = make("button", attributes, content);
    button.addEventListener("click", () => action(this.desk.view.selected));
    return button;
  }

  listen() {
    const { view } = this.desk;
    view.addEventListener("menu", (event) => {
      const { index, time } = event.detail;
      view.select(index);
      this.openAt(index, time);
    });
    view.addEventListener("placed", () => this.place());
    this.card.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.preventDefault();
      this.close();
    });
    document.addEventListener("pointerdown", (event) => {
      const { card, buttons } = this;
      if (!card.contains(event.target) && !buttons.contains(event.target)) this.close(false);
    });
  }

  // Open the card of a section. time: the place in it that is meant, by default the playhead.
  openAt(index, time = this.desk.player.position) {
    const { sheet, view } = this.desk;
    const section = sheet && sheet.sections[index];
    if (!section) return false;
    const inside = time > section.start && time < section.end;
    this.spot.put(index, inside ? time : (section.start + section.end) / 2);
    if (view.selected !== index) view.select(index);
    this.before = document.activeElement;
    this.block.show(sheet);
    this.block.update();
    this.card.hidden = false;
    this.place();
    // On a touch screen, a text field would open the keyboard over the page.
    if (matchMedia("(pointer: coarse)").matches) this.card.focus({ preventScroll: true });
    else this.block.editName(section.label);
    this.card.scrollIntoView({ block: "nearest" });
    return true;
  }

  // back: give the focus back to what had it.
  close(back = true) {
    if (this.card.hidden) return;
    this.card.hidden = true;
    if (back && this.before && this.before.isConnected) this.before.focus({ preventScroll: true });
  }

  // Show a new version of the song.
  show(sheet) {
    if (this.card.hidden) return;
    if (!sheet.sections[this.spot.sectionIndex]) this.close();
    this.block.show(sheet);
    this.block.update();
  }

  // Below the selected section, inside the view.
  place() {
    const { view } = this.desk;
    const section = view.sheet && view.sheet.sections[view.selected];
    const seen = section && section.end > view.range[0] && section.start < view.range[1];
    this.buttons.hidden = !seen;
    if (!seen) return;
    this.loop.setAttribute("aria-pressed", String(this.desk.moves.isLooped(view.selected)));
    const left = Math.max(view.toX(section.start), view.margin);
    const right = Math.min(view.toX(section.end), view.outer - view.margin);
    this.put(this.buttons, (left + right) / 2, view.rows.sections[1] + GAP);
    if (!this.card.hidden) this.put(this.card, (left + right) / 2, view.rows.sections[1] + GAP);
  }

  put(element, centre, top) {
    const half = element.offsetWidth / 2;
    const { outer } = this.desk.view;
    const left = Math.max(Math.min(centre - half, outer - 2 * half - GAP), GAP);
    element.style.left = `${left}px`;
    element.style.top = `${top}px`;
  }
}
