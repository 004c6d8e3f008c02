/** The colors of classes: masks as class indices, and layers that are laid over a photo. */

import { makeCanvas } from "./elements.js";
import { model } from "./model.js";

const DIMMED = 0.18; // opacity of the other classes beside a highlighted one, relative to the usual one
export const UNKNOWN = 255; // of pixels of no class

/** Whether a class is black, as backgrounds are: its color would only darken the photo. */
export const isTransparent = (index) => model.palette[index].every((value) => value === 0);
/** Whether black is easier to see on the color of a class than white. */
export const isLight = (index) => [0.299, 0.587, 0.114].reduce((sum, weight, i) => sum + weight * model.palette[index][i], 0) > 127;
export const cssColor = (index) => `rgb(${model.palette[index].join(" ")})`;

/** Return the class index of each pixel of a mask, scaled to a size. */
export function readClasses(mask, width, height) {
  const pixels = readPixels(mask, width, height);
  const indices = new Map(model.palette.map(([red, green, blue], index) => [(red << 16) | (green << 8) | blue, index]));
  const classes = new Uint8Array(width * height);
  for (let i = 0; i < classes.length; i++) classes[i] = indices.get((pixels[4 * i] << 16) | (pixels[4 * i + 1] << 8) | pixels[4 * i + 2]) ?? UNKNOWN;
  return classes;
}

/** Return the pixels of a picture, scaled to a size without mixing neighbors: red, green, blue and alpha of each. */
export function readPixels(picture, width, height) {
  const context = makeCanvas(width, height).getContext("2d", { willReadFrequently: true });
  context.imageSmoothingEnabled = false; // colors between those of two classes are of no class
  context.drawImage(picture, 0, 0, width, height);
  return context.getImageData(0, 0, width, height).data;
}

/** Paint the classes that are shown on a canvas of the classes' size; beside a highlighted class the others are dimmed. */
export function paintClasses(canvas, classes, shown, highlighted = null, opacity = 1) {
  const table = new Uint32Array(256);
  const bytes = new Uint8ClampedArray(table.buffer);
  model.palette.forEach((color, index) => {
    const strength = highlighted === null || index === highlighted ? opacity : opacity * DIMMED;
    bytes.set([...color, shown.has(index) || index === highlighted ? Math.round(255 * strength) : 0], 4 * index);
  });
  if (shown.has(UNKNOWN)) bytes.set([...model.ignored_color, Math.round(255 * opacity)], 4 * UNKNOWN);
  const layer = new ImageData(canvas.width, canvas.height);
  const pixels = new Uint32Array(layer.data.buffer);
  for (let i = 0; i < pixels.length; i++) pixels[i] = table[classes[i]];
  canvas.getContext("2d").putImageData(layer, 0, 0);
}

/** Draw a photo on the whole of a canvas, enlarged without blur, and gray where this browser cannot show it. */
export function paintPhoto(canvas, bitmap) {
  const context = canvas.getContext("2d");
  context.fillStyle = "#808080";
  context.fillRect(0, 0, canvas.width, canvas.height);
  if (!bitmap) return;
  context.imageSmoothingEnabled = canvas.width <= bitmap.width;
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
}
