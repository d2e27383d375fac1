// The drop zone: files from anywhere on the page, or chosen; sent one after the other.

import { bus, make } from "./bus.js";
import { send } from "./sending.js";

export function mount(element, { trigger }) {
  const input = make("input", { type: "file", multiple: true, class: "visually-hidden" });
  const news = make("span", { class: "news", role: "status" });
  const label = make(
    "label",
    {},
    input,
    make("span", { class: "first" }, "Drop songs here, or click to choose"),
    make("span", { class: "further" }, "Add songs"),
    news,
  );
  element.querySelector(".dropzone").append(label);

  bus.hear("again", ({ title }) => {
    news.textContent = `${title} is in the list already.`;
  });

  // Files that were dropped together are sent together, such as a result and its song.
  const take = async (files) => {
    // The page makes room for the song at once, not when the song arrives.
    if (files.length) document.body.classList.add("has-songs");
    const sent = [];
    const failed = [];
    for (const file of files) {
      news.textContent = `Sending ${file.name} …`;
      try {
        sent.push({ id: await send(file), name: file.name });
      } catch (error) {
        failed.push(`${file.name} could not be sent: ${error.message}`);
      }
    }
    news.textContent = failed.join(" ");
    if (sent.length) trigger("take", { files: sent });
    else if (!document.querySelector(".songs li")) document.body.classList.remove("has-songs");
  };

  input.addEventListener("change", () => {
    take([...input.files]);
    input.value = "";
  });
  const over = (event) => {
    event.preventDefault(); // or the browser would open the file in place of the page
    label.classList.toggle("over", event.type === "dragover");
  };
  for (const type of ["dragover", "dragleave", "drop"]) document.addEventListener(type, over);
  document.addEventListener("drop", (event) => take([...event.dataTransfer.files]));
}
