// What can be taken along: the result, click tracks, and files for other programs.

import { address, make } from "./bus.js";

const BARS = ["none", "1 bar", "2 bars"];

export class Exports {
  // pause: stops the player, before the ready mix plays.
  constructor(element, pause) {
    this.element = element;
    this.pause = pause;
    this.bars = 0;
  }

  show(sheet, session) {
    this.sheet = sheet;
    const song = `songs/${sheet.id}`;
    const link = (path, text, hint) =>
      make("li", {}, make("a", { href: address(path), download: "" }, text), ` ${hint}`);
    const offers = sheet.exports.map(({ title, hint, files }) =>
      make("li", {}, make("span", { class: "title" }, title), ` ${hint} `, this.files(title, files)),
    );
    this.clicks = make("ul", {});
    this.element.replaceChildren(
      make("h3", {}, "Take it along"),
      make(
        "ul",
        {},
        link(`${song}/result`, "Result (JSON)", "to keep, share, open again"),
        link(`sessions/${session}/results`, "All results (ZIP)", "of all songs here"),
      ),
      make("h4", {}, "To practise"),
      this.countIn(),
      this.clicks,
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
    this.address();
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
        this.address();
      });
      return make("label", {}, input, text);
    });
    return make("fieldset", {}, make("legend", {}, "Count-in"), ...choices);
  }

  // Where the click tracks are, with as many bars of count-in as are chosen.
  address() {
    const query = this.bars ? `?count_in=${this.bars}` : "";
    const song = `songs/${this.sheet.id}`;
    const link = (path, text, hint) =>
      make("li", {}, make("a", { href: address(path), download: "" }, text), ` ${hint}`);
    const links = [link(`${song}/click${query}`, "Click track (WAV)", "the clicks alone")];
    if (this.sheet.frames) {
      links.push(link(`${song}/mix${query}`, "Song with click (WAV)", "to practise with"));
      this.audio.src = address(`${song}/mix${query}`);
    }
    this.clicks.replaceChildren(...links);
  }
}
