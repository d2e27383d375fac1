// The beat, bar and section that a correction means. Beats and bars are those at the playhead; the
// section is the selected one, or the one at the playhead.

export class Here {
  // desk: has sheet, player and view.
  constructor(desk) {
    this.desk = desk;
  }

  get sheet() {
    return this.desk.sheet;
  }

  get player() {
    return this.desk.player;
  }

  get time() {
    return this.desk.player.position;
  }

  // The index of the beat nearest to the playhead; -1 in a song without beats.
  get beat() {
    return this.sheet.nearestBeat(this.time);
  }

  // The index of the first beat of the bar at the playhead; undefined in a song without beats.
  get bar() {
    let index = this.beat;
    while (index > 0 && this.sheet.positions[index] !== 1) index -= 1;
    return index < 0 ? undefined : index;
  }

  // The time of the beat at the playhead. Without beats it is the playhead's: the server refuses.
  get beatTime() {
    const index = this.beat;
    return index < 0 ? this.time : this.sheet.beats[index];
  }

  get sectionIndex() {
    const { selected } = this.desk.view;
    return selected >= 0 ? selected : this.sheet.sectionAt(this.time);
  }

  // undefined outside of all sections.
  get section() {
    return this.sheet.sections[this.sectionIndex];
  }
}
