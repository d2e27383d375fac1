// The drop zone: files and folders from anywhere on the page, or chosen; sent one after the other.

import { bus, make } from "./bus.js";
import { listChosen, listDropped } from "./folders.js";
import { send } from "./sending.js";

export function mount(element, { props, trigger, watch }) {
  const intake = new Intake(element.querySelector(".dropzone"), trigger);
  watch("value", () => {
    intake.answered();
    bus.say("added", props.value);
  });
  bus.hear("again", ({ title }) => intake.remark(`${title} is in the list already.`));
  bus.hear("cancel all", () => intake.cancel());
}

const LONGEST_WAIT = 3000; // milliseconds for the server's answer, which does not come on errors

class Intake {
  constructor(element, trigger) {
    this.trigger = trigger;
    this.waiting = []; // parts that are still to be sent, each a list of files that belong together
    this.running = false;
    this.remarks = []; // shown when all is sent
    this.arrived = []; // parts that the server has, for the list of songs to take
    this.answered = () => {}; // called when the list has taken what had arrived
    this.taking = null; // a promise, until nothing is left to take
    this.news = make("span", { class: "news", role: "status" });
    const files = chooser({ multiple: true }, (chosen) => this.add(chosen));
    const folder = chooser({ webkitdirectory: true }, (chosen) => this.addFolder(chosen));
    folder.setAttribute("aria-label", "Add a folder");
    const first = make(
      "span",
      { class: "first" },
      make("span", { class: "fine" }, "Drop songs or folders here, or click to choose"),
      make("span", { class: "coarse" }, "Choose songs"),
    );
    const further = make("span", { class: "further" }, "Add songs");
    this.label = make("label", { class: "zone" }, files, first, further, this.news);
    element.append(this.label, make("label", { class: "folder" }, folder, "Add a folder"));
    this.listen();
  }

  listen() {
    const over = (event) => {
      event.preventDefault(); // or the browser would open the file in place of the page
      this.label.classList.toggle("over", event.type === "dragover");
    };
    for (const type of ["dragover", "dragleave", "drop"]) document.addEventListener(type, over);
    document.addEventListener("drop", async (event) => {
      const { files, left } = await listDropped(event.dataTransfer);
      this.add(files, left);
    });
  }

  show(text) {
    this.news.textContent = text;
  }

  addFolder(chosen) {
    const { music, left } = listChosen(chosen);
    this.add(music, left);
  }

  remark(text) {
    if (this.running) this.remarks.push(text);
    else this.show(text);
  }

  // left: number of files in folders that are no music.
  add(files, left = 0) {
    this.remarks = left ? [`${left} other file${left === 1 ? " was" : "s were"} left out.`] : [];
    if (!files.length) this.remarks.push("There is no music in it.");
    const results = files.filter(isResult);
    const music = files.filter((file) => !isResult(file));
    // One result and one song belong together; of many, results go first and wait for their song.
    const isPair = results.length === 1 && music.length === 1;
    const parts = isPair ? [files] : [...results, ...music].map((file) => [file]);
    parts.forEach((part, index) => this.waiting.push({ part, shown: index === 0 }));
    // The page makes room for the song at once, not when the song arrives.
    if (files.length) document.body.classList.add("has-songs");
    if (!this.running) this.run();
  }

  async run() {
    this.running = true;
    let number = 0;
    let count = 0; // files that were sent
    while (this.waiting.length) {
      const { part, shown } = this.waiting.shift();
      number += 1;
      bus.say("sending", this.waiting.length + 1);
      const total = number + this.waiting.length;
      const place = total > 1 ? `${number} of ${total}: ` : "";
      const sent = [];
      for (const file of part) {
        this.show(`Sending ${place}${file.name} …`);
        await this.send(file, sent);
      }
      if (sent.length) {
        count += sent.length;
        this.arrived.push({ files: sent, shown });
        this.taking ??= this.takeAll();
      }
      if (!this.waiting.length) await this.taking; // more may be added meanwhile
    }
    this.running = false;
    bus.say("sending", 0);
    this.show(this.remarks.join(" "));
    const isEmpty = !count && !document.querySelector(".songs li");
    if (isEmpty) document.body.classList.remove("has-songs");
  }

  async send(file, sent) {
    try {
      sent.push({ id: await send(file), name: file.name });
    } catch (error) {
      this.remarks.push(`${file.name} could not be sent: ${error.message}`);
    }
  }

  // One request at a time, so that songs stay in the order of their files.
  async takeAll() {
    while (this.arrived.length) {
      await new Promise((resolve) => {
        this.answered = resolve;
        setTimeout(resolve, LONGEST_WAIT);
        this.trigger("take", { parts: this.arrived.splice(0) });
      });
    }
    this.taking = null;
  }

  cancel() {
    this.waiting = [];
  }
}

function isResult(file) {
  return file.name.toLowerCase().endsWith(".json");
}

function chooser(kind, take) {
  const input = make("input", { type: "file", class: "visually-hidden", ...kind });
  input.addEventListener("change", () => {
    take([...input.files]);
    input.value = "";
  });
  return input;
}
