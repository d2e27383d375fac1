// The keyboard, and the card that explains it.

import { make } from "./bus.js";

// Name of the action, keys, and the two columns of the card. actions.js has the actions.
export const KEYS = [
  ["play", [" "], "Space", "play or pause"],
  ["beatBack", ["ArrowLeft"], "←", "one beat back"],
  ["beatOn", ["ArrowRight"], "→", "one beat on"],
  ["barBack", ["Shift+ArrowLeft"], "Shift ←", "one bar back"],
  ["barOn", ["Shift+ArrowRight"], "Shift →", "one bar on"],
  ["sectionBack", ["["], "[", "previous section"],
  ["sectionOn", ["]"], "]", "next section"],
  ["start", ["Home"], "Home", "to the beginning"],
  ["loop", ["l"], "L", "loop this section, or stop looping"],
  ["click", ["c"], "C", "click on or off"],
  ["follow", ["f"], "F", "view follows the song, or stays"],
  ["zoomIn", ["+", "="], "+", "zoom in"],
  ["zoomOut", ["-", "_"], "−", "zoom out"],
  ["zoomAll", ["0"], "0", "show the whole song"],
  ["correct", ["e"], "E", "corrections: beats, bars, sections"],
  ["tap", ["t"], "T", "tap the beat, while correcting"],
  ["help", ["?"], "?", "this card"],
];

const MORE = [
  ["Ctrl Z", "undo a correction"],
  ["Ctrl Shift Z", "redo it"],
];

const MOUSE = [
  ["Click", "go there"],
  ["Click a section", "select it; once more: loop it"],
  ["Drag along the bar numbers", "loop these bars (or Shift and drag anywhere)"],
  ["Wheel or pinch", "zoom"],
  ["Drag", "scroll"],
  ["Double click", "show the whole song"],
  ["Drag a grip", "while correcting: move a boundary to the nearest bar (with Alt: anywhere)"],
];

export function listenToKeys(actions) {
  const bound = new Map();
  for (const [name, keys] of KEYS) keys.forEach((key) => bound.set(key, actions[name]));
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const { target } = event;
    if (target.closest("input, select, textarea, [contenteditable], dialog")) return;
    if ([" ", "Enter"].includes(event.key) && target.closest("button, a, summary")) return;
    const arrow = event.key.startsWith("Arrow");
    const key = arrow && event.shiftKey ? `Shift+${event.key}` : event.key;
    const action = bound.get(key) || bound.get(key.toLowerCase());
    if (!action || !action()) return;
    event.preventDefault();
  });
}

// A card of all keys and gestures; shown with showModal().
export function makeHelp() {
  const rows = KEYS.map(([, , key, text]) =>
    make("tr", {}, make("th", { scope: "row" }, make("kbd", {}, key)), make("td", {}, text)),
  );
  const more = MORE.map(([key, text]) =>
    make("tr", {}, make("th", { scope: "row" }, make("kbd", {}, key)), make("td", {}, text)),
  );
  const gestures = MOUSE.map(([gesture, text]) =>
    make("tr", {}, make("th", { scope: "row" }, gesture), make("td", {}, text)),
  );
  const dialog = make(
    "dialog",
    { class: "help", "aria-labelledby": "help-title" },
    make("h2", { id: "help-title" }, "Keys and gestures"),
    make("table", {}, make("tbody", {}, ...rows, ...more)),
    make("h3", {}, "On the timeline"),
    make("table", {}, make("tbody", {}, ...gestures)),
    make("button", { type: "button", onclick: () => dialog.close() }, "Close"),
  );
  return dialog;
}
