/** The result of a classifier: the photo and the probabilities of its classes. */

import { element, fit, percent } from "./elements.js";

/** Show the probabilities of a photo on its card. */
export function showLabel(card, prediction, bitmap) {
  if (bitmap) drawSmall(card.querySelector(".photo"), bitmap);
  card.querySelector(".photo").hidden = bitmap === null;
  card.querySelector(".side").replaceChildren(...makeBars(prediction));
}

/** Draw a photo small; images of few pixels, such as garments of 28, are enlarged without blur. */
export function drawSmall(canvas, bitmap) {
  const side = Math.max(bitmap.width, bitmap.height);
  const zoom = side < 88 ? Math.ceil(176 / side) : 1;
  [canvas.width, canvas.height] = fit(bitmap.width, bitmap.height, 352).map((length) => length * zoom);
  const context = canvas.getContext("2d");
  Object.assign(context, { imageSmoothingEnabled: zoom === 1, imageSmoothingQuality: "high" });
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
}

/** Return the most probable class in words, and bars of the most probable ones. */
export function makeBars(prediction, count = 10) {
  const label = element("p", "label", prediction.label);
  label.append(" ", element("small", "", percent(prediction.probability)));
  const list = element("div", "bars");
  const top = Object.entries(prediction.probabilities).sort((one, other) => other[1] - one[1]).slice(0, count);
  top.forEach(([name, probability], rank) => {
    const [bar, line] = [element("div", rank ? "bar" : "bar first"), element("span", "line")];
    line.style.setProperty("--fraction", probability);
    bar.append(element("span", "", name), line, element("span", "", percent(probability)));
    list.append(bar);
  });
  return [label, list];
}
