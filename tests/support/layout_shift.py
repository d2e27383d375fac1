"""How much moves in the page, as the browser measures it."""

# From here on: how much moves in the page after it has made room for the chosen files.
WATCH_SHIFT = """() => {
  window.shift = 0;
  let roomy = Infinity;
  const frame = () => new Promise(requestAnimationFrame);
  new MutationObserver(async (changes, observer) => {
    if (!document.body.classList.contains("has-songs")) return;
    observer.disconnect();
    await frame();
    await frame();
    roomy = performance.now();
  }).observe(document.body, { attributes: true });
  new PerformanceObserver((list) => {
    for (const { startTime, value } of list.getEntries()) {
      if (startTime > roomy) window.shift += value;
    }
  }).observe({ type: "layout-shift" });
}"""
