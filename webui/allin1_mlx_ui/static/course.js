// Which frame of the song sounds at which time: spans of one speed each, in order.

import { lastAtMost } from "./search.js";

const KEPT = 1; // seconds that spans are kept after they have passed

export class Course {
  constructor() {
    this.spans = []; // { time, frame, speed, round, counting }; time of the audio clock in seconds
  }

  clear() {
    this.spans = [];
  }

  // From a time on the song stands at a frame, until further spans are added.
  hold(time, frame, round) {
    this.spans = this.spans.filter((span) => span.time < time);
    this.spans.push({ time, frame, speed: 0, round, counting: false });
  }

  // Add spans, and forget those that have passed.
  add(spans, now) {
    this.spans.push(...spans);
    while (this.spans.length > 1 && this.spans[1].time < now - KEPT) this.spans.shift();
  }

  // The span at a time; undefined where there is none.
  at(time) {
    const times = this.spans.map((span) => span.time);
    return this.spans[Math.max(lastAtMost(times, time), 0)];
  }

  // The frame of the song at a time; undefined where there is no span. rate: frames per second.
  frameAt(time, rate) {
    const span = this.at(time);
    return span && span.frame + Math.max(time - span.time, 0) * rate * span.speed;
  }
}
