// What mouse, pen and fingers do on the timeline.
//
// Wheel or pinch zooms, a drag scrolls, a double click shows all. A click goes there; on a section
// it selects it, and once more loops it. A drag along the bar numbers, or with Shift held down,
// loops whole bars. In the overview a drag moves the view, and a click goes there. A right click or
// a long press opens the card of a section.

const SLACK = 4; // pixels that a click may move
const LONG = 550; // milliseconds of a long press
const LOOPING_ROWS = ["ruler", "sections"];

export function listenToPointers(view) {
  const gestures = new Gestures(view);
  const { element } = view;
  const listen = (type, listener) => {
    element.addEventListener(type, (event) => {
      if (view.sheet) listener(event);
    });
  };
  listen("pointerdown", (event) => gestures.begin(event));
  listen("pointermove", (event) => gestures.move(event));
  listen("pointerleave", () => view.point(null));
  listen("contextmenu", (event) => {
    const { x, y } = locate(view, event);
    if (openMenu(view, x, view.rowAt(y))) event.preventDefault();
  });
  listen("dblclick", (event) => {
    if (!LOOPING_ROWS.includes(view.rowAt(locate(view, event).y))) view.reset();
  });
  element.addEventListener("pointerup", (event) => gestures.end(event, false));
  element.addEventListener("pointercancel", (event) => gestures.end(event, true));
  listenToGestures(view);
  const onWheel = (event) => {
    if (view.sheet) turnWheel(view, event);
  };
  element.addEventListener("wheel", onWheel, { passive: false });
}

// Pixels from the left and the top of the timeline.
function locate(view, event) {
  const box = view.element.getBoundingClientRect();
  return { x: event.clientX - box.left, y: event.clientY - box.top };
}

class Gestures {
  constructor(view) {
    this.view = view;
    this.pointers = new Map(); // id -> x
    this.gesture = null;
  }

  begin(event) {
    if (event.pointerType === "mouse" && event.button !== 0) return;
    const { view, pointers } = this;
    const { x, y } = locate(view, event);
    pointers.set(event.pointerId, x);
    if (pointers.size === 2) this.gesture = startPinch(view, [...pointers.values()]);
    else if (pointers.size === 1) this.gesture = startDrag(view, x, view.rowAt(y), event.shiftKey);
    clearTimeout(this.pressing);
    if (event.pointerType !== "touch" || pointers.size > 1) return;
    this.pressing = setTimeout(() => {
      if (openMenu(view, x, view.rowAt(y))) this.gesture = null;
    }, LONG);
  }

  move(event) {
    const { view, pointers } = this;
    const { x, y } = locate(view, event);
    const pointing = event.pointerType === "mouse" && view.rowAt(y) !== "overview";
    view.point(pointing && x >= view.margin ? x : null);
    if (!pointers.has(event.pointerId)) return;
    pointers.set(event.pointerId, x);
    const moved = this.gesture && this.gesture.move([...pointers.values()]);
    if (moved) clearTimeout(this.pressing);
    const { element } = view;
    if (moved && !element.hasPointerCapture(event.pointerId)) {
      element.setPointerCapture(event.pointerId);
    }
  }

  end(event, cancelled) {
    clearTimeout(this.pressing);
    if (!this.pointers.delete(event.pointerId)) return;
    if (this.gesture) this.gesture.end(locate(this.view, event).x, cancelled);
    this.gesture = null;
  }
}

function turnWheel(view, event) {
  const unit = event.deltaMode === 1 ? 16 : 1; // lines or pixels
  const [x, y] = [event.deltaX * unit, event.deltaY * unit];
  // With Shift, some browsers report the wheel as deltaX, others as deltaY.
  const sideways = event.shiftKey ? x || y : x;
  const all = view.range[1] - view.range[0] >= view.length;
  if (event.shiftKey || Math.abs(x) > Math.abs(y)) {
    view.pan(sideways / view.scale);
  } else if (all && y > 0 && !event.ctrlKey) {
    return; // nothing to zoom out of: the page scrolls
  } else {
    // A pinch on a trackpad arrives as a wheel with Ctrl and small steps.
    const base = event.ctrlKey ? 1.01 : 1.002;
    view.zoom(base ** Math.min(Math.max(y, -240), 240), view.toTime(locate(view, event).x));
  }
  event.preventDefault();
}

// A pinch on a trackpad in Safari.
function listenToGestures(view) {
  let before = 1;
  view.element.addEventListener("gesturestart", (event) => {
    before = 1;
    event.preventDefault();
  });
  view.element.addEventListener("gesturechange", (event) => {
    event.preventDefault();
    if (!view.sheet || !(event.scale > 0)) return;
    view.zoom(before / event.scale, view.toTime(locate(view, event).x));
    before = event.scale;
  });
}

function startPinch(view, [one, other]) {
  const distance = Math.max(Math.abs(one - other), 20);
  const range = [...view.range];
  const centre = view.toTime((one + other) / 2);
  return {
    move(now) {
      if (now.length < 2) return true;
      const factor = distance / Math.max(Math.abs(now[0] - now[1]), 20);
      const span = (range[1] - range[0]) * factor;
      const share = ((now[0] + now[1]) / 2 - view.margin) / view.width;
      view.setRange(centre - share * span, centre + (1 - share) * span);
      view.setAstray();
      return true;
    },
    end() {},
  };
}

function startDrag(view, startX, row, shift) {
  if (row === "overview") return dragWindow(view, startX);
  if (shift || LOOPING_ROWS.includes(row)) return dragLoop(view, startX, row);
  const range = [...view.range];
  let moved = false;
  return {
    move([x]) {
      moved = moved || Math.abs(x - startX) > SLACK;
      if (moved) view.pan(range[0] - (x - startX) / view.scale - view.range[0]);
      return moved;
    },
    end(x, cancelled) {
      if (!moved && !cancelled) report(view, "seek", view.toTime(x));
    },
  };
}

function dragWindow(view, startX) {
  const move = ([x]) => {
    const half = (view.range[1] - view.range[0]) / 2;
    const time = view.toTimeInOverview(x);
    view.setRange(time - half, time + half);
    view.setAstray();
    return true;
  };
  const [left, right] = view.range.map((time) => view.toSmallX(time));
  const inside = startX >= left && startX <= right;
  let moved = false;
  return {
    move([x]) {
      moved = moved || Math.abs(x - startX) > SLACK;
      return moved && move([x]);
    },
    end(x, cancelled) {
      if (moved || cancelled) return;
      if (!inside) move([x]);
      report(view, "seek", view.toTimeInOverview(x));
    },
  };
}

function dragLoop(view, startX, row) {
  const from = view.toTime(startX);
  let moved = false;
  return {
    move([x]) {
      moved = moved || Math.abs(x - startX) > SLACK;
      if (moved) {
        view.marked = view.sheet.snapToBars(from, view.toTime(x));
        view.place();
      }
      return moved;
    },
    end(x, cancelled) {
      const { marked } = view;
      view.marked = null;
      if (moved && !cancelled) report(view, "loop", marked);
      else if (!cancelled && row === "sections") clickSection(view, view.toTime(x));
      else if (!cancelled) report(view, "seek", view.toTime(x));
      view.place();
    },
  };
}

function clickSection(view, time) {
  const index = view.sheet.sectionAt(time);
  if (index < 0) return;
  if (index === view.selected) report(view, "loopsection", index);
  else report(view, "choose", index);
}

// Open the card of the section at a place; false where there is none.
function openMenu(view, x, row) {
  const time = view.toTime(x);
  const index = row === "overview" ? -1 : view.sheet.sectionAt(time);
  if (index >= 0) report(view, "menu", { index, time });
  return index >= 0;
}

function report(view, type, detail) {
  view.dispatchEvent(new CustomEvent(type, { detail }));
}
