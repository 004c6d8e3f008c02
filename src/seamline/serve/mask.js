/** The result of a segmentation model: the photo under its classes, which can be switched, highlighted and uncovered. */

import { model } from "./api.js";
import { isTransparent, paintClasses, paintPhoto, readClasses, readPixels } from "./colors.js";
import { DISPLAY_SIDE, download, element, fit, makeCanvas, percent, stemOf } from "./elements.js";
import { makeLegend } from "./legend.js";
import { Probe } from "./probe.js";

const MAX_CANVAS = 16e6; // pixels of a canvas that every browser supports

/** Show the classes of a photo on its card; returns the view. */
export async function showMask(card, prediction, bitmap) {
  const [file, confidence] = [prediction.mask, prediction.confidence].map(toPng);
  const view = new MaskView(card, prediction, bitmap, await createImageBitmap(file), await createImageBitmap(confidence));
  card.querySelector(".side").replaceChildren(...makeLegend(prediction, view), makeOpacity(view), makeDownloads(card, file, view));
  return view;
}

function toPng(text) {
  return new Blob([Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))], { type: "image/png" });
}

/** The photo of a card with the colors of its classes over it. */
export class MaskView {
  #highlights = { pinned: null, hovered: null };

  constructor(card, prediction, bitmap, mask, confidence) {
    Object.assign(this, { prediction, bitmap, mask });
    this.stage = card.querySelector(".stage");
    this.photo = this.stage.querySelector(".photo");
    this.colors = element("canvas", "colors");
    this.colors.setAttribute("aria-hidden", true);
    [this.width, this.height] = fit(prediction.width, prediction.height, DISPLAY_SIDE);
    for (const canvas of [this.photo, this.colors]) Object.assign(canvas, { width: this.width, height: this.height });
    this.classes = readClasses(mask, this.width, this.height); // of each pixel that is displayed
    this.probabilities = readPixels(confidence, this.width, this.height).filter((_, i) => i % 4 === 0); // 0 to 255
    this.shown = new Set([...model.classes.keys()].filter((index) => !isTransparent(index)));
    this.opacity = 0.5;
    const names = model.classes.map((name) => `${name} ${percent(prediction.class_fractions[name])}`);
    this.photo.setAttribute("aria-label", `The photo with the classes' colors over it: ${names.join(", ")}`);
    paintPhoto(this.photo, bitmap);
    this.stage.after(element("figcaption", "small muted", "Point at the photo for the class and its probability; move the line to compare."));
    this.stage.append(this.colors, new Probe(this).area, makeDivider(this.stage));
    this.draw();
  }

  get highlighted() { return this.#highlights.hovered ?? this.#highlights.pinned; }
  get pinned() { return this.#highlights.pinned; }

  draw() {
    this.colors.style.opacity = this.opacity;
    paintClasses(this.colors, this.classes, this.shown, this.highlighted);
  }

  /** Replace the classes of the displayed pixels, a Uint8Array of class indices; their probabilities are unknown then. */
  setClasses(classes) {
    Object.assign(this, { classes, probabilities: null });
    this.draw();
  }

  setShown(index, shown) {
    this.shown[shown ? "add" : "delete"](index);
    this.draw();
  }

  setOpacity(opacity) {
    this.opacity = opacity;
    this.colors.style.opacity = opacity;
  }

  /** Highlight a class while the pointer is on its name; null ends it. */
  hover(index) {
    this.#highlights.hovered = index;
    this.draw();
  }

  /** Highlight a class until it is pinned again. */
  pin(index) {
    this.#highlights.pinned = this.pinned === index ? null : index;
    this.draw();
  }

  /** Return the photo with the classes as they are shown, as large as the photo where browsers support it. */
  render() {
    const { width, height } = this.prediction;
    const scale = Math.min(1, Math.sqrt(MAX_CANVAS / (width * height)));
    const size = [Math.round(width * scale), Math.round(height * scale)];
    const [canvas, layer] = [makeCanvas(...size), makeCanvas(...size)];
    paintPhoto(canvas, this.bitmap);
    paintClasses(layer, readClasses(this.mask, ...size), this.shown, this.pinned, this.opacity);
    canvas.getContext("2d").drawImage(layer, 0, 0);
    return canvas;
  }
}

/** Return the line between the photo, on its left, and the photo with colors. */
function makeDivider(stage) {
  const range = Object.assign(element("input", "divider"), { type: "range", min: 0, max: 100, step: "any", value: 0 });
  range.setAttribute("aria-label", "Photo without colors, from the left");
  const update = () => {
    stage.style.setProperty("--at", range.value / 100);
    range.setAttribute("aria-valuetext", `${Math.round(range.value)} percent of the width`);
  };
  range.addEventListener("input", update);
  range.addEventListener("keydown", (event) => { // the step `any` of a pointer is one percent of a key
    const move = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10 }[event.key];
    if (!move) return;
    event.preventDefault();
    range.value = Number(range.value) + move;
    update();
  });
  update();
  return range;
}

function makeOpacity(view) {
  const label = element("label", "slider");
  const [input, output] = [element("input"), element("output", "", "50 %")];
  Object.assign(input, { type: "range", min: 0, max: 100, value: 50 });
  input.addEventListener("input", () => {
    view.setOpacity(input.value / 100);
    output.textContent = `${input.value} %`;
  });
  label.append(element("span", "", "Opacity of the colors"), input, output); // a label names the first of its controls
  return label;
}

function makeDownloads(card, file, view) {
  const stem = stemOf(card.photo);
  const row = element("div", "buttons actions");
  const buttons = { "Save mask": () => download(file, `${stem}.mask.png`), "Save overlay": () => view.render().toBlob((blob) => download(blob, `${stem}.overlay.png`), "image/png") };
  for (const [name, act] of Object.entries(buttons)) {
    const button = Object.assign(element("button", "", name), { type: "button" });
    button.addEventListener("click", act);
    row.append(button);
  }
  return row;
}
