/** The result of a segmentation model: the photo under its classes, which can be switched, highlighted and uncovered. */

import { isTransparent, paintClasses, paintPhoto } from "./colors.js";
import { displaySize, element, makeCanvas, percent } from "./elements.js";
import { makeLegend } from "./legend.js";
import { model } from "./model.js";
import { Probe } from "./probe.js";

const MAX_CANVAS = 16e6; // pixels of a canvas that every browser supports

/** The photo of a card with the colors of its classes over it. */
export class MaskView {
  #highlights = { pinned: null, hovered: null };

  /** `sampleClasses` returns the class index of each pixel at a width and height, `sampleProbabilities` 0 to 255. */
  constructor(card, prediction, bitmap, sampleClasses, sampleProbabilities) {
    Object.assign(this, { prediction, bitmap, sampleClasses });
    this.stage = card.querySelector(".stage");
    this.photo = this.stage.querySelector(".photo");
    this.colors = element("canvas", "colors");
    this.colors.setAttribute("aria-hidden", true);
    [this.width, this.height] = displaySize(prediction.width, prediction.height);
    for (const canvas of [this.photo, this.colors]) Object.assign(canvas, { width: this.width, height: this.height });
    this.classes = sampleClasses(this.width, this.height); // of each pixel that is displayed
    this.probabilities = sampleProbabilities(this.width, this.height);
    this.shown = new Set([...model.classes.keys()].filter((index) => !isTransparent(index)));
    this.opacity = 0.5;
    const names = model.classes.map((name) => `${name} ${percent(prediction.class_fractions[name])}`);
    this.photo.setAttribute("aria-label", `The photo with the classes' colors over it: ${names.join(", ")}`);
    paintPhoto(this.photo, bitmap);
    this.stage.replaceChildren(this.photo, this.colors, new Probe(this).area, makeDivider(this.stage));
    this.stage.parentElement.replaceChildren(this.stage, element("figcaption", "small muted", "Point at the photo for the class and its probability; move the line to compare."));
    this.draw();
  }

  /** Return what stands beside the photo: its classes and their opacity. */
  get controls() { return [...makeLegend(this.prediction, this), makeOpacity(this)]; }

  get highlighted() { return this.#highlights.hovered ?? this.#highlights.pinned; }
  get pinned() { return this.#highlights.pinned; }

  draw() {
    this.colors.style.opacity = this.opacity;
    paintClasses(this.colors, this.classes, this.shown, this.highlighted);
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
    paintClasses(layer, this.sampleClasses(...size), this.shown, this.pinned, this.opacity);
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
