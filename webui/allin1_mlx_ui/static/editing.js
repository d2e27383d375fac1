// Corrections on their way to the server and back, and which songs have some that are not saved.

import { address, bus } from "./bus.js";
import { Corrections } from "./corrections.js";
import { Panel } from "./panel/panel.js";

export class Editing {
  // desk: has song, sheet, player, view, query and show().
  constructor(desk) {
    this.desk = desk;
    this.unsaved = new Set(); // songs with corrections that were not downloaded yet
    this.done = Promise.resolve(); // resolved when all commands so far have been answered
    const correct = (command) => this.correct(command);
    this.corrections = new Corrections(correct, () => this.togglePanel());
    this.panel = new Panel(desk, correct);
    desk.view.addEventListener("correct", (event) => correct(event.detail));
  }

  show(sheet) {
    this.corrections.show(sheet);
    this.panel.show(sheet);
  }

  // Send a command to the server, after those before it, and show the corrected song.
  correct(command) {
    const { song } = this.desk;
    this.done = this.done.then(() => this.carryOut(song, command));
    return this.done;
  }

  async carryOut(song, command) {
    const { desk } = this;
    const answer = await send(`songs/${song.id}/edits?${desk.query}`, command);
    if (desk.song === null || desk.song.id !== song.id) return;
    if (!answer.sheet) {
      this.corrections.complain(String(answer.detail));
      desk.view.names.shiftEdge(null);
      return;
    }
    bus.say("corrected", answer.song);
    if (!desk.kept || answer.song.unsaved) this.unsaved.add(song.id);
    await desk.showCorrected(answer.song, answer.sheet);
  }

  // Slide all beats by some milliseconds, while the panel is open.
  nudge(ms) {
    if (!this.panel.isOpen) return false;
    this.correct({ do: "nudge", ms });
    return true;
  }

  tap() {
    if (!this.panel.isOpen) return false;
    this.panel.tap();
    return true;
  }

  togglePanel() {
    const open = !this.panel.isOpen;
    this.panel.element.hidden = !open;
    this.corrections.setOpen(open);
    this.desk.view.marks.setEditing(open);
    this.panel.update();
    if (open) this.scrollToPanel();
  }

  // Show as much of the panel as there is room for while the timeline stays in sight.
  scrollToPanel() {
    const hidden = this.panel.element.getBoundingClientRect().bottom - window.innerHeight;
    const room = this.corrections.bar.getBoundingClientRect().top - 8;
    const way = Math.min(hidden + 8, room);
    if (way > 0) window.scrollBy({ top: way });
  }

  // Forget the songs that are no longer in the list, and those that the library has saved.
  keepOnly(songs) {
    for (const id of this.unsaved) {
      const song = songs.find((one) => one.id === id);
      if (!song || (this.desk.kept && !song.unsaved)) this.unsaved.delete(id);
    }
  }

  // Corrections outside a library go with the page: ask before it closes with unsaved ones.
  watchLeaving(element) {
    element.addEventListener("click", (event) => {
      const link = event.target.closest("a[download]");
      const { song } = this.desk;
      if (!link || !song) return;
      if (link.pathname.endsWith(`${song.id}/result`)) this.unsaved.delete(song.id);
      if (link.pathname.endsWith("/results")) this.unsaved.clear();
    });
    window.addEventListener("beforeunload", (event) => {
      if (this.unsaved.size) event.preventDefault();
    });
  }
}

async function send(path, command) {
  try {
    const response = await fetch(address(path), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(command),
    });
    return await response.json();
  } catch {
    return { detail: "the program does not answer; is it still running?" };
  }
}
