// The decoded song, fetched piece by piece: 16-bit stereo, read by frame number.
// Memory stays bounded however long the song is.

const BLOCK = 1 << 18; // frames of a piece, 1 MB, 6 s
const KEPT = 96; // pieces in memory
const FRAME_BYTES = 4;

export class Tape {
  constructor(url, frames) {
    this.url = url;
    this.frames = frames;
    this.blocks = new Map(); // index -> Int16Array, the longest unused first
    this.pending = new Map(); // index -> Promise
  }

  // Whether all of [from, to) is here; frames outside of the song always are.
  has(from, to) {
    return this.missing(from, to).length === 0;
  }

  missing(from, to) {
    const first = Math.max(from, 0);
    const last = Math.min(to, this.frames) - 1;
    const lacking = [];
    for (let i = Math.floor(first / BLOCK); i * BLOCK <= last; i += 1) {
      if (!this.blocks.has(i)) lacking.push(i);
    }
    return lacking;
  }

  // Get what is missing of [from, to).
  async load(from, to) {
    await Promise.all(this.missing(from, to).map((index) => this.loadBlock(index)));
  }

  loadBlock(index) {
    if (!this.pending.has(index)) {
      const promise = this.fetchBlock(index).finally(() => this.pending.delete(index));
      this.pending.set(index, promise);
    }
    return this.pending.get(index);
  }

  async fetchBlock(index) {
    const begin = index * BLOCK * FRAME_BYTES;
    const end = Math.min((index + 1) * BLOCK, this.frames) * FRAME_BYTES;
    const response = await fetch(this.url, { headers: { Range: `bytes=${begin}-${end - 1}` } });
    if (response.status !== 206) throw new Error(`the song could not be read (${response.status})`);
    this.blocks.set(index, new Int16Array(await response.arrayBuffer()));
    while (this.blocks.size > KEPT) this.blocks.delete(this.blocks.keys().next().value);
  }

  // Write frames [from, from + count) to `left` and `right`; silence outside of the song.
  read(from, count, left, right) {
    left.fill(0, 0, count);
    right.fill(0, 0, count);
    let frame = Math.max(from, 0);
    const end = Math.min(from + count, this.frames);
    while (frame < end) {
      const index = Math.floor(frame / BLOCK);
      const block = this.blocks.get(index);
      const stop = Math.min((index + 1) * BLOCK, end);
      if (block) {
        this.blocks.delete(index); // to the end of the queue
        this.blocks.set(index, block);
        for (let i = frame, k = (frame - index * BLOCK) * 2; i < stop; i += 1, k += 2) {
          left[i - from] = block[k] / 32768;
          right[i - from] = block[k + 1] / 32768;
        }
      }
      frame = stop;
    }
  }
}
