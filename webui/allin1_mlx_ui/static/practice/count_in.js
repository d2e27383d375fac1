// Clicks before the song: one or two bars at the tempo of the place where it starts.

import { lastAtMost } from "../search.js";

const NEAR = 441; // frames within which a place is on a beat

// Returns what Stretcher.planCountIn is asked for: frame -> { length, clicks }, in frames at full
// speed, or null where there is no tempo. beats: frames. positions: 1 for a downbeat. sounds: for
// positions, see clicks.js. bars: how many to count.
export function makeCountIn({ beats, positions, sounds, bars }) {
  if (bars === 0 || beats.length < 2) return null;
  return (frame) => {
    const next = Math.min(lastAtMost(beats, frame - NEAR - 0.5) + 1, beats.length - 1);
    const meter = meterAt(positions, next);
    const period = periodAt(beats, next, meter);
    // A bar that is already under way is counted too, up to the place.
    const count = bars * meter + ((positions[next] - 1) % meter);
    const lead = Math.max(beats[next] - frame, 0);
    const gap = lead < count * period ? lead : lead % period;
    const clicks = Array.from({ length: count }, (_, k) => {
      const position = ((((positions[next] - 1 - (count - k)) % meter) + meter) % meter) + 1;
      return { at: k * period, sound: sounds(position) };
    });
    return { length: count * period - gap, clicks };
  };
}

// The number of beats in the bar of a beat.
function meterAt(positions, index) {
  let highest = positions[index];
  for (let i = index + 1; i < positions.length && positions[i] !== 1; i += 1) highest = positions[i];
  for (let i = index - 1; i >= 0 && highest === 1; i -= 1) highest = Math.max(highest, positions[i]);
  return highest;
}

function periodAt(beats, index, meter) {
  const first = Math.min(index, beats.length - 2);
  const steps = [];
  for (let i = first; i < Math.min(first + meter, beats.length - 1); i += 1) {
    steps.push(beats[i + 1] - beats[i]);
  }
  steps.sort((a, b) => a - b);
  return steps[steps.length >> 1];
}
