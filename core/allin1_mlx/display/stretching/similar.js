// Where a piece of sound continues another one best.

// The offset in [0, room] at which `field` is most like `model`; the middle in silence.
// model: (N,) samples. field: (N + room,).
export function findOffset(model, field, room) {
  const coarse = best(model, field, { from: 0, to: room, step: 4, usual: Math.round(room / 2) });
  const near = { from: Math.max(coarse - 4, 0), to: Math.min(coarse + 4, room) };
  return best(model, field, { ...near, step: 1, usual: coarse });
}

// The offset in [from, to] at which `field` correlates best with `model`, every `step`-th sample;
// `usual` where nothing is better, as in silence.
function best(model, field, { from, to, step, usual }) {
  let found = usual;
  let highest = correlate(model, field, usual, step);
  for (let offset = from; offset <= to; offset += step) {
    const score = correlate(model, field, offset, step);
    if (score > highest) {
      highest = score;
      found = offset;
    }
  }
  return found;
}

function correlate(model, field, offset, step) {
  let product = 0;
  let energy = 1e-6;
  for (let i = 0; i < model.length; i += step) {
    const value = field[offset + i];
    product += model[i] * value;
    energy += value * value;
  }
  return product / Math.sqrt(energy);
}
