// A count-in that is being played: silence with clicks, while what sounded before fades out.
export class CountIn {
  // plan: { length, clicks }, see Stretcher.planCountIn. lead: frames by which all clicks come
  // later. tail: the sound that fades out, { left, right }; null for none.
  constructor(plan, { speed, lead, tail }) {
    this.length = Math.round(plan.length / speed);
    this.clicks = plan.clicks.map(({ at, sound }) => ({ at: lead + Math.round(at / speed), sound }));
    this.tail = tail;
    this.done = 0; // frames so far
  }

  get over() {
    return this.done >= this.length;
  }

  // Write frames from `filled` on, and add the clicks. Returns the number of frames.
  write(left, right, filled, clicks) {
    const { done, tail } = this;
    const count = Math.min(this.length - done, left.length - filled);
    left.fill(0, filled, filled + count);
    right.fill(0, filled, filled + count);
    const fading = tail ? Math.min(tail.left.length, done + count) : 0;
    for (let i = done; i < fading; i += 1) {
      const fall = 1 - i / tail.left.length;
      left[filled + i - done] = fall * tail.left[i];
      right[filled + i - done] = fall * tail.right[i];
    }
    // All clicks at once: the last ones may sound when the song has begun.
    if (done === 0) clicks.push(...this.clicks.map(({ at, sound }) => ({ at: filled + at, sound })));
    this.done += count;
    return count;
  }
}
