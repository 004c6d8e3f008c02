/** The photos on the page: a card for each, with a preview at once and the result when its turn has come.

A card dispatches the event `result`, which bubbles, once its result is shown. Its detail has `card`, `photo` (a File),
`prediction` (the response) and `bitmap`, null where this browser cannot show the photo.
*/

import { enqueue, send } from "./api.js";
import { addCard, announceResult } from "./cards.js";
import { paintPhoto } from "./colors.js";
import { displaySize, element, sentence } from "./elements.js";
import { drawSmall, showLabel } from "./labels.js";
import { showMask } from "./mask.js";
import { addMeasures, fillMeasures } from "./measure.js";
import { model } from "./model.js";
import { Progress } from "./progress.js";

let mode = "predict"; // which view of the photos the page shows

/** Add a card for each photo, the first one on top. */
export function addPhotos(files) {
  const cards = [...files].reverse().map(addPhoto).reverse();
  cards.forEach(fillSoon);
  if (cards.length) cards[0].bitmap.then(() => cards[0].scrollIntoView({ block: "nearest" })); // once its preview is drawn
}

/** Show another view of all photos: `predict` or `measure`. */
export function setMode(name) {
  mode = name;
  const cards = [...document.querySelectorAll(".card")];
  cards.forEach(showView);
  cards.forEach(fillSoon);
}

function addPhoto(photo) {
  const card = addCard(photo, { filled: new Set(), bitmap: createImageBitmap(photo).catch(() => null) });
  if (model.measures) addMeasures(card);
  showView(card);
  showPreview(card);
  return card;
}

/** Draw the photo as soon as it is decoded, which the result waits for too. */
async function showPreview(card) {
  const bitmap = await card.bitmap;
  if (!bitmap) return;
  const canvas = card.querySelector(".photo");
  if (model.task === "classification") {
    drawSmall(canvas, bitmap);
  } else {
    [canvas.width, canvas.height] = displaySize(bitmap.width, bitmap.height);
    paintPhoto(canvas, bitmap);
  }
  card.querySelector("figure").hidden = false;
}

function showView(card) {
  for (const view of card.querySelectorAll(".view")) view.hidden = view.dataset.view !== mode;
}

/** Fill the view that the page shows when the photo's turn comes, unless it has been. */
function fillSoon(card) {
  if (card.filled.has(mode)) return;
  card.filled.add(mode);
  const fill = mode === "measure" ? fillMeasures : fillCard;
  const progress = new Progress(card.querySelector(`[data-view="${mode}"] .state`));
  enqueue(() => (card.isConnected ? fill(card, progress) : null), (place) => progress.wait(place));
}

async function fillCard(card, progress) {
  card.dataset.state = "busy";
  try {
    const path = model.task === "segmentation" ? "/api/predict?confidence=true" : "/api/predict";
    const [prediction, bitmap] = await Promise.all([send(path, card.photo, (sent) => progress.send(sent, "Predicting")), card.bitmap]);
    await showResult(card, prediction, bitmap);
    progress.end();
    card.dataset.state = "done";
  } catch (error) {
    progress.fail(sentence(error));
    card.dataset.state = "error";
  }
}

async function showResult(card, prediction, bitmap) {
  card.querySelector("small").textContent = `${prediction.width} × ${prediction.height}`;
  await (model.task === "segmentation" ? showMask : showLabel)(card, prediction, bitmap);
  card.querySelector("figure").hidden = false;
  if (!bitmap) card.querySelector(".side").prepend(element("p", "muted", "This browser cannot show the photo; the server could read it."));
  announceResult(card, prediction);
  card.dispatchEvent(new CustomEvent("result", { bubbles: true, detail: { card, photo: card.photo, prediction, bitmap } }));
}
