// The menu of analysis models and stem methods: a line that opens to the options, the size and the
// terms of a download, and its progress.

import { make } from "./bus.js";

export function mount(element, { props, trigger, watch }) {
  const panel = new Panel(element.querySelector(".choice"), trigger);
  const update = () => props.value && panel.update(props.value);
  watch("value", update);
  update();
  trigger("look");
  // Another page may have chosen, or a laptop that wakes up lost the connection.
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) trigger("look");
  });
}

class Panel {
  constructor(element, trigger) {
    this.trigger = trigger;
    this.asked = null; // { model, demix } that needs weights, until the user agrees or not
    this.inForce = make("b", {});
    this.hint = make("span", { class: "hint" });
    const line = make("span", {}, "Analysis model: ", this.inForce, this.hint);
    this.models = new Options("model", "Analysis model", () => this.pick());
    this.demixes = new Options("demix", "Separation into instruments", () => this.pick());
    this.offer = make("div", {
      class: "offer",
      role: "group",
      "aria-label": "Download",
      hidden: true,
    });
    this.delivery = new Progress(() => trigger("stop"));
    this.fault = new Fault((wanted) => trigger("choose", { ...wanted, agreed: true }));
    this.details = make(
      "details",
      {},
      make("summary", {}, line, make("span", { class: "toggle" })),
      make("div", { class: "both" }, this.models.element, this.demixes.element),
      this.offer,
      make("p", { class: "note" }, "Applies to songs that are analysed from now on."),
    );
    this.details.hidden = true; // until it is known what is in force
    element.append(this.details, this.delivery.element, this.fault.element);
  }

  update(state) {
    this.state = state;
    const running = state.delivery !== null && state.delivery.state === "running";
    if (running || (this.asked && !this.needs(this.asked).length)) this.asked = null;
    this.details.hidden = false;
    this.inForce.textContent = state.inForce;
    this.hint.textContent = state.hint && !running ? ` · ${state.hint}` : "";
    this.delivery.show(running ? state.delivery : null);
    this.fault.show(running ? null : state.delivery);
    this.running = running;
    this.show();
  }

  // The options as they stand, or as they would with what is asked for.
  show() {
    const { state, asked, running } = this;
    const { model, demix } = asked || state;
    this.models.show(state.models, model, { disabled: running });
    const noStems = state.noStems[model] || "";
    this.demixes.show(state.demixes, demix, { disabled: running || noStems !== "", why: noStems });
    this.offer.hidden = asked === null;
    if (asked !== null) this.makeOffer(this.needs(asked));
  }

  pick() {
    const chosen = { model: this.models.value, demix: this.demixes.value };
    if (this.needs(chosen).length) {
      this.asked = chosen;
      this.show();
      return;
    }
    this.asked = null;
    this.trigger("choose", { ...chosen, agreed: false });
  }

  // The sets of weights that a choice lacks.
  needs({ model, demix }) {
    const { state } = this;
    const option = (options, value) => options.find((one) => one.value === value);
    const wanted = [option(state.models, model)];
    if (!state.noStems[model]) wanted.push(option(state.demixes, demix));
    return wanted.map((one) => one.needs).filter((name) => name in state.offers);
  }

  makeOffer(names) {
    if (this.offer.dataset.names === String(names)) return; // the focus may be in it
    this.offer.dataset.names = names;
    const offers = names.map((name) => this.state.offers[name]);
    const rows = offers.map(({ title, size, host, terms }) =>
      make(
        "p",
        {},
        make("b", {}, `One-time download, ${size}`),
        ` from ${host}: ${title}. Terms: ${terms}.`,
      ),
    );
    const agree = () => {
      this.trigger("choose", { ...this.asked, agreed: true });
      this.details.open = false; // what remains to be seen is the progress
      this.details.querySelector("summary").focus();
    };
    const refuse = () => {
      this.asked = null;
      this.show();
      this.details.querySelector("input:checked").focus();
    };
    this.offer.replaceChildren(
      ...rows,
      make("p", {}, "Your songs stay on this computer."),
      make("button", { type: "button", class: "agree", onclick: agree }, "Download and use"),
      make("button", { type: "button", onclick: refuse }, "Not now"),
    );
  }
}

// One of several, each with what it does and costs; the reason where one cannot be had.
class Options {
  constructor(name, title, onpick) {
    this.name = name;
    this.onpick = onpick;
    this.rows = new Map(); // value -> its parts
    this.why = make("p", { class: "why" });
    this.element = make("fieldset", {}, make("legend", {}, title), this.why);
  }

  get value() {
    return this.element.querySelector("input:checked").value;
  }

  show(options, chosen, { disabled, why = "" }) {
    this.element.disabled = disabled;
    this.why.textContent = why;
    this.why.hidden = !why;
    for (const option of options) {
      const row = this.rows.get(option.value) || this.add(option);
      row.element.hidden = why !== ""; // there is nothing to choose
      row.input.checked = option.value === chosen;
      row.input.disabled = option.unavailable !== "";
      row.text.textContent = option.unavailable || option.text;
    }
  }

  add({ value, title }) {
    const input = make("input", { type: "radio", name: this.name, value, onchange: this.onpick });
    const text = make("span", { id: `about-${value}` });
    input.setAttribute("aria-describedby", text.id);
    const label = make("label", {}, input, make("b", {}, title));
    const row = { input, text, element: make("div", { class: "option" }, label, text) };
    this.element.append(row.element);
    this.rows.set(value, row);
    return row;
  }
}

// The running download.
class Progress {
  constructor(stop) {
    this.text = make("span", { id: "arriving" });
    this.bar = make("progress", { max: 1, "aria-labelledby": "arriving" });
    const cancel = make("button", { type: "button", onclick: stop }, "Cancel");
    cancel.setAttribute("aria-label", "Cancel the download");
    const parts = [this.text, this.bar, cancel];
    this.element = make("div", { class: "delivery", role: "status", hidden: true }, ...parts);
  }

  show(delivery) {
    this.element.hidden = delivery === null;
    if (delivery === null) return;
    this.text.textContent = delivery.text;
    this.bar.value = delivery.share;
  }
}

// Why it has not come.
class Fault {
  constructor(retry) {
    this.text = make("span", { role: "alert" });
    const again = make("button", { type: "button", onclick: () => retry(this.wanted) }, "Try again");
    this.element = make("p", { class: "fault", hidden: true }, this.text, again);
  }

  show(delivery) {
    this.element.hidden = delivery === null;
    this.wanted = delivery && delivery.wanted;
    const text = delivery ? delivery.text : "";
    if (this.text.textContent !== text) this.text.textContent = text;
  }
}
