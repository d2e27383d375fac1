// How much room the window has for the timeline: the server draws it lower or higher.

const LOW = "(max-height: 520px)"; // a phone on its side
const MIDDLE = "(max-height: 900px), (max-width: 720px)";

export function room() {
  if (matchMedia(LOW).matches) return "low";
  return matchMedia(MIDDLE).matches ? "middle" : "high";
}

// Call `changed` when the room becomes another.
export function watchRoom(changed) {
  let before = room();
  window.addEventListener("resize", () => {
    if (room() === before) return;
    before = room();
    changed();
  });
}
