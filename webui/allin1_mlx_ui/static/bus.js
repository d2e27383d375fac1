// Events between the parts of the page, and helpers that make elements.

class Bus extends EventTarget {
  last = new Map(); // type -> detail of the latest event

  say(type, detail) {
    this.last.set(type, detail);
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  hear(type, listener) {
    this.addEventListener(type, (event) => listener(event.detail));
  }

  // Like hear, and calls the listener at once with the latest event, as parts start in any order.
  catchUp(type, listener) {
    this.hear(type, listener);
    if (this.last.has(type)) listener(this.last.get(type));
  }
}

export const bus = new Bus();

// An element from a tag, attributes and children; texts are never read as HTML.
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

// A button that does actions[name]() and shows its key in its title.
export function makeActionButton(actions, name, label, key, content) {
  const button = make("button", { type: "button", title: `${label} (${key})` }, content);
  button.setAttribute("aria-label", label);
  button.dataset.action = name;
  button.addEventListener("click", () => actions[name]());
  return button;
}

// An icon of 24 x 24 from its outline, hidden from screen readers.
export function icon(outline) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", outline);
  svg.append(path);
  return svg;
}

export function address(path) {
  return new URL(`allin1/${path}`, document.baseURI).toString();
}
