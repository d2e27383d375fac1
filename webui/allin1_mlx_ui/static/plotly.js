// Plotly, fetched when the first song is about to be drawn: the page itself is usable without it.

import { address } from "./bus.js";

let loading = null;

export function loadPlotly() {
  loading = loading || load();
  return loading;
}

function load() {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = address("plotly.js");
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => {
      loading = null; // the next song tries again
      reject(new Error("the drawing program did not load; is the server still running?"));
    };
    document.head.append(script);
  });
}
