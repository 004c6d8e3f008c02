// All masks have the same palette, which is a text of its own in their data URIs: replace it by the other one.
const paletteTexts = data("palettes");
const maskSource = (uri) => document.documentElement.dataset.palette === "safe" ? uri.replace(paletteTexts.own, paletteTexts.safe) : uri;

function palettes() {
  const texts = paletteTexts, buttons = $$("button.palette");
  for (const button of buttons) {
    button.addEventListener("click", () => {
      const safe = button.getAttribute("aria-pressed") !== "true";
      for (const other of buttons) other.setAttribute("aria-pressed", safe);
      document.documentElement.dataset.palette = safe ? "safe" : "";
      const [from, to] = safe ? [texts.own, texts.safe] : [texts.safe, texts.own];
      for (const mask of $$("img.mask")) mask.src = mask.src.replace(from, to);
    });
  }
}

function comparisons() {
  for (const compare of $$(".compare.next")) {  // the prediction is beside it; a copy lies over the photo
    const prediction = compare.nextElementSibling.firstElementChild.cloneNode();
    prediction.alt = "";
    compare.firstElementChild.after(make("div", { class: "over" }, prediction));
  }
  for (const range of $$(".compare input")) {
    const show = () => {
      range.parentElement.style.setProperty("--at", range.value / 100);
      range.setAttribute("aria-valuetext", `${range.value} percent photo`);
    };
    range.addEventListener("input", show);
    show();
  }
}

for (const start of [palettes, comparisons]) start();
