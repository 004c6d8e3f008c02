"use strict";

// Every mask on the page holds the same palette, and in its text the palette is a piece of its own: put another in its place.
function colours() {
  const palettes = data("colours"), buttons = $$("button.colours");
  for (const button of buttons) {
    button.addEventListener("click", () => {
      const safe = button.getAttribute("aria-pressed") !== "true";
      for (const other of buttons) other.setAttribute("aria-pressed", safe);
      document.documentElement.dataset.colours = safe ? "safe" : "";
      const [from, to] = safe ? [palettes.own, palettes.safe] : [palettes.safe, palettes.own];
      for (const mask of $$("img.mask")) mask.src = mask.src.replace(from, to);
    });
  }
}

function comparing() {
  for (const compare of $$(".compare.next")) {  // the output stands beside it; a second one lies over the photo
    const output = compare.nextElementSibling.firstElementChild.cloneNode();
    output.alt = "";
    compare.firstElementChild.after(make("div", { class: "over" }, output));
  }
  for (const range of $$(".compare input")) {
    const show = () => {
      range.parentElement.style.setProperty("--at", range.value / 100);
      range.setAttribute("aria-valuetext", `${range.value} percent photo`);
    };
    range.addEventListener("input", show);
    show();
  }
  for (const button of $$("button.through")) {
    button.addEventListener("click", () => {
      const on = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", on);
      button.closest("section").classList.toggle("see-through", on);
    });
  }
}

for (const start of [colours, comparing]) start();
