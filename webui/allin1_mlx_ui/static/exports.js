// Downloads: the result, click tracks, and files for other programs.

import { address, make } from "./bus.js";

const BARS = ["none", "1 bar", "2 bars"];

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
    const offers = sheet.exports.map(({ title, hint, files }) =>
      make("li", {}, make("span", { class: "title" }, title), ` ${hint} `, this.files(title, files)),
    );
    const file = (text) => make("a", { download: "" }, text);
    this.click = file("Click track (WAV)");
    this.mix = file("Song with click (WAV)");
    const clicks = [make("li", {}, this.click, " the clicks alone")];
    if (sheet.frames) clicks.push(make("li", {}, this.mix, " to practise with"));
    this.element.replaceChildren(
      make("h3", {}, "Export"),
      make(
        "ul",
        {},
        link(`${song}/result`, "Result (JSON)", "to keep, share, open again"),
        link(`sessions/${session}/results`, "All results (ZIP)", "of all songs here"),
      ),
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
      make("ul", { class: "offers" }, ...offers),
    );
  }

  files(title, files) {
    const links = files.map(({ name, words, simplify }) => {
      const href = address(`songs/${this.sheet.id}/exports/${name}${simplify ? "?simplify=true" : ""}`);
      const link = make("a", { href, download: "" }, words);
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
    return make("fieldset", {}, make("legend", {}, "Count-in"), ...choices);
  }

  // Where the click tracks are, with as many bars of count-in as are chosen.
  setAddresses() {
    const query = this.bars ? `?count_in=${this.bars}` : "";
    const song = `songs/${this.sheet.id}`;
    this.click.href = address(`${song}/click${query}`);
    if (!this.sheet.frames) return;
    this.mix.href = address(`${song}/mix${query}`);
    const { revision } = this.sheet; // or the browser would play what it has loaded
    this.audio.src = address(`${song}/mix?count_in=${this.bars}&revision=${revision}`);
  }
}
