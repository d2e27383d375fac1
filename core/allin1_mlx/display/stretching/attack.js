// Attacks: where the high frequencies become much louder within milliseconds.

const BLOCK = 128; // samples, 3 ms
const BEFORE = 14; // blocks that an attack is compared with, 40 ms
const RATIO = 5; // how much louder it must be
const FLOOR = 2e-4; // mean square below which nothing counts

// The first attack in `samples` at or after `from`; -1 where there is none.
export function findAttack(samples, from) {
  const blocks = Math.floor(samples.length / BLOCK);
  const loudness = new Float32Array(blocks);
  for (let b = 0; b < blocks; b += 1) {
    let sum = 0;
    for (let i = Math.max(b * BLOCK, 1); i < (b + 1) * BLOCK; i += 1) {
      const difference = samples[i] - samples[i - 1]; // a plain high-pass
      sum += difference * difference;
    }
    loudness[b] = sum / BLOCK;
  }
  for (let b = Math.max(Math.ceil(from / BLOCK), 1); b < blocks; b += 1) {
    const first = Math.max(b - BEFORE, 0);
    let before = 0;
    for (let i = first; i < b; i += 1) before += loudness[i];
    if (loudness[b] > FLOOR && loudness[b] > (RATIO * before) / (b - first)) return b * BLOCK;
  }
  return -1;
}
