// The song that is open. Desk holds it and gives it to each part of the page.

import { writeTime } from "../timeline.js";
import { makeActions } from "./actions.js";
import { address, bus, make } from "./bus.js";
import { placeClicks } from "./clicks.js";
import { Editing } from "./editing.js";
import { Exports } from "./exports.js";
import { Heading } from "./heading.js";
import { listenToKeys, makeHelp } from "./keys.js";
import { Moves } from "./moves.js";
import { Player } from "./player.js";
import { Position } from "./position.js";
import { Renewal } from "./renewal.js";
import { SectionTable } from "./sections.js";
import { Sheet } from "./sheet.js";
import { Tape } from "./tape.js";
import { isDark, watchTheme } from "./theme.js";
import { Transport } from "./transport.js";
import { View } from "./view.js";

const FINE_TIPS =
  "Click to go there · click a section to select it, again to loop it · " +
  "drag along the bar numbers to loop bars · wheel zooms, dragging scrolls";
const COARSE_TIPS = "Tap to go there · tap a section twice to loop it · pinch to zoom, drag to scroll";

export function mount(element) {
  const desk = new Desk(element.querySelector(".player"));
  bus.hear("songs", (news) => desk.hearOfSongs(news));
  bus.hear("open", (song) => desk.open(song));
  bus.hear("offer", (song) => desk.offer(song));
  bus.hear("close", () => desk.close());
  bus.hear("position", () => desk.showPosition());
  window.allin1 = desk; // for tests and for the browser's console
}

class Desk {
  constructor(element) {
    this.element = element;
    this.song = null; // its line in the list
    this.sheet = null; // its whole analysis
    this.activations = false;
    this.player = new Player(() => new AudioContext({ sampleRate: 44100 }));
    this.heading = new Heading();
    this.position = new Position();
    this.view = new View(this.position.stage, this.player);
    this.moves = new Moves(this);
    this.editing = new Editing(this);
    this.help = makeHelp();
    this.renewal = new Renewal(() => this.song);
    this.more = this.makeMore();
    this.actions = makeActions(this);
    this.transport = new Transport(this.player, this.actions, this.makeExtras());
    this.transport.setFollowing(true);
    this.arrange();
    this.listen();
    this.tick();
  }

  // The button that shows or hides the activations.
  makeMore() {
    const title = "Show how sure the network was of beats and sections";
    const onclick = () => this.toggleActivations();
    const look = { class: "quiet", "aria-pressed": "false", title };
    return make("button", { type: "button", ...look, onclick }, "Activations");
  }

  makeExtras() {
    const onclick = () => this.help.showModal();
    const help = make("button", { type: "button", class: "quiet", onclick }, "Keys (?)");
    return [this.more, this.renewal.button, help];
  }

  // Put the parts on the page.
  arrange() {
    const part = (name, ...children) => make("div", { class: name }, ...children);
    const tips = (kind, text) => make("p", { class: `tips ${kind}`, "aria-hidden": "true" }, text);
    const { corrections, panel } = this.editing;
    const table = part("sections");
    const downloads = part("downloads");
    this.table = new SectionTable(
      table,
      (index) => this.moves.goToSection(index),
      ([start, end]) => this.editing.correct({ do: "reset", what: "sections", start, end }),
    );
    this.exports = new Exports(downloads, () => this.player.pause());
    this.element.append(
      part("head", this.heading.element, corrections.bar),
      corrections.words,
      corrections.news,
      corrections.trouble,
      this.position.element,
      tips("fine", FINE_TIPS),
      tips("coarse", COARSE_TIPS),
      this.transport.controls,
      panel.element,
      this.transport.levels,
      part("foot", table, downloads),
      this.help,
      this.renewal.dialog,
    );
    this.element.hidden = true;
  }

  listen() {
    listenToKeys(this.actions);
    this.player.addEventListener("change", () => this.onPlayer());
    this.player.addEventListener("fault", (event) => this.heading.warn(event.detail));
    this.editing.watchLeaving(this.element);
    watchTheme(() => {
      if (this.song) this.open(this.song);
    });
  }

  // Once per frame of the screen.
  tick() {
    if (this.player.playing) {
      this.view.tick();
      this.showPosition();
    }
    requestAnimationFrame(() => this.tick());
  }

  hearOfSongs({ songs, session }) {
    this.session = session;
    const mine = this.song && songs.find((song) => song.id === this.song.id);
    if (mine && mine.revision > this.song.revision) this.open(mine);
    this.editing.keepOnly(songs);
    if (!this.song) {
      const ready = songs.find((song) => song.ready);
      if (ready) this.open(ready);
    }
  }

  // Open a song that was just added, unless another one plays.
  offer(song) {
    if (!this.player.playing) this.open(song);
  }

  async open(song) {
    const again = this.song !== null && this.song.id === song.id;
    this.song = song;
    bus.say("opened", song.id);
    const sheet = await this.fetchSheet(song);
    if (sheet === null || this.song !== song) return;
    await this.show(sheet, again);
  }

  // Show the song that a correction made.
  async showCorrected(song, data) {
    this.song = song;
    await this.show(new Sheet(data), true);
  }

  // Show a sheet. again: it is of the song that is shown already.
  async show(sheet, again) {
    const before = this.sheet;
    const fresh = before === null || before.id !== sheet.id;
    if (!fresh && sheet.revision < before.revision) return; // overtaken by a correction
    const hadSound = !fresh && before.frames > 0;
    const chosen = fresh ? undefined : before.sections[this.view.selected];
    this.sheet = sheet;
    this.element.hidden = false;
    if (fresh || hadSound !== sheet.frames > 0) this.load(sheet);
    else this.player.setClicks(placeClicks(sheet));
    this.describe(sheet);
    const drawn = this.view.show(sheet, { keep: again && !fresh });
    if (!fresh) this.view.select(chosen ? sheet.sectionAt((chosen.start + chosen.end) / 2) : -1);
    this.editing.show(sheet);
    this.onPlayer();
    await drawn;
    this.onPlayer();
  }

  load(sheet) {
    const url = address(`songs/${sheet.id}/sound`);
    this.player.load({
      tape: sheet.frames ? new Tape(url, sheet.frames) : null,
      clicks: placeClicks(sheet),
      rate: sheet.rate,
      duration: sheet.frames ? sheet.frames / sheet.rate : sheet.duration,
    });
  }

  // Options of the figure that the server draws.
  get query() {
    return new URLSearchParams({ dark: isDark(), activations: this.activations });
  }

  async fetchSheet(song) {
    const response = await fetch(address(`songs/${song.id}/sheet?${this.query}`));
    if (!response.ok) {
      this.heading.warn(`${song.name} can no longer be opened (${response.status})`);
      return null;
    }
    return new Sheet(await response.json());
  }

  close() {
    this.player.unload();
    this.song = null;
    this.sheet = null;
    this.element.hidden = true;
    bus.say("opened", null);
  }

  describe(sheet) {
    this.heading.show(sheet);
    this.more.hidden = !sheet.hasActivations;
    this.transport.setSound(sheet.frames > 0);
    this.position.show(sheet);
    this.exports.show(sheet, this.session);
    this.renewal.show(sheet, this.song);
    this.table.show(sheet);
  }

  toggleActivations() {
    this.activations = !this.activations;
    this.more.setAttribute("aria-pressed", String(this.activations));
    this.open(this.song);
  }

  onPlayer() {
    if (!this.sheet) return;
    this.view.place();
    this.showPosition();
  }

  showPosition() {
    const { sheet, player } = this;
    if (!sheet) return;
    const { position } = player;
    const place = sheet.placeAt(position);
    const section = sheet.sectionAt(position);
    const label = section < 0 ? "" : sheet.sections[section].label;
    const where = [place && `bar ${place}`, label].filter(Boolean).join(" · ");
    this.transport.setPosition(writeTime(position, 1), writeTime(sheet.duration, 1), where);
    this.table.mark(section, this.view.selected);
    this.editing.panel.update();
    this.position.update(sheet, position);
  }
}
