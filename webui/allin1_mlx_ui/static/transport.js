// Buttons and sliders of the player.

import { bus, icon, make } from "./bus.js";

const ICONS = {
  play: "M8 5v14l11-7z",
  pause: "M7 5h4v14H7zM13 5h4v14h-4z",
  sectionBack: "M6 5h2.5v14H6zM20 5v14l-10-7z",
  sectionOn: "M15.5 5H18v14h-2.5zM4 5v14l10-7z",
  barBack: "M12 12 19 7v10zM5 12l7-5v10z",
  barOn: "M5 7l7 5-7 5zM12 7l7 5-7 5z",
  zoomIn: "M11 5h2v6h6v2h-6v6h-2v-6H5v-2h6z",
  zoomOut: "M5 11h14v2H5z",
};

export class Transport {
  // actions: what each control does, by the names of keys.js.
  constructor(player, actions, extras) {
    this.player = player;
    this.actions = actions;
    const button = (name, label, key) => this.button(name, label, key, icon(ICONS[name]));
    this.play = button("play", "Play", "Space");
    this.play.classList.add("main");
    this.loop = this.toggle("loop", "Loop", "L");
    this.follow = this.toggle("follow", "Follow", "F");
    this.time = make("output", { class: "time", "aria-label": "Position" });
    this.place = make("output", { class: "place", "aria-live": "off" });
    const group = (name, label, ...children) =>
      make("div", { class: `group ${name}`, role: "group", "aria-label": label }, ...children);
    this.controls = make(
      "div",
      { class: "controls" },
      group(
        "moves",
        "Playing",
        button("sectionBack", "Previous section", "["),
        button("barBack", "Previous bar", "Shift+←"),
        this.play,
        button("barOn", "Next bar", "Shift+→"),
        button("sectionOn", "Next section", "]"),
      ),
      make("div", { class: "group where" }, this.time, this.place),
      make("div", { class: "group" }, this.loop, this.follow),
      group(
        "zoom",
        "Zoom",
        button("zoomOut", "Zoom out", "−"),
        button("zoomIn", "Zoom in", "+"),
        this.button("zoomAll", "Show all of the song", "0", "All"),
      ),
    );
    const silence = "Without its song only the click sounds: add the song's file to hear it.";
    this.silence = make("p", { class: "silence", role: "status", hidden: true }, silence);
    this.levels = make(
      "div",
      { class: "levels" },
      this.silence,
      this.makeLevel("song", "Song"),
      this.makeLevel("click", "Click"),
      this.makeSpeed(),
      make("div", { class: "group extras" }, ...extras),
    );
    player.addEventListener("change", () => this.update());
    this.update();
  }

  button(name, label, key, content) {
    const hint = `${label} (${key})`;
    const button = make("button", { type: "button", title: hint, "aria-label": label }, content);
    button.dataset.action = name;
    button.addEventListener("click", (event) => {
      this.actions[name]();
      if (event.detail > 0) button.blur(); // so that the space bar still plays and pauses
    });
    return button;
  }

  toggle(name, label, key) {
    const button = this.button(name, label, key, label);
    button.setAttribute("aria-pressed", "false");
    return button;
  }

  makeLevel(which, label) {
    const level = this.player.levels[which];
    const toggle = make("button", { type: "button", "aria-pressed": "true" }, label);
    toggle.title = which === "click" ? "Click on or off (C)" : "Song on or off";
    toggle.addEventListener("click", (event) => {
      this.player.setLevel(which, { on: !level.on });
      if (event.detail > 0) toggle.blur();
    });
    const slider = make("input", {
      type: "range",
      min: 0,
      max: 100,
      value: Math.round(level.volume * 100),
      "aria-label": `${label} volume`,
    });
    slider.addEventListener("input", () => {
      this.player.setLevel(which, { volume: Number(slider.value) / 100, on: true });
    });
    this[`${which}Toggle`] = toggle;
    this[`${which}Slider`] = slider;
    return make("div", { class: `group level ${which}` }, toggle, slider);
  }

  makeSpeed() {
    this.speed = make("input", {
      type: "range",
      min: 50,
      max: 150,
      step: 5,
      value: 100,
      "aria-label": "Speed",
    });
    this.speedText = make("button", { type: "button", title: "Back to full speed" }, "100 %");
    const set = (percent) => {
      this.player.setSpeed(percent / 100);
      this.speed.value = percent;
      this.speed.setAttribute("aria-valuetext", `${percent} percent`);
      this.speedText.textContent = `${percent} %`;
      this.speedText.setAttribute("aria-label", `${percent} %: back to full speed`);
    };
    this.speed.addEventListener("input", () => set(Number(this.speed.value)));
    this.speedText.addEventListener("click", () => set(100));
    set(100);
    const label = make("span", { class: "label", "aria-hidden": "true" }, "Speed");
    return make("div", { class: "group level speed" }, label, this.speed, this.speedText);
  }

  update() {
    const { player } = this;
    const { playing } = player;
    this.play.replaceChildren(icon(ICONS[playing ? "pause" : "play"]));
    this.play.setAttribute("aria-label", playing ? "Pause" : "Play");
    this.play.classList.toggle("waiting", playing && player.waiting);
    this.loop.setAttribute("aria-pressed", String(Boolean(player.loop)));
    for (const which of ["song", "click"]) {
      const { on, volume } = player.levels[which];
      this[`${which}Toggle`].setAttribute("aria-pressed", String(on));
      this[`${which}Slider`].value = Math.round(volume * 100);
    }
    bus.say("position");
  }

  setFollowing(following) {
    this.follow.setAttribute("aria-pressed", String(following));
  }

  // Whether the song is there, or only its result.
  setSound(there) {
    this.silence.hidden = there;
    this.songToggle.disabled = this.songSlider.disabled = !there;
  }

  setPosition(time, duration, place) {
    setText(this.time, `${time} / ${duration}`);
    setText(this.place, place);
  }
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
