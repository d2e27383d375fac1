// Fetches the parts of the song's sound that the player needs next.

export class Supply {
  // tape: see tape.js; null where there is no sound. arrived: called when a part is here. failed:
  // called with the error where one cannot be fetched.
  constructor(tape, { arrived, failed }) {
    this.tape = tape;
    this.arrived = arrived;
    this.failed = failed;
    this.closed = false; // another song is open by now
  }

  // Whether ranges of frames [from, to) are here. What lacks is fetched.
  has(ranges) {
    const { tape } = this;
    if (!tape) return true;
    const lacking = ranges.filter(([from, to]) => !tape.has(from, to));
    for (const [from, to] of lacking) {
      tape.load(from, to).then(
        () => this.closed || this.arrived(),
        (error) => this.closed || this.failed(error),
      );
    }
    return lacking.length === 0;
  }

  close() {
    this.closed = true;
  }
}
