// Whether the page is light or dark.

export function isDark() {
  return document.body.classList.contains("dark");
}

// Call `changed` when the page turns from light to dark or back.
export function watchTheme(changed) {
  let dark = isDark();
  new MutationObserver(() => {
    if (dark === isDark()) return;
    dark = isDark();
    changed();
  }).observe(document.body, { attributes: true, attributeFilter: ["class"] });
}
