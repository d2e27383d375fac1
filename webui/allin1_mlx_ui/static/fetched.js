// A link to a file that takes a while to make. It shows that it works, and saves the file.

import { address, make } from "./bus.js";

export class Fetched {
  // path: a function, as the address depends on what is chosen on the page.
  constructor(text, label, path) {
    this.text = text;
    this.path = path;
    this.element = make("a", { download: "", "aria-label": label }, text);
    this.element.addEventListener("click", (event) => {
      event.preventDefault();
      if (!this.busy) this.fetch();
    });
  }

  setAddress() {
    this.element.href = address(this.path());
  }

  async fetch() {
    this.show("preparing …", true);
    try {
      const answer = await fetch(this.element.href);
      if (!answer.ok) throw new Error((await answer.json()).detail);
      save(await answer.blob(), nameOf(answer));
      this.show(this.text, false);
    } catch (error) {
      this.show(`failed: ${error.message}`, false);
    }
  }

  show(text, busy) {
    this.busy = busy;
    this.element.textContent = text;
    this.element.setAttribute("aria-busy", String(busy));
  }
}

function nameOf(answer) {
  const disposition = answer.headers.get("content-disposition") || "";
  const [, encoded] = disposition.match(/filename\*=(?:utf-8|UTF-8)''([^;]+)/) || [];
  const [, plain] = disposition.match(/filename="([^"]+)"/) || [];
  return encoded ? decodeURIComponent(encoded) : plain || "download";
}

function save(blob, name) {
  const href = URL.createObjectURL(blob);
  make("a", { href, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(href), 60_000);
}
