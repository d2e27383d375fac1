// What mouse, pen and fingers do on the timeline.
//
// Wheel or pinch zooms, a drag scrolls, a double click shows all. A click goes there; on a section
// it selects it, and once more loops it. A drag along the bar numbers, or with Shift held down,
// loops whole bars. In the overview a drag moves the view.

const SLACK = 4; // pixels that a click may move
const LOOPING_ROWS = ["ruler", "sections"];

export function listenToPointers(view) {
  const { element } = view;
  const pointers = new Map(); // id -> x
  let gesture = null;

  const locate = (event) => {
    const box = element.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };

  element.addEventListener("pointerdown", (event) => {
    if (!view.sheet || (event.pointerType === "mouse" && event.button !== 0)) return;
    const { x, y } = locate(event);
    const row = view.rowAt(y);
    pointers.set(event.pointerId, x);
    if (pointers.size === 2) {
      gesture = startPinch(view, [...pointers.values()]);
    } else if (pointers.size === 1) {
      gesture = startDrag(view, x, row, event.shiftKey);
    }
  });

  element.addEventListener("pointermove", (event) => {
    if (!view.sheet) return;
    const where = locate(event);
    const pointing = event.pointerType === "mouse" && view.rowAt(where.y) !== "overview";
    view.point(pointing && where.x >= view.margin ? where.x : null);
    if (!pointers.has(event.pointerId)) return;
    const { x } = locate(event);
    pointers.set(event.pointerId, x);
    if (gesture && gesture.move([...pointers.values()]) && !element.hasPointerCapture(event.pointerId)) {
      element.setPointerCapture(event.pointerId);
    }
  });

  const finish = (event, cancelled) => {
    if (!pointers.has(event.pointerId)) return;
    pointers.delete(event.pointerId);
    const { x } = locate(event);
    if (gesture) gesture.end(x, cancelled);
    gesture = null;
  };
  element.addEventListener("pointerup", (event) => finish(event, false));
  element.addEventListener("pointercancel", (event) => finish(event, true));

  element.addEventListener("pointerleave", () => view.point(null));

  element.addEventListener("dblclick", (event) => {
    if (view.sheet && !LOOPING_ROWS.includes(view.rowAt(locate(event).y))) view.reset();
  });

  element.addEventListener(
    "wheel",
    (event) => {
      if (!view.sheet) return;
      event.preventDefault();
      const unit = event.deltaMode === 1 ? 16 : 1; // lines or pixels
      const sideways = event.shiftKey ? event.deltaY : event.deltaX;
      if (Math.abs(sideways) > Math.abs(event.shiftKey ? 0 : event.deltaY)) {
        view.pan((sideways * unit) / view.scale);
      } else {
        const amount = Math.min(Math.max(event.deltaY * unit, -240), 240);
        view.zoom(1.002 ** amount, view.toTime(locate(event).x));
      }
    },
    { passive: false },
  );
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
      view.astray = !view.isVisible(view.player.position);
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
      if (!moved && !cancelled) tell(view, "seek", view.toTime(x));
    },
  };
}

function dragWindow(view, startX) {
  const move = ([x]) => {
    const half = (view.range[1] - view.range[0]) / 2;
    const time = view.toTimeInOverview(x);
    view.setRange(time - half, time + half);
    view.astray = !view.isVisible(view.player.position);
    return true;
  };
  move([startX]);
  return { move, end() {} };
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
      if (moved && !cancelled) tell(view, "loop", marked);
      else if (!cancelled && row === "sections") clickSection(view, view.toTime(x));
      else if (!cancelled) tell(view, "seek", view.toTime(x));
      view.place();
    },
  };
}

function clickSection(view, time) {
  const index = view.sheet.sectionAt(time);
  if (index < 0) return;
  if (index === view.selected) tell(view, "loopsection", index);
  else tell(view, "choose", index);
}

function tell(view, type, detail) {
  view.dispatchEvent(new CustomEvent(type, { detail }));
}
