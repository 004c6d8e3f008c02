/** The result of a classifier: the photo and the probabilities of its classes. */

import { fit, makeBars } from "./elements.js";

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
