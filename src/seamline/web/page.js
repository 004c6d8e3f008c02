import { startBoard } from "./board.js";
import { byId, download, element, makeBars, percent, sentence, setStatus, stemOf } from "./elements.js";
import { takePhotos } from "./intake.js";
import { loadModel, model, request, startWorker } from "./model.js";
import { drawOverlay, makeLegend, makeSlider, scaleMask } from "./overlay.js";

const SIDES = [256, 384, 512, 768, 1024, 1536, 2048]; // choices of the longer side, besides the default
const SHOWN_SIDE = 600; // pixels up to which smaller photos are enlarged

/* Photos */

function addPhotos(files) {
  const cards = [...files].reverse().map(addCard).reverse();
  cards[0]?.scrollIntoView({ block: "nearest" });
  cards.forEach(fillCard);
}

function addCard(photo) {
  const card = byId("card").content.firstElementChild.cloneNode(true);
  Object.assign(card, { photo, number: 0 });
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
    card.querySelector("header small").textContent = `${prediction.width} × ${prediction.height}, ${duration(prediction.seconds)}`;
    card.querySelector(".novel")?.remove();
    card.querySelector(".side").replaceChildren(...(model.task === "segmentation" ? showMask : showLabel)(card, prediction), makeSaves(card, prediction, maxSide));
    const warning = noveltyWarning(prediction);
    if (warning) result.before(warning);
    result.hidden = false;
    state.hidden = true;
    setStatus(`${card.querySelector("h2").textContent}: ${card.querySelector(".label, .legend button").innerText.replace(/\s+/g, " ")}`);
  } catch (error) {
    if (number !== card.number) return;
    Object.assign(state, { className: "state error", textContent: sentence(error) });
    result.hidden = true;
  }
}

const duration = (seconds) => (seconds < 0.95 ? `${Math.round(1000 * seconds)} ms` : `${seconds.toFixed(1)} s`);

/** Return a warning about a photo that is unlike the training images, null for others. */
function noveltyWarning({ novelty }) {
  if (novelty === null || novelty <= 1) return null;
  const like = `${+(100 * (1 - model.novelty.false_alarm_rate)).toPrecision(3)} %`;
  return element("p", "novel", `Unlike the training images: ${novelty.toFixed(1)} times as far from them as ${like} of such images are. Check this prediction before you use it.`);
}

function showMask(card, prediction) {
  const { bitmap, class_fractions: fractions } = prediction;
  const canvas = card.querySelector("canvas");
  const zoom = Math.max(1, Math.floor(SHOWN_SIDE / Math.max(bitmap.width, bitmap.height)));
  [canvas.width, canvas.height] = [bitmap.width * zoom, bitmap.height * zoom];
  const view = { opacity: 0.5, pinned: null, hovered: null };
  const classes = scaleMask(prediction.mask, prediction.width, prediction.height, canvas.width, canvas.height);
  const draw = () => drawOverlay(canvas, bitmap, classes, view);
  const names = model.classes.map((name) => `${name} ${percent(fractions[name])}`);
  canvas.setAttribute("aria-label", `The photo with the classes' colors over it: ${names.join(", ")}`);
  draw();
  return [...makeLegend(prediction, view, draw), makeSlider(view, draw)];
}

function showLabel(card, { bitmap, ...prediction }) {
  const canvas = card.querySelector("canvas");
  const side = Math.max(bitmap.width, bitmap.height);
  const scale = side < 88 ? Math.ceil(176 / side) : Math.min(1, 352 / side); // small images are enlarged without blur
  [canvas.width, canvas.height] = [bitmap.width, bitmap.height].map((length) => Math.max(1, Math.round(length * scale)));
  const context = canvas.getContext("2d");
  Object.assign(context, { imageSmoothingEnabled: scale <= 1, imageSmoothingQuality: "high" });
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  canvas.setAttribute("aria-label", "The photo");
  return makeBars(prediction);
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
