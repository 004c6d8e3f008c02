import { enqueue, loadModel, model, send } from "./api.js";
import { startCorrecting } from "./correct.js";
import { byId, DISPLAY_SIDE, download, element, fit, makeCanvas, megabytes, percent, sentence, setStatus, stemOf } from "./elements.js";
import { addMeasures, fillMeasures } from "./measure.js";

const MAX_CANVAS = 16e6; // pixels of a canvas that every browser supports
const DIMMED = 0.18; // opacity of the other classes beside a highlighted one, relative to the usual one
const BOARD_SIDE = 480;

/* Photos */

let mode = "predict"; // which view of the photos the page shows

function addPhotos(files) {
  const cards = [...files].reverse().map(addCard).reverse();
  cards[0]?.scrollIntoView({ block: "nearest" });
  cards.forEach(fillSoon);
}

function addCard(photo) {
  const card = byId("card").content.firstElementChild.cloneNode(true);
  Object.assign(card, { photo, filled: new Set() });
  card.querySelector("h2").textContent = photo.name || "Pasted image";
  if (model.measures) addMeasures(card);
  const remove = card.querySelector(".remove");
  remove.setAttribute("aria-label", `Remove ${photo.name || "the image"}`);
  remove.addEventListener("click", () => {
    const next = card.nextElementSibling || card.previousElementSibling;
    card.remove();
    (next ? next.querySelector(".remove") : byId("choose")).focus();
  });
  byId("results").prepend(card);
  showView(card);
  return card;
}

function showView(card) {
  for (const view of card.querySelectorAll(".view")) view.hidden = view.dataset.view !== mode;
}

/** Fill the view that the page shows when the photo's turn comes, unless it has been. */
function fillSoon(card) {
  enqueue(() => {
    if (!card.isConnected || card.filled.has(mode)) return null;
    card.filled.add(mode);
    return mode === "measure" ? fillMeasures(card) : fillCard(card);
  });
}

async function fillCard(card) {
  const state = card.querySelector(".state");
  state.textContent = "Predicting …";
  state.classList.add("busy");
  try {
    const [prediction, bitmap] = await Promise.all([send("/api/predict", card.photo), createImageBitmap(card.photo).catch(() => null)]);
    card.querySelector("small").textContent = `${prediction.width} × ${prediction.height}`;
    await (model.task === "segmentation" ? showMask : showLabel)(card, prediction, bitmap);
    card.dispatchEvent(new CustomEvent("result", { bubbles: true, detail: { card, photo: card.photo, prediction, bitmap } }));
    const warning = noveltyWarning(prediction);
    if (warning) card.querySelector(".result").before(warning);
    card.querySelector(".result").hidden = false;
    state.hidden = bitmap !== null;
    state.textContent = "This browser cannot show the photo; the server could read it.";
    const summary = card.querySelector(".label, .legend button").innerText.replace(/\s+/g, " ");
    setStatus(`${card.querySelector("h2").textContent}: ${summary}`);
  } catch (error) {
    state.textContent = sentence(error);
    state.classList.add("error");
  }
  state.classList.remove("busy");
}

/** Return a warning about a photo that is unlike the training images, null for others. */
function noveltyWarning({ novelty }) {
  if (novelty === null || novelty <= 1) return null;
  const like = `${+(100 * (1 - model.false_alarm_rate)).toPrecision(3)} %`;
  return element("p", "novel", `Unlike the training images: ${novelty.toFixed(1)} times as far from them as ${like} of such images are. Check this prediction before you use it.`);
}

/* Masks */

async function showMask(card, prediction, bitmap) {
  const bytes = Uint8Array.from(atob(prediction.mask), (letter) => letter.charCodeAt(0));
  const file = new Blob([bytes], { type: "image/png" });
  const mask = await createImageBitmap(file);
  const canvas = card.querySelector("canvas");
  [canvas.width, canvas.height] = fit(prediction.width, prediction.height, DISPLAY_SIDE);
  const view = { opacity: 0.5, pinned: null, hovered: null };
  const classes = readClasses(mask, canvas.width, canvas.height);
  const draw = () => drawOverlay(canvas, bitmap, classes, view.opacity, view.hovered ?? view.pinned);
  const fractions = prediction.class_fractions;
  const names = model.classes.map((name) => `${name} ${percent(fractions[name])}`);
  canvas.setAttribute("aria-label", `The photo with the classes' colors over it: ${names.join(", ")}`);
  card.querySelector(".side").append(...makeLegend(prediction, view, draw), makeSlider(view, draw), makeDownloads(card, file, prediction, bitmap, mask, view));
  draw();
}

/** Return the class index of each pixel of a mask, scaled to a size. */
function readClasses(mask, width, height) {
  const context = makeCanvas(width, height).getContext("2d", { willReadFrequently: true });
  context.imageSmoothingEnabled = false; // colors between those of two classes are of no class
  context.drawImage(mask, 0, 0, width, height);
  const pixels = context.getImageData(0, 0, width, height).data;
  const indices = new Map(model.palette.map(([red, green, blue], index) => [(red << 16) | (green << 8) | blue, index]));
  const classes = new Uint8Array(width * height);
  for (let i = 0; i < classes.length; i++) classes[i] = indices.get((pixels[4 * i] << 16) | (pixels[4 * i + 1] << 8) | pixels[4 * i + 2]) ?? 255;
  return classes;
}

/** Whether a class is black, as backgrounds are: its color would only darken the photo. */
const isTransparent = (index) => model.palette[index].every((value) => value === 0);

/** Draw a photo with its classes' colors over it; black classes are transparent unless they are highlighted. */
function drawOverlay(canvas, bitmap, classes, opacity, highlighted) {
  const { width, height } = canvas;
  const context = canvas.getContext("2d");
  context.fillStyle = "#808080";
  context.fillRect(0, 0, width, height);
  if (bitmap) context.drawImage(bitmap, 0, 0, width, height);
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
  const overlay = makeCanvas(width, height);
  overlay.getContext("2d").putImageData(layer, 0, 0);
  context.drawImage(overlay, 0, 0);
}

function makeLegend({ class_fractions: fractions, class_intervals: intervals }, view, draw) {
  const list = element("ul", "legend");
  list.setAttribute("aria-label", "Classes and their fractions of the photo");
  const order = [...model.classes.keys()].sort((one, other) => fractions[model.classes[other]] - fractions[model.classes[one]]);
  for (const index of order) {
    const name = model.classes[index];
    const button = Object.assign(element("button"), { type: "button", ariaPressed: "false" });
    const [swatch, bar, label] = [element("i"), element("span", "line"), element("span", "", name)];
    swatch.style.setProperty("--c", `rgb(${model.palette[index].join(" ")})`);
    bar.style.setProperty("--fraction", fractions[name]);
    if (isTransparent(index)) label.append(element("small", "", " transparent"));
    const fraction = element("span", "fraction", percent(fractions[name]));
    const ends = intervals[name]?.map((end) => (100 * end).toFixed(1)).join("–");
    if (ends) fraction.append(element("small", "", ends));
    button.append(swatch, label, fraction, bar);
    const hover = (hovered) => { view.hovered = hovered; draw(); };
    button.addEventListener("pointerenter", (event) => event.pointerType === "mouse" && hover(index));
    button.addEventListener("pointerleave", () => hover(null));
    button.addEventListener("click", () => {
      view.pinned = view.pinned === index ? null : index;
      for (const one of list.querySelectorAll("button")) one.ariaPressed = one === button && view.pinned !== null;
      draw();
    });
    const item = element("li");
    item.append(button);
    list.append(item);
  }
  const note = `Below each fraction is its ${+(100 * model.interval_level).toPrecision(3)} % interval for photos like the training images.`;
  return Object.keys(intervals).length ? [list, element("p", "muted small", note)] : [list];
}

function makeSlider(view, draw) {
  const label = element("label", "slider");
  const [input, output] = [element("input"), element("output", "", "50 %")];
  Object.assign(input, { type: "range", min: 0, max: 100, value: 50 });
  input.addEventListener("input", () => {
    view.opacity = input.value / 100;
    output.textContent = `${input.value} %`;
    draw();
  });
  label.append(element("span", "", "Opacity of the colors"), output, input);
  return label;
}

function makeDownloads(card, file, prediction, bitmap, mask, view) {
  const stem = stemOf(card.photo);
  const row = element("div", "buttons");
  const [saveMask, saveOverlay] = [element("button", "", "Save mask"), element("button", "", "Save overlay")];
  saveMask.addEventListener("click", () => download(file, `${stem}.mask.png`));
  saveOverlay.addEventListener("click", () => {
    const scale = Math.min(1, Math.sqrt(MAX_CANVAS / (prediction.width * prediction.height)));
    const canvas = makeCanvas(Math.round(prediction.width * scale), Math.round(prediction.height * scale));
    drawOverlay(canvas, bitmap, readClasses(mask, canvas.width, canvas.height), view.opacity, view.pinned);
    canvas.toBlob((blob) => download(blob, `${stem}.overlay.png`), "image/png");
  });
  row.append(saveMask, saveOverlay);
  return row;
}

/* Labels */

function showLabel(card, prediction, bitmap) {
  const canvas = card.querySelector("canvas");
  const side = Math.max(prediction.width, prediction.height);
  const zoom = side < 88 ? Math.ceil(176 / side) : 1; // garments of 28 pixels are enlarged without blur
  [canvas.width, canvas.height] = fit(prediction.width, prediction.height, 352).map((length) => length * zoom);
  const context = canvas.getContext("2d");
  Object.assign(context, { imageSmoothingEnabled: zoom === 1, imageSmoothingQuality: "high" });
  if (bitmap) context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  canvas.hidden = bitmap === null;
  canvas.setAttribute("aria-label", "The photo");
  card.querySelector(".side").append(...makeBars(prediction));
}

/** Return the most probable class in words, and bars of the most probable ones. */
function makeBars(prediction, count = 10) {
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

/* The drawing board */

function startBoard() {
  const board = byId("board");
  const { height, width } = model.input_size;
  const scale = BOARD_SIDE / Math.max(height, width);
  [board.width, board.height] = [Math.round(width * scale), Math.round(height * scale)];
  board.setAttribute("aria-label", "A black board to draw on in white");
  const context = board.getContext("2d");
  const strokes = []; // each a list of [x, y]
  let stroke = null, pen = null, request = 0, timer;

  const draw = () => {
    context.fillStyle = "#000";
    context.fillRect(0, 0, board.width, board.height);
    Object.assign(context, { lineWidth: BOARD_SIDE / 14, lineCap: "round", lineJoin: "round", strokeStyle: "#fff" }); // two pixels of 28
    for (const points of strokes) {
      context.beginPath();
      context.moveTo(...points[0]);
      points.forEach((point) => context.lineTo(...point));
      context.stroke();
    }
    byId("undo").disabled = byId("clear").disabled = strokes.length === 0;
  };
  const drawPen = () => { // the keyboard's pen, which is no part of the drawing
    Object.assign(context, { lineWidth: 3, strokeStyle: pen.down ? "#f0905a" : "#a09d96" });
    context.beginPath();
    context.arc(pen.x, pen.y, 15, 0, 2 * Math.PI);
    context.stroke();
  };
  const update = async () => {
    const number = ++request;
    const result = byId("board-result");
    if (!strokes.length) return result.replaceChildren();
    draw();
    const picture = new Promise((resolve) => board.toBlob(resolve, "image/png"));
    if (pen) drawPen();
    const content = await send("/api/predict", await picture).then((prediction) => makeBars(prediction, 5), (error) => [element("p", "state error", sentence(error))]);
    if (number === request) result.replaceChildren(...content);
  };
  const updateSoon = (delay) => { clearTimeout(timer); timer = setTimeout(update, delay); };
  const position = (event) => {
    const box = board.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width * board.width, (event.clientY - box.top) / box.height * board.height];
  };
  board.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    board.setPointerCapture(event.pointerId);
    pen = null;
    strokes.push(stroke = [position(event)]);
    draw();
  });
  board.addEventListener("pointermove", (event) => {
    if (!stroke) return;
    for (const one of event.getCoalescedEvents?.() ?? [event]) stroke.push(position(one));
    draw();
  });
  const endStroke = () => { if (stroke) { stroke = null; updateSoon(0); } };
  board.addEventListener("pointerup", endStroke);
  board.addEventListener("pointercancel", endStroke);
  board.addEventListener("keydown", (event) => {
    const step = BOARD_SIDE / 28;
    const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step], " ": [0, 0] };
    const move = moves[event.key];
    if (!move || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    pen ??= { x: board.width / 2, y: board.height / 2, down: false };
    pen.x = Math.min(board.width, Math.max(0, pen.x + move[0]));
    pen.y = Math.min(board.height, Math.max(0, pen.y + move[1]));
    if (event.key === " ") {
      pen.down = !pen.down;
      if (pen.down) strokes.push([[pen.x, pen.y]]);
    } else if (pen.down) strokes.at(-1)?.push([pen.x, pen.y]);
    draw();
    drawPen();
    if (pen.down) updateSoon(300);
  });
  board.addEventListener("blur", () => { if (pen) { pen = null; draw(); } });
  byId("undo").addEventListener("click", () => { strokes.pop(); draw(); update(); });
  byId("clear").addEventListener("click", () => { strokes.length = 0; draw(); update(); });
  draw();
  byId("pad").hidden = false;
}

/* Inputs */

function startInputs() {
  for (const [button, input] of [["choose", "files"], ["capture", "camera"]]) {
    byId(button).addEventListener("click", () => byId(input).click());
    byId(input).addEventListener("change", () => {
      addPhotos(byId(input).files);
      byId(input).value = "";
    });
  }
  const touch = matchMedia("(hover: none)").matches;
  if (touch) byId("invitation").textContent = "Add a photo";
  byId("or-paste").hidden = touch;
  byId("capture").hidden = !touch; // on a computer it would open the same dialog again
  let depth = 0; // dragenter and dragleave fire for each nested element
  const setDepth = (value) => { depth = Math.max(0, value); document.body.classList.toggle("over", depth > 0); };
  addEventListener("dragenter", (event) => { event.preventDefault(); setDepth(depth + 1); });
  addEventListener("dragleave", () => setDepth(depth - 1));
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", (event) => { event.preventDefault(); setDepth(0); addPhotos(event.dataTransfer.files); });
  addEventListener("paste", (event) => {
    const files = event.clipboardData.files;
    if (files.length) { event.preventDefault(); addPhotos(files); }
  });
}

function startTabs() {
  const tabs = [byId("tab-predict"), byId("tab-measure")];
  const select = (tab) => {
    mode = tab.dataset.view;
    for (const one of tabs) Object.assign(one, { ariaSelected: one === tab, tabIndex: one === tab ? 0 : -1 });
    byId("results").setAttribute("aria-labelledby", tab.id);
    const cards = [...document.querySelectorAll(".card")];
    cards.forEach(showView);
    cards.forEach(fillSoon);
  };
  for (const tab of tabs) {
    tab.addEventListener("click", () => select(tab));
    tab.addEventListener("keydown", (event) => {
      if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
      const other = tabs[1 - tabs.indexOf(tab)];
      other.focus();
      select(other);
    });
  }
  byId("results").setAttribute("role", "tabpanel");
  byId("tabs").hidden = false;
  select(tabs[0]);
}

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
  startCorrecting();
  if (model.measures) startTabs();
  if (model.task === "classification") startBoard();
}

start();
