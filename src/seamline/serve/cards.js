/** The cards of photos: adding and removing them, and announcing their results. */

import { byId, element, setStatus } from "./elements.js";
import { model } from "./model.js";

/** Put a card for a photo above the others; returns it, with the photo and `details` as its properties. */
export function addCard(photo, details) {
  const card = byId("card").content.firstElementChild.cloneNode(true);
  Object.assign(card, { photo, ...details });
  const name = photo.name || "Pasted image";
  card.querySelector("h2").textContent = name;
  const remove = card.querySelector(".remove");
  remove.setAttribute("aria-label", `Remove ${name}`);
  remove.addEventListener("click", () => {
    const next = card.nextElementSibling || card.previousElementSibling;
    card.remove();
    (next ? next.querySelector(".remove") : byId("choose")).focus();
  });
  byId("results").prepend(card);
  return card;
}

/** Warn of a photo that is unlike the training images, and tell screen readers the result that its card shows. */
export function announceResult(card, { novelty }) {
  const result = card.querySelector(".result");
  if (novelty !== null && novelty > 1) result.before(element("p", "novel", describeNovelty(novelty)));
  const summary = result.querySelector(".label, .legend button").innerText.replace(/\s+/g, " ");
  setStatus(`${card.querySelector("h2").textContent}: ${summary}`);
}

function describeNovelty(novelty) {
  const like = `${+(100 * (1 - model.false_alarm_rate)).toPrecision(3)} %`;
  return `Unlike the training images: ${novelty.toFixed(novelty < 1.1 ? 2 : 1)} times as far from them as ${like} of such images are. Check this prediction before you use it.`;
}
