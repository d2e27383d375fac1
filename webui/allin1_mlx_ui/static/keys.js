// The keyboard, and the card that explains it.

import { make } from "./bus.js";
import { makeCheckup } from "./checkup.js";

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
  ["end", ["End"], "End", "to the end"],
  ["loop", ["l"], "L", "loop this section, or stop looping"],
  ["loopStart", ["a"], "A", "the loop starts at this bar"],
  ["loopEnd", ["b"], "B", "the loop ends at this bar"],
  ["slower", [",", "<"], ",", "slower"],
  ["faster", [".", ">"], ".", "faster"],
  ["fullSpeed", ["1"], "1", "full speed"],
  ["click", ["c"], "C", "click on or off"],
  ["countIn", ["n"], "N", "count-in: off, 1 bar, 2 bars"],
  ["settings", ["m"], "M", "volumes, click, trainer, pitch, saved loops"],
  ["follow", ["f"], "F", "view follows the song, or stays"],
  ["zoomIn", ["+", "="], "+", "zoom in"],
  ["zoomOut", ["-", "_"], "−", "zoom out"],
  ["zoomAll", ["0"], "0", "show the whole song"],
  ["zoomSection", ["z"], "Z", "zoom to the section"],
  ["zoomLoop", ["Z"], "Shift Z", "zoom to the loop"],
  ["correct", ["e"], "E", "corrections: beats, bars, sections"],
  ["tap", ["t"], "T", "tap the beat, while correcting"],
  ["earlier", ["j"], "J", "all beats 10 ms earlier, while correcting"],
  ["later", ["k"], "K", "all beats 10 ms later, while correcting"],
  ["littleEarlier", ["J"], "Shift J", "all beats 1 ms earlier, while correcting"],
  ["littleLater", ["K"], "Shift K", "all beats 1 ms later, while correcting"],
  ["rename", ["F2"], "F2", "rename, split, merge or move the section"],
  ["deselect", ["Escape"], "Esc", "select no section"],
  ["help", ["?"], "?", "this card"],
];

const MAC = /mac|iphone|ipad/i.test(navigator.userAgentData?.platform || navigator.platform);

// How a key with Ctrl, or with the command key of a Mac, is written.
export function writeCtrl(key, shift = false) {
  if (MAC) return `${shift ? "⇧" : ""}⌘${key}`;
  return `Ctrl+${shift ? "Shift+" : ""}${key}`;
}

const MORE = [
  ["PgUp PgDn", "on the timeline: previous or next section"],
  [writeCtrl("Z"), "undo a correction"],
  [writeCtrl("Z", true), "redo it"],
];

const RELEASED =
  "button, a, summary, select, [role=slider], input:is([type=range], [type=radio], [type=checkbox])";

const MOUSE = [
  ["Click", "go there"],
  ["Click a section", "select it; once more: loop it"],
  ["⟳ on a section", "play it from its start, again and again"],
  ["Right click, or hold", "rename, split, merge, move a section"],
  ["Drag along the bar numbers", "loop these bars (or Shift and drag anywhere)"],
  ["Drag an end of the loop", "move it to another bar (with Alt: anywhere)"],
  ["Wheel or pinch", "zoom"],
  ["Drag", "scroll"],
  ["Double click", "show the whole song"],
  ["Drag a grip", "move a boundary to the nearest bar (with Alt: anywhere)"],
];

const TOUCH = [
  ["Tap", "go there"],
  ["Tap a section", "select it; once more: loop it"],
  ["⟳ on a section", "play it from its start, again and again"],
  ["Hold a section", "rename, split, merge, move it"],
  ["Drag along the bar numbers", "loop these bars"],
  ["Drag an end of the loop", "move it to another bar"],
  ["Two fingers", "zoom"],
  ["Drag", "scroll"],
  ["Drag a grip", "move a boundary to the nearest bar"],
];

// A control that was used by mouse or finger gives the keyboard back: keys then mean the song.
function releaseFocus() {
  let byPointer = false;
  document.addEventListener("pointerdown", () => (byPointer = true), true);
  document.addEventListener("keydown", () => (byPointer = false), true);
  const release = () => {
    const { activeElement: at } = document;
    const control = at && at.matches(RELEASED) && at.closest(".songs, .player");
    if (byPointer && control) at.blur();
  };
  for (const type of ["click", "change"]) document.addEventListener(type, release, true);
}

export function listenToKeys(actions) {
  releaseFocus();
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
  const gestures = (list) =>
    list.map(([gesture, text]) =>
      make("tr", {}, make("th", { scope: "row" }, gesture), make("td", {}, text)),
    );
  const dialog = make(
    "dialog",
    { class: "help", "aria-labelledby": "help-title" },
    make("h2", { id: "help-title", class: "fine" }, "Keys and gestures"),
    make("h2", { class: "coarse" }, "Gestures"),
    make("table", { class: "fine" }, make("tbody", {}, ...rows, ...more)),
    make("h3", { class: "fine" }, "On the timeline"),
    make("table", { class: "fine" }, make("tbody", {}, ...gestures(MOUSE))),
    make("table", { class: "coarse" }, make("tbody", {}, ...gestures(TOUCH))),
    ...makeCheckup(),
    make("button", { type: "button", onclick: () => dialog.close() }, "Close"),
  );
  return dialog;
}
