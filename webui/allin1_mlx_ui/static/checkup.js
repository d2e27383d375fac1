// The check of this machine: the table of `allin1-mlx doctor`, made when asked for.

import { address, make } from "./bus.js";

export function makeCheckup() {
  const table = make("pre", { tabindex: "0", hidden: "", "aria-label": "Check of this machine" });
  const onclick = async () => {
    button.disabled = true;
    table.hidden = false;
    table.textContent = "Checking; this takes some seconds …";
    try {
      const response = await fetch(address("doctor"), { method: "POST" });
      table.textContent = response.ok ? await response.text() : "The check did not run.";
    } catch {
      table.textContent = "The program does not answer. Is it still running?";
    }
    button.disabled = false;
  };
  const button = make("button", { type: "button", onclick }, "Check this machine");
  const hint = "The table helps with a bug report. It names no song and no folder.";
  return [make("h3", {}, "If something does not work"), make("p", {}, hint), button, table];
}
