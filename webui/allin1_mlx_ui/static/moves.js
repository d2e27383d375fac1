// Moving through the song: seeking, loops, and whether the view follows.

export class Moves {
  // desk: has sheet, player, view and transport.
  constructor(desk) {
    this.desk = desk;
    const { view } = desk;
    view.addEventListener("seek", (event) => this.seek(event.detail));
    view.addEventListener("loop", (event) => this.loopRange(event.detail));
    view.addEventListener("choose", (event) => this.goToSection(event.detail));
    view.addEventListener("loopsection", (event) => this.loopSection(event.detail));
  }

  seek(time) {
    const { sheet, player, view } = this.desk;
    if (sheet.sectionAt(time) !== view.selected) view.select(-1);
    player.seek(time);
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
    const { sheet, player, view } = this.desk;
    const { start, end } = sheet.sections[index];
    const { loop } = player;
    const same = loop && loop[0] === start && loop[1] === end;
    view.select(index);
    this.loopRange(same ? null : [start, end]);
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
  }

  toggleFollow() {
    const { player, transport, view } = this.desk;
    view.following = !view.following;
    view.astray = false;
    transport.setFollowing(view.following);
    if (view.following) view.reveal(player.position);
  }
}
