// Downloads: the result, click tracks, and files for other programs.

import { address, make } from "./bus.js";
import { Fetched } from "./fetched.js";
import { isDark } from "./theme.js";

const BARS = ["none", "1 bar", "2 bars"];
const SOUNDS = ["mp3", "flac", "wav"];
const PICTURES = ["png", "svg"];

export class Exports {
  // pause: stops the player, before the ready mix plays.
  constructor(element, pause) {
    this.element = element;
    this.pause = pause;
    this.bars = 0;
  }

  // A correction changes the files, but not their addresses.
  show(sheet, session) {
    const shown = [sheet.id, session, sheet.frames].join();
    this.sheet = sheet;
    if (shown !== this.shown) this.build(sheet, session);
    this.shown = shown;
    this.setAddresses();
  }

  build(sheet, session) {
    const song = `songs/${sheet.id}`;
    const link = (path, text, hint) =>
      make("li", {}, make("a", { href: address(path), download: "" }, text), ` ${hint}`);
    this.fetched = [];
    const isShown = ({ files }) => files.some((file) => file.shown);
    const offer = ({ title, hint, files }) => this.line(title, hint, this.files(title, files));
    const clicks = [this.line("Click track", "the clicks alone", this.soundFiles("click"))];
    if (sheet.frames) {
      clicks.push(this.line("Song with click", "to practise with", this.soundFiles("mix")));
    }
    this.element.replaceChildren(
      make("h3", {}, "Export"),
      make(
        "ul",
        {},
        link(`${song}/result`, "Result (JSON)", "to keep, share, open again"),
        link(`sessions/${session}/results`, "All results (ZIP)", "of all songs here"),
      ),
      make("h4", {}, "To share"),
      make("ul", {}, this.pageLine(), this.pictureLine(), ...sheet.exports.filter(isShown).map(offer)),
      make("h4", {}, "To practise"),
      this.countIn(),
      make("ul", {}, ...clicks),
    );
    if (sheet.frames) {
      this.audio = make("audio", { controls: true, preload: "none" });
      this.audio.setAttribute("aria-label", "Song with click");
      this.audio.addEventListener("play", () => this.pause());
      this.element.append(this.audio);
    }
    this.element.append(
      make("h4", {}, "For other programs"),
      make("ul", { class: "offers" }, ...sheet.exports.filter((o) => !isShown(o)).map(offer)),
    );
  }

  line(title, hint, ...links) {
    return make("li", {}, make("span", { class: "title" }, title), ` ${hint} `, ...links);
  }

  // Files that take a while to make: each is fetched, and the link says so.
  fetchedFiles(title, links) {
    const made = links.map(([text, path]) => new Fetched(text, `${title}: ${text}`, path));
    this.fetched.push(...made);
    return make("span", { class: "files" }, ...made.map(({ element }) => element));
  }

  pageLine() {
    const { frames, id } = this.sheet;
    const hint = frames ? "one file with timeline, sound and click" : "one file with the timeline";
    const links = [["HTML", () => `songs/${id}/page?dark=${isDark()}`]];
    return this.line("Page for any browser", hint, this.fetchedFiles("Page", links));
  }

  pictureLine() {
    const path = (kind) => () => `songs/${this.sheet.id}/picture?kind=${kind}`;
    const links = PICTURES.map((kind) => [kind.toUpperCase(), path(kind)]);
    return this.line("Picture", "sections, bars and tempo", this.fetchedFiles("Picture", links));
  }

  soundFiles(content) {
    const title = content === "click" ? "Click track" : "Song with click";
    const path = (kind) => () =>
      `songs/${this.sheet.id}/${content}?kind=${kind}&count_in=${this.bars}`;
    const links = SOUNDS.map((kind) => [kind.toUpperCase(), path(kind)]);
    return this.fetchedFiles(title, links);
  }

  files(title, files) {
    const links = files.map(({ name, words, simplify, shown }) => {
      const href = address(`songs/${this.sheet.id}/exports/${name}${simplify ? "?simplify=true" : ""}`);
      const link = make("a", { href, ...(shown ? { target: "_blank" } : { download: "" }) }, words);
      link.setAttribute("aria-label", `${title}: ${words}`);
      return link;
    });
    return make("span", { class: "files" }, ...links);
  }

  countIn() {
    const choices = BARS.map((text, bars) => {
      const input = make("input", { type: "radio", name: "count-in", value: bars });
      input.checked = bars === this.bars;
      input.addEventListener("change", () => {
        this.bars = bars;
        this.setAddresses();
      });
      return make("label", {}, input, text);
    });
    const title = make("span", {}, "Count-in");
    return make("fieldset", { "aria-label": "Count-in" }, title, ...choices);
  }

  // The addresses of sounds name the bars of count-in.
  setAddresses() {
    for (const link of this.fetched) link.setAddress();
    if (!this.sheet.frames) return;
    const song = `songs/${this.sheet.id}`;
    const { revision } = this.sheet; // or the browser would play what it has loaded
    this.audio.src = address(`${song}/mix?count_in=${this.bars}&revision=${revision}`);
  }
}
