import { startBoard } from "./board.js";
import { addCard, announceResult } from "./cards.js";
import { byId, download, element, sentence, setStatus, stemOf } from "./elements.js";
import { takePhotos } from "./intake.js";
import { showLabel } from "./labels.js";
import { MaskView } from "./mask_view.js";
import { loadModel, model, request, startWorker } from "./model.js";
import { sampleNearest } from "./resample.js";

const SIDES = [256, 384, 512, 768, 1024, 1536, 2048]; // choices of the longer side, besides the default

/* Photos */

function addPhotos(files) {
  const cards = [...files].reverse().map((photo) => addCard(photo, { number: 0 })).reverse();
  cards[0]?.scrollIntoView({ block: "nearest" });
  cards.forEach(fillCard);
}

/** Predict the photo of a card and show the result; a later call for the same card wins. */
async function fillCard(card) {
  const number = ++card.number;
  const [state, result] = [card.querySelector(".state"), card.querySelector(".result")];
  Object.assign(state, { hidden: false, className: "state busy", textContent: "Predicting …" });
  const progress = (done, total) => { if (total > 1 && number === card.number) state.textContent = `Predicting: ${done} of ${total} tiles …`; };
  const maxSide = model.task === "segmentation" ? Number(byId("side").value) : undefined;
  try {
    const prediction = await request("predict", { file: card.photo, maxSide }, progress);
    if (number !== card.number) return;
    card.querySelector(".novel")?.remove();
    card.querySelector("header small").textContent = `${prediction.width} × ${prediction.height}, ${duration(prediction.seconds)}`;
    (model.task === "segmentation" ? showMask : showLabel)(card, prediction, prediction.bitmap);
    card.querySelector(".side").append(makeSaves(card, prediction, maxSide));
    result.hidden = false;
    state.hidden = true;
    announceResult(card, prediction);
  } catch (error) {
    if (number !== card.number) return;
    card.querySelector(".novel")?.remove();
    Object.assign(state, { className: "state error", textContent: sentence(error) });
    result.hidden = true;
  }
}

const duration = (seconds) => (seconds < 0.95 ? `${Math.round(1000 * seconds)} ms` : `${seconds.toFixed(1)} s`);

function showMask(card, prediction, bitmap) {
  const sampler = (values) => (columns, rows) => sampleNearest(values, prediction.width, prediction.height, columns, rows);
  const view = new MaskView(card, prediction, bitmap, sampler(prediction.mask), sampler(prediction.confidence));
  delete prediction.confidence; // which is large, and not saved
  card.querySelector(".side").replaceChildren(...view.controls);
}

/* Files */

function makeSaves(card, prediction, maxSide) {
  const row = element("div", "buttons");
  const stem = stemOf(card.photo);
  const add = (kind, name, make) => {
    const button = Object.assign(element("button", "", `Save ${kind}`), { type: "button" });
    button.addEventListener("click", async () => {
      button.disabled = true;
      try {
        download(await make(), name);
      } catch (error) {
        setStatus(sentence(error));
      }
      button.disabled = false;
    });
    row.append(button);
  };
  const { mask, width, height } = prediction;
  if (mask) {
    add("mask", `${stem}.mask.png`, async () => (await request("mask", { mask, width, height })).blob);
    add("overlay", `${stem}.overlay.png`, async () => (await request("overlay", { file: card.photo, mask })).blob);
  }
  add("JSON", `${stem}.json`, async () => describe(card.photo, prediction, maxSide));
  return row;
}

/** Return a prediction as JSON, with the fields of a photo in `predictions.json`. */
function describe(photo, { mask, bitmap, seconds, ...prediction }, maxSide) {
  const record = { file: photo.name || "", model: model.name, fingerprint: model.fingerprint, ...(mask && { max_side: maxSide }), ...prediction };
  return new Blob([JSON.stringify(record, null, 1)], { type: "application/json" });
}

/* The page */

function startInputs() {
  takePhotos(addPhotos);
  byId("choose").disabled = byId("capture").disabled = false;
  byId("capture").hidden = !matchMedia("(pointer: coarse)").matches; // on a computer it would open the same dialog again
}

/** Offer the longer side at which a segmenter gets photos. */
function startSides() {
  const select = byId("side");
  const usual = model.max_side;
  for (const side of [usual, ...SIDES.filter((side) => side !== usual), 0]) {
    select.append(new Option(side === 0 ? "as the photo is" : side === usual ? `${side} pixels (default)` : `${side} pixels`, side));
  }
  select.addEventListener("change", () => document.querySelectorAll(".card").forEach(fillCard));
  byId("side-choice").hidden = false;
}

/** Start the model, and say with what it runs and that it does what it should. */
async function startEngine(gpu) {
  const state = byId("engine");
  Object.assign(state, { className: "state busy", textContent: `Loading the model (${(model.bytes[gpu ? "webgpu" : "wasm"] / 1e6).toFixed(1)} MB) …` });
  try {
    const { difference } = await startWorker(gpu);
    const check = difference === null ? "" : " It predicts the example images of the file as recorded.";
    const processor = gpu ? "WebGPU, untested" : "WebAssembly, one thread";
    Object.assign(state, { className: "state small", textContent: `Ready: ONNX Runtime ${model.runtime.version} (${processor}).${check}` });
    return true;
  } catch (error) {
    Object.assign(state, { className: "state error", textContent: sentence(error) });
    return false;
  }
}

/** Offer WebGPU where the browser has it and the folder holds its runtime. */
function startGpuChoice() {
  if (!navigator.gpu || !model.runtime.webgpu) return;
  const box = byId("gpu");
  box.addEventListener("change", async () => {
    box.disabled = true;
    if (box.checked && !(await navigator.gpu.requestAdapter().catch(() => null))) {
      box.checked = false;
      setStatus(byId("gpu-note").textContent = "This browser finds no GPU.");
    } else if (!(await startEngine(box.checked)) && box.checked) {
      const reason = byId("engine").textContent;
      box.checked = false;
      await startEngine(false);
      byId("gpu-note").textContent = `WebGPU failed: ${reason}`;
    }
    box.disabled = false;
    document.querySelectorAll(".card").forEach(fillCard); // those that waited for the other processor, too
  });
  byId("gpu-choice").hidden = false;
}

/** Keep the folder's files for use without a network, where browsers allow it: on https and on this machine. */
async function startOffline() {
  if (!navigator.serviceWorker) return;
  try {
    await navigator.serviceWorker.register("service-worker.js");
    await navigator.serviceWorker.ready;
    byId("offline").hidden = false;
  } catch {
    // the page works, with a network only
  }
}

async function start() {
  try {
    await loadModel();
  } catch {
    byId("engine").textContent = "The files of this page cannot be loaded; check that the whole folder is on the server, and load the page again.";
    return;
  }
  if (!(await startEngine(false))) return;
  startInputs();
  startGpuChoice();
  if (model.task === "segmentation") startSides();
  else startBoard(...model.input_size.slice(0, 2), (file) => request("predict", { file }));
  startOffline();
}

start();
