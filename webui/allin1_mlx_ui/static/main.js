// One song on the page: its timeline, player, sections, corrections and exports, brought together.

import { writeTime } from "../timeline.js";
import { address, bus, make } from "./bus.js";
import { Corrections } from "./corrections.js";
import { Exports } from "./exports.js";
import { listenToKeys, makeHelp } from "./keys.js";
import { Panel } from "./panel.js";
import { Player } from "./player.js";
import { Renewal } from "./renewal.js";
import { SectionTable } from "./sections.js";
import { Sheet } from "./sheet.js";
import { Tape } from "./tape.js";
import { Transport } from "./transport.js";
import { View } from "./view.js";

const STEADY = 0.8; // share of beat intervals that agree with the tempo

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
  window.allin1 = desk; // for the curious, and for tests
}

class Desk {
  constructor(element) {
    this.element = element;
    this.song = null;
    this.sheet = null;
    this.activations = false;
    this.unsaved = new Set(); // songs with corrections that were not downloaded yet
    this.player = new Player(() => new AudioContext({ sampleRate: 44100 }));
    this.actions = this.makeActions();
    this.build();
    listenToKeys(this.actions);
    this.view.addEventListener("seek", (event) => this.seek(event.detail));
    this.view.addEventListener("correct", (event) => this.correct(event.detail));
    this.view.addEventListener("loop", (event) => this.loopRange(event.detail));
    this.view.addEventListener("choose", (event) => this.goToSection(event.detail));
    this.view.addEventListener("loopsection", (event) => this.loopSection(event.detail));
    this.player.addEventListener("change", () => this.onPlayer());
    this.player.addEventListener("fault", (event) => this.warn(event.detail));
    this.watchGround();
    this.watchLeaving();
    const tick = () => {
      if (this.player.playing) {
        this.view.tick();
        this.showPosition();
      }
      requestAnimationFrame(tick);
    };
    tick();
  }

  build() {
    const part = (name, attributes = {}) => make("div", { class: name, ...attributes });
    this.title = make("h2", {});
    this.facts = make("p", { class: "facts" });
    this.notes = make("p", { class: "notes", role: "status" });
    this.stage = part("timeline");
    this.slider = make("div", {
      class: "position",
      role: "slider",
      tabindex: 0,
      "aria-label": "Position in the song",
      "aria-valuemin": 0,
    });
    const table = part("sections");
    const downloads = part("downloads");
    const correct = (command) => this.correct(command);
    this.corrections = new Corrections(correct, () => this.togglePanel());
    this.panel = new Panel(this, correct);
    this.exports = new Exports(downloads, () => this.player.pause());
    this.renewal = new Renewal(() => this.song);
    this.help = makeHelp();
    this.helpButton = make("button", { type: "button", class: "quiet" }, "Keys (?)");
    this.helpButton.addEventListener("click", () => this.help.showModal());
    this.more = make("button", { type: "button", class: "quiet", "aria-pressed": "false" });
    this.more.textContent = "Activations";
    this.more.title = "Show how sure the network was of beats and sections";
    this.more.addEventListener("click", () => this.toggleActivations());
    this.slider.append(this.stage);
    const extras = [this.more, this.renewal.button, this.helpButton];
    this.transport = new Transport(this.player, this.actions, extras);
    this.transport.setFollowing(true);
    this.element.append(
      make(
        "div",
        { class: "head" },
        make("div", { class: "about" }, this.title, this.facts, this.notes),
        this.corrections.bar,
      ),
      this.corrections.words,
      this.corrections.told,
      this.corrections.trouble,
      this.slider,
      make("p", { class: "tips fine", "aria-hidden": "true" }, FINE_TIPS),
      make("p", { class: "tips coarse", "aria-hidden": "true" }, COARSE_TIPS),
      this.transport.controls,
      this.panel.element,
      this.transport.levels,
      make("div", { class: "foot" }, table, downloads),
      this.help,
      this.renewal.dialog,
    );
    this.element.hidden = true;
    this.view = new View(this.stage, this.player);
    const reset = ([start, end]) => correct({ do: "reset", what: "sections", start, end });
    this.table = new SectionTable(table, (index) => this.goToSection(index), reset);
  }

  makeActions() {
    const { player } = this;
    const act = (action) => () => {
      if (!this.sheet) return false;
      action();
      return true;
    };
    const go = (times, direction) =>
      act(() => this.jump(this.sheet.step(times(), player.position, direction)));
    const beats = () => this.sheet.beats;
    const bars = () => this.sheet.downbeats;
    const sections = () => this.sheet.sections.map((section) => section.start);
    return {
      play: act(() => player.toggle()),
      beatBack: go(beats, -1),
      beatOn: go(beats, 1),
      barBack: go(bars, -1),
      barOn: go(bars, 1),
      sectionBack: go(sections, -1),
      sectionOn: go(sections, 1),
      start: act(() => this.jump(0)),
      loop: act(() => this.toggleLoop()),
      click: act(() => player.setLevel("click", { on: !player.levels.click.on })),
      follow: act(() => this.toggleFollow()),
      zoomIn: act(() => this.view.zoom(0.5)),
      zoomOut: act(() => this.view.zoom(2)),
      zoomAll: act(() => this.view.reset()),
      correct: act(() => this.togglePanel()),
      tap: () => this.sheet !== null && !this.panel.element.hidden && (this.panel.tap(), true),
      help: act(() => this.help.showModal()),
    };
  }

  hearOfSongs({ songs, session }) {
    this.session = session;
    const mine = this.song && songs.find((song) => song.id === this.song.id);
    if (mine && mine.revision > this.song.revision) this.open(mine);
    for (const id of this.unsaved) {
      if (!songs.some((song) => song.id === id)) this.unsaved.delete(id);
    }
    if (!this.song) {
      const ready = songs.find((song) => song.ready);
      if (ready) this.open(ready);
    }
  }

  // A song that was just added; it does not take away what one is listening to.
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

  // Show a sheet; again: of the song that is shown already.
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
    this.table.show(sheet);
    const drawn = this.view.show(sheet, { keep: again && !fresh });
    if (!fresh) this.view.select(chosen ? sheet.sectionAt((chosen.start + chosen.end) / 2) : -1);
    this.panel.show(sheet);
    this.onPlayer();
    await drawn;
    this.onPlayer();
  }

  // Have the server carry out a command, after those before it, and show what it made of the song.
  correct(command) {
    const { song } = this;
    this.correcting = (this.correcting || Promise.resolve()).then(() => this.carryOut(song, command));
    return this.correcting;
  }

  async carryOut(song, command) {
    let answer;
    try {
      const response = await fetch(address(`songs/${song.id}/edits?${this.query}`), {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(command),
      });
      answer = await response.json();
    } catch {
      answer = { detail: "the program does not answer; is it still running?" };
    }
    if (this.song === null || this.song.id !== song.id) return;
    if (!answer.sheet) {
      this.corrections.complain(String(answer.detail));
      this.view.shiftEdge(null);
      return;
    }
    bus.say("corrected", answer.song);
    this.unsaved.add(song.id);
    this.song = answer.song;
    await this.show(new Sheet(answer.sheet), true);
  }

  togglePanel() {
    const open = this.panel.element.hidden;
    this.panel.element.hidden = !open;
    this.corrections.setOpen(open);
    this.view.marks.setEditing(open);
    this.panel.update();
    if (open) this.showPanel();
  }

  // As much of the panel as there is room for while the figure and what is above it stay.
  showPanel() {
    const hidden = this.panel.element.getBoundingClientRect().bottom - window.innerHeight;
    const room = this.corrections.bar.getBoundingClientRect().top - 8;
    const way = Math.min(hidden + 8, room);
    if (way > 0) window.scrollBy({ top: way });
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

  // What the server is to draw.
  get query() {
    return new URLSearchParams({ dark: this.isDark(), activations: this.activations });
  }

  async fetchSheet(song) {
    const response = await fetch(address(`songs/${song.id}/sheet?${this.query}`));
    if (!response.ok) {
      this.warn(`${song.name} can no longer be opened (${response.status})`);
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
    this.title.textContent = sheet.name;
    const facts = [];
    if (sheet.tempo && sheet.tempo.bpm !== null) {
      const steady = sheet.tempo.confidence >= STEADY ? "steady" : "tempo varies";
      facts.push(`${sheet.tempo.bpm.toFixed(2)} BPM, ${steady}`);
    } else {
      facts.push(sheet.bpm === null ? "no beat found" : `${sheet.bpm} BPM`);
    }
    const { bpm } = sheet.corrections;
    const now = sheet.tempo ? sheet.tempo.bpm : sheet.bpm;
    if (bpm !== null && Math.abs(bpm - now) > 0.05) facts.push(`detected ${bpm.toFixed(2)}`);
    if (sheet.meter) facts.push(`${sheet.meter} beats a bar`);
    facts.push(writeTime(sheet.duration, 0));
    if (sheet.model) facts.push(`Network: ${sheet.network}`);
    this.facts.textContent = facts.join(" · ");
    this.facts.title = tellFacts(sheet);
    this.warn(sheet.warnings.join(" "));
    this.more.hidden = !sheet.hasActivations;
    this.transport.setSound(sheet.frames > 0);
    this.slider.setAttribute("aria-valuemax", sheet.duration.toFixed(1));
    this.corrections.show(sheet);
    this.exports.show(sheet, this.session);
    this.renewal.show(sheet, this.song);
  }

  warn(text) {
    this.notes.textContent = text;
    this.notes.hidden = !text;
  }

  // The section that corrections mean: the selected one, or the one at the playhead.
  sectionHere() {
    const { selected } = this.view;
    return selected >= 0 ? selected : this.sheet.sectionAt(this.player.position);
  }

  seek(time) {
    if (this.sheet.sectionAt(time) !== this.view.selected) this.view.select(-1);
    this.player.seek(time);
  }

  jump(time) {
    this.seek(time);
    this.view.reveal(time);
  }

  goToSection(index) {
    this.view.select(index);
    this.jump(this.sheet.sections[index].start);
  }

  // Loop a section; if it is looped already, stop looping.
  loopSection(index) {
    const { start, end } = this.sheet.sections[index];
    const { loop } = this.player;
    const same = loop && loop[0] === start && loop[1] === end;
    this.view.select(index);
    this.loopRange(same ? null : [start, end]);
  }

  // Stop looping; if nothing loops, loop the section that one is in.
  toggleLoop() {
    const index = this.sheet.sectionAt(this.player.position);
    if (this.player.loop) this.loopRange(null);
    else if (index >= 0) this.loopSection(index);
  }

  loopRange(range) {
    this.player.setLoop(range);
    this.view.place();
  }

  toggleFollow() {
    this.view.following = !this.view.following;
    this.view.astray = false;
    this.transport.setFollowing(this.view.following);
    if (this.view.following) this.view.reveal(this.player.position);
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
    if (!sheet || !this.table) return;
    const { position } = player;
    const place = sheet.placeAt(position);
    const section = sheet.sectionAt(position);
    const label = section < 0 ? "" : sheet.sections[section].label;
    const where = [place && `bar ${place}`, label].filter(Boolean).join(" · ");
    this.transport.setPosition(writeTime(position, 1), writeTime(sheet.duration, 1), where);
    this.table.mark(section, this.view.selected);
    this.panel.update();
    const second = position.toFixed(0);
    if (second === this.spoken) return;
    this.spoken = second;
    this.slider.setAttribute("aria-valuenow", position.toFixed(1));
    this.slider.setAttribute("aria-valuetext", sheet.speak(position));
  }

  isDark() {
    return document.body.classList.contains("dark");
  }

  // Corrections live as long as the page: ask before it goes with some that were not downloaded.
  watchLeaving() {
    this.element.addEventListener("click", (event) => {
      const link = event.target.closest("a[download]");
      if (!link || !this.song) return;
      if (link.pathname.endsWith(`${this.song.id}/result`)) this.unsaved.delete(this.song.id);
      if (link.pathname.endsWith("/results")) this.unsaved.clear();
    });
    window.addEventListener("beforeunload", (event) => {
      if (this.unsaved.size) event.preventDefault();
    });
  }

  // Draw anew when the page changes from light to dark or back.
  watchGround() {
    let dark = this.isDark();
    new MutationObserver(() => {
      if (dark === this.isDark()) return;
      dark = this.isDark();
      if (this.song) this.open(this.song);
    }).observe(document.body, { attributes: true, attributeFilter: ["class"] });
  }
}

// The facts at more length.
function tellFacts({ tempo, notice }) {
  if (!tempo || tempo.bpm === null) return notice;
  const sure = Math.round(100 * tempo.confidence);
  return `${sure} % of the steps from beat to beat agree with this tempo. ${notice}`.trim();
}

function placeClicks(sheet) {
  const sounds = sheet.clicks.map((text) => {
    const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    return Float32Array.from(new Int16Array(bytes.buffer), (value) => value / 32768);
  });
  return sheet.beats.map((time, index) => ({
    frame: Math.round(time * sheet.rate),
    sound: sounds[sheet.positions[index] === 1 ? 1 : 0],
  }));
}
