// Moving through the song: seeking, loops, and whether the view follows.

export class Moves {
  // desk: has sheet, player, view and zoom.
  constructor(desk) {
    this.desk = desk;
    const { view } = desk;
    view.addEventListener("seek", (event) => this.seek(event.detail));
    view.addEventListener("loop", (event) => this.loopRange(event.detail));
    view.addEventListener("choose", (event) => this.goToSection(event.detail));
    view.addEventListener("practise", (event) => this.practiseSection(event.detail));
    view.addEventListener("loopsection", (event) => this.loopSection(event.detail));
  }

  seek(time) {
    const { sheet, player, view } = this.desk;
    if (sheet.sectionAt(time) !== view.selected) view.select(-1);
    player.seek(time);
    view.setAstray(); // the playhead may be in view again
  }

  // Seek, and bring the place into view.
  jump(time) {
    this.seek(time);
    this.desk.view.reveal(time);
  }

  // To the next (direction 1) or previous (-1) of some times.
  step(times, direction) {
    const { sheet, player } = this.desk;
    this.jump(sheet.step(times, player.position, direction));
  }

  goToSection(index) {
    this.desk.view.select(index);
    this.jump(this.desk.sheet.sections[index].start);
  }

  // Loop a section; if it is looped already, stop looping.
  loopSection(index) {
    const { sheet, view } = this.desk;
    const { start, end } = sheet.sections[index];
    view.select(index);
    this.loopRange(this.isLooped(index) ? null : [start, end]);
  }

  // Play a section from its start, again and again; if that is so already, stop looping.
  practiseSection(index) {
    const { sheet, player, view } = this.desk;
    const { start, end } = sheet.sections[index];
    view.select(index);
    if (this.isLooped(index)) {
      this.loopRange(null);
      return;
    }
    this.loopAndGo([start, end]);
    player.play();
  }

  isLooped(index) {
    const { sheet, player } = this.desk;
    const { start, end } = sheet.sections[index];
    return player.loop !== null && player.loop[0] === start && player.loop[1] === end;
  }

  // Stop looping; if nothing loops, loop the section at the playhead.
  toggleLoop() {
    const { sheet, player } = this.desk;
    const index = sheet.sectionAt(player.position);
    if (player.loop) this.loopRange(null);
    else if (index >= 0) this.loopSection(index);
  }

  loopRange(range) {
    this.desk.player.setLoop(range);
    this.desk.view.place();
    this.desk.zoom.update();
  }

  // Loop a passage, and go to its start.
  loopAndGo(range) {
    this.loopRange(range);
    this.jump(range[0]);
  }

  // Put the start (edge 0) or the end (1) of the loop at the bar line nearest to the playhead.
  setLoopEdge(edge) {
    const { sheet, player } = this.desk;
    const lines = sheet.barLines;
    const line = nearest(lines, player.position);
    const range = player.loop ? [...player.loop] : [0, sheet.duration];
    range[edge] = line;
    if (range[0] >= range[1]) range[1 - edge] = edge === 0 ? sheet.duration : 0;
    if (range[0] < range[1]) this.loopRange(range);
  }

  zoomToSection() {
    const { sheet, player, view } = this.desk;
    const index = view.selected >= 0 ? view.selected : sheet.sectionAt(player.position);
    const section = sheet.sections[index];
    if (section) view.fit(section.start, section.end);
  }

  zoomToLoop() {
    const { player, view } = this.desk;
    if (player.loop) view.fit(...player.loop);
  }

  toggleFollow() {
    const { player, view, zoom } = this.desk;
    view.following = !view.following || view.astray;
    view.astray = false;
    zoom.update();
    if (view.following) view.reveal(player.position);
  }
}

function nearest(times, time) {
  return times.reduce((best, one) => (Math.abs(one - time) < Math.abs(best - time) ? one : best));
}
