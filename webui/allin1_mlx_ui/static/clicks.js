// The clicks of a song: one on each beat, and between beats where the user wants them.

const RATE = 44100;
const SECONDS = 0.1; // of a click
const SOFT = 0.35; // how loud a click between beats is
const PLAIN = 0.8; // how loud a downbeat is without accent

// name -> [text, frequencies of downbeat and beat, noise from 0 to 1, halvings of the loudness]
export const SOUNDS = {
  click: ["Click", [3000, 1500], 0, 10],
  wood: ["Wood block", [1200, 800], 0.15, 24],
  soft: ["Soft", [880, 440], 0, 9],
  hat: ["Hi-hat", [9000, 7000], 1, 16],
  bell: ["Cowbell", [845, 562], 0.05, 7],
};

// name -> [text, clicks for each beat]
export const SUBDIVISIONS = {
  none: ["Beats", 1],
  eighths: ["Eighths", 2],
  triplets: ["Triplets", 3],
  sixteenths: ["Sixteenths", 4],
};

// Returns position -> samples for the positions 0 (between beats), 1 (downbeat), 2, 3, ...
export function makeSounds({ sound, accent }) {
  const [, [high, low], noise, fall] = SOUNDS[sound];
  const beat = render(low, noise, fall, accent ? 1 : PLAIN);
  const downbeat = accent ? render(high, noise, fall, 1) : beat;
  const between = render(low, noise, fall, SOFT);
  return (position) => (position === 0 ? between : position === 1 ? downbeat : beat);
}

// Returns the clicks for the player: [{ frame, sound }] in order.
// sounds: see makeSounds. parts: clicks for each beat.
export function placeClicks(frames, positions, sounds, parts) {
  const clicks = [];
  frames.forEach((frame, index) => {
    clicks.push({ frame, sound: sounds(positions[index]) });
    const next = frames[index + 1];
    for (let part = 1; part < parts && next !== undefined; part += 1) {
      const between = Math.round(frame + ((next - frame) * part) / parts);
      clicks.push({ frame: between, sound: sounds(0) });
    }
  });
  return clicks;
}

// A sine, with noise, that decays. The zero at its start is skipped: the first sample sounds.
function render(hz, noise, fall, level) {
  const length = Math.round(SECONDS * RATE);
  let seed = 1;
  return Float32Array.from({ length }, (_, i) => {
    seed = (seed * 16807) % 2147483647; // the same noise each time
    const tone = Math.sin((2 * Math.PI * hz * (i + 1)) / RATE);
    const hiss = (2 * seed) / 2147483647 - 1;
    return level * 2 ** ((-fall * i) / length) * ((1 - noise) * tone + noise * hiss);
  });
}
