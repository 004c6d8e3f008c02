/** A mask that the server sends: its view, and its files. */

import { readClasses, readPixels } from "./colors.js";
import { download, element, stemOf } from "./elements.js";
import { MaskView } from "./mask_view.js";

/** Show the classes of a photo on its card. */
export async function showMask(card, prediction, bitmap) {
  const files = [prediction.mask, prediction.confidence].map(toPng);
  const [mask, confidence] = await Promise.all(files.map((file) => createImageBitmap(file)));
  const sampleProbabilities = (width, height) => {
    const pixels = readPixels(confidence, width, height);
    return Uint8Array.from({ length: width * height }, (_, i) => pixels[4 * i]);
  };
  const view = new MaskView(card, prediction, bitmap, (...size) => readClasses(mask, ...size), sampleProbabilities);
  confidence.close();
  card.querySelector(".side").replaceChildren(...view.controls, makeDownloads(card, files[0], view));
}

function toPng(text) {
  return new Blob([Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))], { type: "image/png" });
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
