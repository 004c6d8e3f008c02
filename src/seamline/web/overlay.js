/** Masks on the page: the photo with the classes' colors over it, the legend with their fractions. */

import { element, makeCanvas, percent } from "./elements.js";
import { model } from "./model.js";

const DIMMED = 0.18; // opacity of the other classes beside a highlighted one, relative to the usual one

/** Whether a class is black, as backgrounds are: its color would only darken the photo. */
const isTransparent = (index) => model.palette[index].every((value) => value === 0);

/** Return a mask scaled to a size: the class of the pixel in the middle of each new one. */
export function scaleMask(mask, width, height, columns, rows) {
  const scaled = new Uint8Array(columns * rows);
  for (let y = 0, target = 0; y < rows; y++) {
    const row = Math.floor(((y + 0.5) * height) / rows) * width;
    for (let x = 0; x < columns; x++) scaled[target++] = mask[row + Math.floor(((x + 0.5) * width) / columns)];
  }
  return scaled;
}

/** Draw a photo with its classes' colors over it; black classes are transparent unless they are highlighted. */
export function drawOverlay(canvas, bitmap, classes, { opacity, pinned, hovered }) {
  const { width, height } = canvas;
  const highlighted = hovered ?? pinned;
  const table = new Uint32Array(256);
  const bytes = new Uint8ClampedArray(table.buffer);
  model.palette.forEach((color, index) => {
    const transparent = isTransparent(index) && index !== highlighted;
    const strength = highlighted === null || index === highlighted ? opacity : opacity * DIMMED;
    bytes.set([...color, transparent ? 0 : Math.round(255 * strength)], 4 * index);
  });
  const layer = new ImageData(width, height);
  const pixels = new Uint32Array(layer.data.buffer);
  for (let i = 0; i < pixels.length; i++) pixels[i] = table[classes[i]];
  const colors = makeCanvas(width, height);
  colors.getContext("2d").putImageData(layer, 0, 0);
  const context = canvas.getContext("2d");
  context.drawImage(bitmap, 0, 0, width, height);
  context.drawImage(colors, 0, 0);
}

/** Return the classes with their colors and fractions, the largest first; each is a button that highlights its class. */
export function makeLegend({ class_fractions: fractions, class_intervals: intervals }, view, draw) {
  const list = element("ul", "legend");
  list.setAttribute("aria-label", "Classes and their fractions of the photo");
  const order = [...model.classes.keys()].sort((one, other) => fractions[model.classes[other]] - fractions[model.classes[one]]);
  for (const index of order) {
    const item = element("li");
    item.append(makeLegendButton(index, fractions[model.classes[index]], intervals[model.classes[index]], view, draw));
    list.append(item);
  }
  if (!Object.keys(intervals).length) return [list];
  const level = +(100 * model.fraction_intervals.level).toPrecision(3);
  return [list, element("p", "muted small", `Below each fraction is its ${level} % interval for photos like the training images.`)];
}

function makeLegendButton(index, share, ends, view, draw) {
  const button = Object.assign(element("button"), { type: "button", ariaPressed: "false" });
  const [swatch, bar, label, fraction] = [element("i"), element("span", "line"), element("span", "", model.classes[index]), element("span", "fraction", percent(share))];
  swatch.style.setProperty("--c", `rgb(${model.palette[index].join(" ")})`);
  bar.style.setProperty("--fraction", share);
  if (isTransparent(index)) label.append(element("small", "", " transparent"));
  if (ends) fraction.append(element("small", "", ends.map((end) => (100 * end).toFixed(1)).join("–")));
  button.append(swatch, label, fraction, bar);
  const hover = (hovered) => { view.hovered = hovered; draw(); };
  button.addEventListener("pointerenter", (event) => event.pointerType === "mouse" && hover(index));
  button.addEventListener("pointerleave", () => hover(null));
  button.addEventListener("click", () => {
    view.pinned = view.pinned === index ? null : index;
    for (const one of button.closest("ul").querySelectorAll("button")) one.ariaPressed = one === button && view.pinned !== null;
    draw();
  });
  return button;
}

export function makeSlider(view, draw) {
  const label = element("label", "slider");
  const [input, output] = [element("input"), element("output", "", `${Math.round(100 * view.opacity)} %`)];
  Object.assign(input, { type: "range", min: 0, max: 100, value: 100 * view.opacity });
  input.addEventListener("input", () => {
    view.opacity = input.value / 100;
    output.textContent = `${input.value} %`;
    draw();
  });
  label.append(element("span", "", "Opacity of the colors"), output, input);
  return label;
}
