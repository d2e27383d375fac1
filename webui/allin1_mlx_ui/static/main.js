// The song that is open. Desk holds it and gives it to each part of the page.

import { writeTime } from "../timeline.js";
import { makeActions } from "./actions.js";
import { address, bus, make } from "./bus.js";
import { Editing } from "./editing.js";
import { Exports } from "./exports.js";
import { Heading } from "./heading.js";
import { listenToKeys, makeHelp } from "./keys.js";
import { Moves } from "./moves.js";
import { Player } from "./player.js";
import { Position } from "./position.js";
import { Bar } from "./practice/bar.js";
import { Practice } from "./practice/practice.js";
import { Settings } from "./practice/settings.js";
import { Renewal } from "./renewal.js";
import { SectionTable } from "./sections.js";
import { SectionTools } from "./section_tools.js";
import { Sheet } from "./sheet.js";
import { Tape } from "./tape.js";
import { isDark, watchTheme } from "./theme.js";
import { room, watchRoom } from "./room.js";
import { View } from "./view.js";
import { ZoomTools } from "./zoom.js";

export function mount(element) {
  const desk = new Desk(element.querySelector(".player"));
  bus.catchUp("songs", (news) => desk.hearOfSongs(news));
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
    this.practice = new Practice(this.player);
    this.heading = new Heading((command) => this.editing.correct(command));
    this.position = new Position();
    this.view = new View(this.position.stage, this.player);
    this.moves = new Moves(this);
    this.editing = new Editing(this);
    this.tools = new SectionTools(this, (command) => this.editing.correct(command));
    this.help = makeHelp();
    this.renewal = new Renewal(() => this.song);
    this.more = this.makeMore();
    this.settings = new Settings(this);
    this.actions = makeActions(this);
    this.zoom = new ZoomTools(this.view, this.actions, this.makeExtras());
    this.bar = new Bar(this.practice, this.actions);
    this.arrange();
    this.listen();
    this.tick();
  }

  // The button that shows or hides how sure the network was.
  makeMore() {
    const title = "Show how sure the network was of beats and sections";
    const onclick = () => this.toggleActivations();
    const look = { class: "quiet", "aria-pressed": "false", title };
    return make("button", { type: "button", ...look, onclick }, "Confidence");
  }

  makeExtras() {
    const onclick = () => this.help.showModal();
    const help = make(
      "button",
      { type: "button", class: "quiet help-button", onclick },
      make("span", { class: "fine" }, "Keys (?)"),
      make("span", { class: "coarse" }, "Help"),
    );
    return [this.more, this.renewal.button, help];
  }

  // Put the parts on the page.
  arrange() {
    const part = (name, ...children) => make("div", { class: name }, ...children);
    const { corrections, panel } = this.editing;
    const table = part("sections");
    const downloads = part("downloads");
    this.table = new SectionTable(table, {
      choose: (index) => this.moves.goToSection(index),
      correct: (index) => this.tools.openAt(index),
      reset: ([start, end]) => this.editing.correct({ do: "reset", what: "sections", start, end }),
    });
    this.exports = new Exports(downloads, () => this.player.pause());
    this.element.append(
      part("head", this.heading.element, corrections.bar),
      corrections.edited,
      corrections.news,
      corrections.trouble,
      part("stage", this.position.element, this.tools.buttons, this.tools.card),
      this.zoom.element,
      panel.element,
      part("practice", this.settings.element, this.bar.element),
      part("foot", table, downloads),
      this.help,
      this.renewal.dialog,
    );
    this.element.hidden = true;
    new ResizeObserver(() => this.makeRoom()).observe(this.bar.element);
  }

  // The practice bar covers the end of the window: the page's last lines must not lie under it.
  makeRoom() {
    const height = this.bar.element.offsetHeight;
    document.documentElement.style.setProperty("--bar-height", `${height}px`);
  }

  listen() {
    listenToKeys(this.actions);
    this.position.listen(this.actions);
    this.player.addEventListener("change", () => this.onPlayer());
    this.player.addEventListener("fault", (event) => this.heading.warn(event.detail));
    this.editing.watchLeaving(this.element);
    const draw = () => {
      if (this.song) this.open(this.song);
    };
    watchTheme(draw);
    watchRoom(draw);
    // The browser may show the page again after the server closed its session.
    window.addEventListener("pageshow", (event) => {
      if (event.persisted) location.reload();
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

  hearOfSongs({ songs, session, kept }) {
    this.session = session;
    this.kept = kept;
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
    else this.player.setClicks(this.practice.clicksFor(sheet));
    this.describe(sheet);
    const drawn = this.view.show(sheet, { keep: again && !fresh });
    if (!fresh) this.view.select(chosen ? sheet.sectionAt((chosen.start + chosen.end) / 2) : -1);
    this.editing.show(sheet);
    this.tools.show(sheet);
    this.onPlayer();
    try {
      await drawn;
    } catch (error) {
      this.heading.warn(error.message);
    }
    this.onPlayer();
  }

  // Play the clicks as if all beats lay some milliseconds later.
  hearNudged(ms) {
    this.player.setClicks(this.practice.clicksFor(this.sheet, ms));
  }

  load(sheet) {
    const url = address(`songs/${sheet.id}/sound`);
    this.player.load({
      tape: sheet.frames ? new Tape(url, sheet.frames) : null,
      ...this.practice.clicksFor(sheet),
      rate: sheet.rate,
      duration: sheet.frames ? sheet.frames / sheet.rate : sheet.duration,
    });
  }

  // Options of the figure that the server draws.
  get query() {
    return new URLSearchParams({ dark: isDark(), activations: this.activations, room: room() });
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
    this.heading.close();
    bus.say("opened", null);
  }

  describe(sheet) {
    this.heading.show(sheet);
    this.more.hidden = !sheet.hasActivations;
    this.settings.show(sheet);
    this.zoom.show(sheet);
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
    this.zoom.update();
    this.showPosition();
  }

  // The section that a key means: of the row with the focus, the selected one, or at the playhead.
  get sectionMeant() {
    const { table, view, sheet, player } = this;
    if (table.focused >= 0) return table.focused;
    return view.selected >= 0 ? view.selected : sheet.sectionAt(player.position);
  }

  toggleSettings() {
    this.settings.toggle();
    this.bar.setOpen(this.settings.isOpen);
  }

  showPosition() {
    const { sheet, player } = this;
    if (!sheet) return;
    const { position } = player;
    const section = sheet.sectionAt(position);
    const where = player.counting ? "count-in" : sheet.locate(position);
    this.bar.setPosition(writeTime(position, 1), writeTime(sheet.duration, 1), where);
    this.table.mark(section, this.view.selected);
    this.editing.panel.update();
    this.position.update(sheet, position, player.playing);
  }
}
