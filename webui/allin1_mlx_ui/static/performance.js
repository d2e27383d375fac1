// What the player plays next: the stretched song at its pitch, and the clicks that sound.

import { Resampler } from "./resample.js";

const BLOCK = 2048; // stretched frames made at a time

export class Performance {
  // stretcher: see stretch.js; its speed is this one's divided by the pitch. pitch: a factor.
  constructor(stretcher, pitch) {
    this.stretcher = stretcher;
    this.pitch = pitch;
    this.resampler = pitch === 1 ? null : new Resampler(pitch);
    this.waiting = []; // clicks: { at, sound }, `at` counted from the next output frame
    this.stretched = 0; // frames of the stretcher so far
    this.given = 0; // output frames so far
    this.over = Infinity; // stretched frames at which the song ends
  }

  // The parts of the song that the next `count` frames may need.
  need(count) {
    return this.stretcher.need(Math.ceil(count * this.pitch) + BLOCK);
  }

  // Fill three arrays of one length. Returns { spans, length } as Stretcher.render; the speed of a
  // span is the one that is heard.
  render(left, right, click) {
    const made = this.resampler ? this.resample(left, right) : this.copy(left, right);
    this.waiting.push(...made.clicks);
    this.ring(click, made.length);
    this.given += made.length;
    return { spans: made.spans, length: made.length };
  }

  copy(left, right) {
    return this.stretcher.render(left, right);
  }

  resample(left, right) {
    const { resampler, stretcher, pitch } = this;
    const spans = [];
    const clicks = [];
    while (resampler.lacking(left.length) > 0) {
      const one = new Float32Array(BLOCK);
      const other = new Float32Array(BLOCK);
      const made = stretcher.render(one, other);
      if (made.length < BLOCK && this.over === Infinity) this.over = this.stretched + made.length;
      const toOutput = (at) => Math.round((this.stretched + at) / pitch) - this.given;
      if (this.over === Infinity || made.length) {
        for (const span of made.spans) {
          spans.push({ ...span, at: toOutput(span.at), speed: span.speed * pitch });
        }
      }
      for (const { at, sound } of made.clicks) clicks.push({ at: toOutput(at), sound });
      resampler.append(one, other);
      this.stretched += BLOCK;
    }
    const last = Math.floor(this.over / pitch) - this.given;
    const length = Math.max(Math.min(left.length, last), 0);
    resampler.read(length, left, right);
    return { spans, clicks, length };
  }

  // Write the clicks that sound into `click`; a click ends where the next one begins.
  ring(click, length) {
    click.fill(0);
    this.waiting.sort((a, b) => a.at - b.at);
    this.waiting.forEach((voice, index) => {
      const next = this.waiting[index + 1];
      const first = Math.max(voice.at, 0);
      const end = next ? next.at : length;
      const last = Math.min(voice.at + voice.sound.length, end, length);
      for (let i = first; i < last; i += 1) click[i] = voice.sound[i - voice.at];
    });
    for (const voice of this.waiting) voice.at -= length;
    this.waiting = this.waiting.filter(
      (voice, index) =>
        voice.at + voice.sound.length > 0 && !(this.waiting[index + 1] && this.waiting[index + 1].at <= 0),
    );
  }
}
