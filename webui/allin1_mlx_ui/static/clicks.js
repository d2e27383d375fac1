// The clicks of a song for the player: [{ frame, sound }].

export function placeClicks(sheet) {
  const sounds = sheet.clicks.map((text) => {
    const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    return Float32Array.from(new Int16Array(bytes.buffer), (value) => value / 32768);
  });
  return sheet.beats.map((time, index) => ({
    frame: Math.round(time * sheet.rate),
    sound: sounds[sheet.positions[index] === 1 ? 1 : 0],
  }));
}
