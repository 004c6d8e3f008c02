/** The page: what the model is, and how photos come to it. */

import { send } from "./api.js";
import { startBoard } from "./board.js";
import { showModelCard } from "./card.js";
import { startCorrecting } from "./correct.js";
import { byId, megabytes } from "./elements.js";
import { startInputs, startTabs } from "./inputs.js";
import { loadModel, model } from "./model.js";
import { startSamples } from "./samples.js";

async function start() {
  try {
    await loadModel();
  } catch {
    byId("lead").textContent = "The server cannot be reached; check that it is running, and load this page again.";
    return;
  }
  const count = model.classes.length;
  const names = model.classes.slice(0, 12).join(", ") + (count > 12 ? `, and ${count - 12} more` : "");
  document.body.classList.add(model.task);
  document.title = `${model.name} · Seamline`;
  byId("title").textContent = model.name;
  byId("lead").textContent = `${model.task === "segmentation" ? "Segments photos into" : "Classifies photos as"}: ${names}. Trained on ${model.dataset}.`;
  byId("limits").textContent = `Up to ${megabytes(model.limits.bytes)} and ${+(model.limits.pixels / 1e6).toPrecision(3)} megapixels each`;
  startInputs();
  startSamples();
  startCorrecting();
  showModelCard();
  if (model.measures) startTabs();
  if (model.task === "classification") startBoard(model.input_size.height, model.input_size.width, (picture) => send("/api/predict", picture));
}

start();
