// How the open song is practised: clicks, count-in, pitch and the speed trainer.
//
// The settings are the user's, not the song's: the browser keeps them for the next visit.

import { makeSounds, placeClicks, SOUNDS, SUBDIVISIONS } from "../clicks.js";
import { makeCountIn } from "./count_in.js";

const KEY = "allin1 practice";
const START = {
  sound: "click",
  subdivision: "none",
  accent: true,
  countIn: 0, // bars
  song: 1, // volumes
  click: 0.6,
};
export const TRAINER = { from: 60, to: 100, step: 5, rounds: 2 }; // percent
export const SPEEDS = { lowest: 50, highest: 150, step: 5 }; // percent
const SEMITONES = 6; // up and down
const COUNT_INS = [0, 1, 2];

export class Practice extends EventTarget {
  constructor(player) {
    super();
    this.player = player;
    this.settings = { ...START, ...readStored() };
    this.trainer = { ...TRAINER };
    this.semitones = 0;
    this.cents = 0;
    this.sheet = null;
    for (const which of ["song", "click"]) {
      player.setLevel(which, { volume: this.settings[which] });
    }
  }

  // The clicks of a song for Player.load and Player.setClicks. nudge: milliseconds later.
  clicksFor(sheet, nudge = 0) {
    this.sheet = sheet;
    const { settings } = this;
    const beats = sheet.beats.map((time) => Math.round((time + nudge / 1000) * sheet.rate));
    const sounds = makeSounds(settings);
    const [, parts] = SUBDIVISIONS[settings.subdivision];
    const { positions } = sheet;
    return {
      beats,
      clicks: placeClicks(beats, positions, sounds, parts),
      planCountIn: makeCountIn({ beats, positions, sounds, bars: settings.countIn }),
    };
  }

  // Change settings, and what is heard.
  set(change) {
    Object.assign(this.settings, change);
    store(this.settings);
    if (this.sheet) this.player.setClicks(this.clicksFor(this.sheet));
    this.announce();
  }

  setVolume(which, volume) {
    this.settings[which] = volume;
    store(this.settings);
    this.player.setLevel(which, { volume, on: true });
  }

  // Off, one bar, two bars, off.
  nextCountIn() {
    this.set({ countIn: (this.settings.countIn + 1) % COUNT_INS.length });
  }

  // The speed in percent: as it is set, or as it is heard while it rises by itself.
  get speed() {
    const { heard, speed } = this.player;
    const rising = this.training && heard && heard.speed; // 0 in a count-in
    return Math.round(100 * (rising || speed));
  }

  setSpeed(percent) {
    const { lowest, highest } = SPEEDS;
    this.player.setSpeed(Math.min(Math.max(percent, lowest), highest) / 100);
    this.announce();
  }

  changeSpeed(direction) {
    this.setSpeed(this.speed + direction * SPEEDS.step);
  }

  get training() {
    return this.player.trainer !== null;
  }

  train(on) {
    const { from, to, step, rounds } = this.trainer;
    this.player.setTrainer(on ? { from: from / 100, to: to / 100, step: step / 100, rounds } : null);
    this.announce();
  }

  setTrainer(change) {
    Object.assign(this.trainer, change);
    if (this.training) this.train(true);
  }

  setPitch({ semitones = this.semitones, cents = this.cents }) {
    this.semitones = Math.min(Math.max(semitones, -SEMITONES), SEMITONES);
    this.cents = cents;
    this.player.setPitch(2 ** ((100 * this.semitones + cents) / 1200));
    this.announce();
  }

  announce() {
    this.dispatchEvent(new Event("change"));
  }
}

// Settings of an earlier visit that are still valid.
function readStored() {
  let stored;
  try {
    stored = JSON.parse(localStorage.getItem(KEY)) || {};
  } catch {
    return {}; // nothing stored that can be read, or a browser that keeps nothing
  }
  const valid = {
    sound: (value) => value in SOUNDS,
    subdivision: (value) => value in SUBDIVISIONS,
    accent: (value) => typeof value === "boolean",
    countIn: (value) => COUNT_INS.includes(value),
    song: (value) => value >= 0 && value <= 1,
    click: (value) => value >= 0 && value <= 1,
  };
  return Object.fromEntries(
    Object.entries(stored).filter(([name, value]) => name in valid && valid[name](value)),
  );
}

function store(settings) {
  try {
    localStorage.setItem(KEY, JSON.stringify(settings));
  } catch {
    // a private window: the settings last until the page is closed
  }
}
