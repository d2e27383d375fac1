// A song's sheet as the server sends it, and where a time lies in its bars, beats and sections.
// Times are seconds from the first sample.

import { writeTime } from "../timeline.js";
import { lastAtMost } from "./search.js";

const CLOSE = 0.01; // seconds before a beat that count as the beat
const NEAR = 0.05; // seconds between a boundary and the bar line that it means

export class Sheet {
  constructor(data) {
    Object.assign(this, data);
    this.layers = Object.fromEntries(
      Object.entries(data.layers).map(([name, text]) => [name, decode(text)]),
    );
    this.downbeats = this.beats.filter((_, i) => this.positions[i] === 1);
  }

  beatAt(time) {
    return lastAtMost(this.beats, time);
  }

  sectionAt(time) {
    const index = lastAtMost(
      this.sections.map((s) => s.start),
      time,
    );
    return index >= 0 && time < this.sections[index].end ? index : -1;
  }

  // The index of the beat nearest to a time; -1 where there is none.
  nearestBeat(time) {
    const before = this.beatAt(time);
    const after = Math.min(before + 1, this.beats.length - 1);
    if (before < 0) return after;
    return this.beats[after] - time < time - this.beats[before] ? after : before;
  }

  // Where the server will put a boundary that is let go at a time: at the nearest bar line, if it
  // is within half a bar and within limits; else at the time itself.
  nearestBar(time, [lowest, highest]) {
    const { downbeats } = this;
    if (downbeats.length < 2) return time;
    const before = Math.max(lastAtMost(downbeats, time), 0);
    const [one, other] = [downbeats[before], downbeats[Math.min(before + 1, downbeats.length - 1)]];
    const nearest = Math.abs(other - time) < Math.abs(one - time) ? other : one;
    const index = downbeats.indexOf(nearest);
    const forward = index === 0 || (index < downbeats.length - 1 && time > nearest);
    const bar = forward ? downbeats[index + 1] - nearest : nearest - downbeats[index - 1];
    const near = Math.abs(nearest - time) <= bar / 2;
    return near && nearest >= lowest && nearest <= highest ? nearest : time;
  }

  // All bar lines, with the start and the end of the song.
  get barLines() {
    return [0, ...this.downbeats.filter((t) => t > NEAR && t < this.duration - NEAR), this.duration];
  }

  // The bar line nearest to a time, within limits; the time itself where there is none.
  nearestLine(time, [lowest, highest]) {
    const lines = this.barLines.filter((line) => line >= lowest && line <= highest);
    if (!lines.length) return time;
    return lines.reduce((best, line) => (Math.abs(line - time) < Math.abs(best - time) ? line : best));
  }

  // "12.3" of the third beat of bar 12; "" before the first beat.
  placeAt(time) {
    const beat = this.beatAt(time + CLOSE);
    return beat < 0 ? "" : `${this.bars[beat]}.${this.positions[beat]}`;
  }

  // "1:23.46 · bar 12.3 · chorus"
  describe(time, decimals = 2) {
    const parts = [writeTime(time, decimals)];
    const place = this.placeAt(time);
    if (place) parts.push(`bar ${place}`);
    const section = this.sectionAt(time);
    if (section >= 0) parts.push(this.sections[section].name);
    return parts.join(" · ");
  }

  // The bar within its section: "bar 3 of 8 · chorus 2".
  locate(time) {
    const index = this.sectionAt(time + CLOSE);
    const place = this.placeAt(time);
    if (index < 0) return place && `bar ${place}`;
    const { start, end, name } = this.sections[index];
    const inside = (t) => t >= start - NEAR && t < end - NEAR;
    const count = this.downbeats.filter(inside).length;
    const bar = this.downbeats.filter((t) => inside(t) && t <= time + CLOSE).length;
    return count && bar ? `bar ${bar} of ${count} · ${name}` : name;
  }

  // A name for a passage: its section, or its bars.
  nameRange(from, to) {
    const near = (a, b) => Math.abs(a - b) < NEAR;
    const same = this.sections.find(({ start, end }) => near(start, from) && near(end, to));
    if (same) return same.name;
    const [first, last] = [this.beatAt(from + CLOSE), this.beatAt(to - CLOSE)];
    if (last < 0) return `${writeTime(from, 0)} to ${writeTime(to, 0)}`;
    const [one, other] = [this.bars[Math.max(first, 0)], this.bars[last]];
    return one === other ? `bar ${one}` : `bars ${one} to ${other}`;
  }

  // For screen readers: "1 minute 23 seconds, bar 12 beat 3, chorus 2"
  speak(time) {
    const parts = [speakTime(time)];
    const beat = this.beatAt(time + CLOSE);
    if (beat >= 0) parts.push(`bar ${this.bars[beat]} beat ${this.positions[beat]}`);
    const section = this.sectionAt(time + CLOSE);
    if (section >= 0) parts.push(this.sections[section].name);
    return parts.join(", ");
  }

  // The next or previous of some times. Going back from shortly after one goes to the one
  // before it; otherwise going back twice would not work while the song plays.
  step(times, from, direction) {
    if (direction > 0) {
      const next = times.find((t) => t > from + 0.02);
      return next === undefined ? this.duration : next;
    }
    const before = times.filter((t) => t < from - 0.25);
    return before.length ? before[before.length - 1] : 0;
  }

  // The stretch of whole bars that holds both times; of beats or all where there are no bars.
  snapToBars(from, to) {
    const edges = [0, ...this.downbeats.filter((t) => t > 0.05), this.duration];
    const start = edges[Math.max(lastAtMost(edges, Math.min(from, to)), 0)];
    const end = edges.find((t) => t >= Math.max(from, to) && t > start);
    return [start, end === undefined ? this.duration : end];
  }
}

// "1 hour 2 minutes 5 seconds"
function speakTime(time) {
  const whole = Math.floor(time + CLOSE);
  const parts = [
    [Math.floor(whole / 3600), "hour"],
    [Math.floor(whole / 60) % 60, "minute"],
    [whole % 60, "second"],
  ];
  const spoken = parts.filter(([count], index) => count || index === 2);
  return spoken.map(([count, unit]) => `${count} ${unit}${count === 1 ? "" : "s"}`).join(" ");
}

function decode(text) {
  return Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
}
