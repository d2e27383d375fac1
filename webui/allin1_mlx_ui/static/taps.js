// Tapping along: when the player stood where, at each tap.

const FRESH = 3; // seconds after which a tap begins a new series

export class Taps {
  constructor(player) {
    this.player = player;
    this.times = []; // seconds of the song, increasing
  }

  // One tap; the first one makes the song play.
  tap() {
    const { player } = this;
    if (!player.playing) {
      this.times = [];
      player.play();
      return;
    }
    const time = Number(player.position.toFixed(3));
    const last = this.times[this.times.length - 1];
    if (time <= last || time > last + FRESH) this.times = []; // after a jump
    this.times.push(time);
  }

  clear() {
    this.times = [];
  }

  // Beats per minute so far; null before there are two taps.
  get bpm() {
    const { times } = this;
    if (times.length < 2) return null;
    return (60 * (times.length - 1)) / (times[times.length - 1] - times[0]);
  }
}
