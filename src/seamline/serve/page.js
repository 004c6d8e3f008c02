"use strict";

const byId = (id) => document.getElementById(id);
const SHOWN = 1600; // pixels on the longer side of a photo on the page
const LARGEST = 16e6; // pixels of a picture that every browser can make
const QUIET = 0.18; // the strength of the other classes beside a highlighted one, over their usual one

let model;

const make = (tag, className = "", text = "") => {
  const part = document.createElement(tag);
  part.className = className;
  part.textContent = text;
  return part;
};
const percent = (share) => `${(100 * share).toFixed(1)} %`;
const megabytes = (bytes) => `${+(bytes / 2 ** 20).toPrecision(3)} MiB`;
const sentence = (reason) => {
  const words = reason.replace(/^the photo:/, "This file");
  return `${words[0].toUpperCase()}${words.slice(1)}.`;
};
const say = (text) => { byId("said").textContent = text; };

/** Ask the server about a photo; what it refuses becomes an Error with its sentence. */
async function ask(photo) {
  if (photo.size > model.limits.bytes) {
    throw new Error(`the photo has ${megabytes(photo.size)}, more than the ${megabytes(model.limits.bytes)} allowed; scale it down`);
  }
  let answer;
  try {
    answer = await fetch("/api/predict", { method: "POST", body: photo, headers: { "Content-Type": "application/octet-stream" } });
  } catch {
    throw new Error("the server cannot be reached; see whether it still runs, and send the photo again");
  }
  const told = await answer.json().catch(() => ({ error: `the server answered with status ${answer.status}` }));
  if (!answer.ok) throw new Error(told.error);
  return told;
}

const scaled = (width, height, longest) => {
  const scale = Math.min(1, longest / Math.max(width, height));
  return [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
};

function canvasOf(width, height) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  return canvas;
}

function download(blob, name) {
  const link = make("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** Photos are sent one after another, so that many of them do not fill the server's queue. */
let turn = Promise.resolve();
const inTurn = (work) => (turn = turn.then(work, work));

function addPhotos(files) {
  const photos = [...files];
  for (const photo of photos.reverse()) addCard(photo);
  if (photos.length) byId("results").firstElementChild.scrollIntoView({ block: "nearest" });
  const cards = [...byId("results").children].slice(0, photos.length);
  cards.forEach((card) => inTurn(() => card.isConnected && look(card)));
}

function addCard(photo) {
  const card = byId("card").content.firstElementChild.cloneNode(true);
  card.photo = photo;
  card.querySelector("h2").textContent = photo.name || "Pasted picture";
  const remove = card.querySelector(".remove");
  remove.setAttribute("aria-label", `Remove ${photo.name || "the picture"}`);
  remove.addEventListener("click", () => {
    const next = card.nextElementSibling || card.previousElementSibling;
    card.remove();
    (next ? next.querySelector(".remove") : byId("choose")).focus();
  });
  byId("results").prepend(card);
}

async function look(card) {
  const state = card.querySelector(".state");
  const name = card.querySelector("h2").textContent;
  state.textContent = "Looking at it …";
  state.classList.add("busy");
  try {
    const [told, bitmap] = await Promise.all([ask(card.photo), createImageBitmap(card.photo).catch(() => null)]);
    card.querySelector("small").textContent = `${told.width} × ${told.height}`;
    await (model.kind === "masks" ? showMask : showLabels)(card, told, bitmap);
    card.querySelector(".seen").hidden = false;
    state.hidden = bitmap !== null;
    state.textContent = "This browser cannot show the photo itself; the server could read it.";
  } catch (error) {
    state.textContent = sentence(error.message);
    state.classList.add("wrong");
  }
  state.classList.remove("busy");
  if (!state.classList.contains("wrong")) say(`${name}: ${card.querySelector(".answer, .legend button").innerText.replace(/\s+/g, " ")}`);
}

/* Masks */

async function showMask(card, told, bitmap) {
  const bytes = Uint8Array.from(atob(told.mask), (letter) => letter.charCodeAt(0));
  const file = new Blob([bytes], { type: "image/png" });
  const picture = await createImageBitmap(file);
  const canvas = card.querySelector("canvas");
  [canvas.width, canvas.height] = scaled(told.width, told.height, SHOWN);
  const view = { strength: 0.5, pinned: null, hovered: null };
  const classes = classesOf(picture, canvas.width, canvas.height);
  const draw = () => paint(canvas, bitmap, classes, view.strength, view.hovered ?? view.pinned);
  const names = model.classes.map((name) => `${name} ${percent(told.shares[name])}`);
  canvas.setAttribute("aria-label", `The photo with the classes' colours over it: ${names.join(", ")}`);

  const side = card.querySelector(".side");
  side.append(legend(told.shares, view, draw), slider(view, draw), downloads(card, file, told, bitmap, picture, view));
  draw();
}

/** Return the class of each pixel of a mask that is drawn at some size. */
function classesOf(picture, width, height) {
  const pen = canvasOf(width, height).getContext("2d", { willReadFrequently: true });
  pen.imageSmoothingEnabled = false; // colours between classes are no classes
  pen.drawImage(picture, 0, 0, width, height);
  const pixels = pen.getImageData(0, 0, width, height).data;
  const known = new Map(model.colours.map(([red, green, blue], number) => [(red << 16) | (green << 8) | blue, number]));
  const classes = new Uint8Array(width * height);
  for (let place = 0; place < classes.length; place++) {
    classes[place] = known.get((pixels[4 * place] << 16) | (pixels[4 * place + 1] << 8) | pixels[4 * place + 2]) ?? 255;
  }
  return classes;
}

/** Tell whether a class is black, as backgrounds are: its colour would only darken the photo. */
const isClear = (number) => model.colours[number].every((value) => value === 0);

/** Draw a photo with its classes' colours over it; black classes are left clear unless they are highlighted. */
function paint(canvas, bitmap, classes, strength, highlighted) {
  const { width, height } = canvas;
  const pen = canvas.getContext("2d");
  pen.fillStyle = "#808080";
  pen.fillRect(0, 0, width, height);
  if (bitmap) pen.drawImage(bitmap, 0, 0, width, height);
  const table = new Uint32Array(256);
  const asBytes = new Uint8ClampedArray(table.buffer);
  model.colours.forEach((colour, number) => {
    const clear = isClear(number) && number !== highlighted;
    const share = highlighted === null || number === highlighted ? 1 : QUIET;
    asBytes.set([...colour, clear ? 0 : Math.round(255 * strength * share)], 4 * number);
  });
  const over = canvasOf(width, height);
  const layer = new ImageData(width, height);
  const pixels = new Uint32Array(layer.data.buffer);
  for (let place = 0; place < pixels.length; place++) pixels[place] = table[classes[place]];
  over.getContext("2d").putImageData(layer, 0, 0);
  pen.drawImage(over, 0, 0);
}

function legend(shares, view, draw) {
  const list = make("ul", "legend");
  list.setAttribute("aria-label", "Classes and their shares of the area");
  const order = [...model.classes.keys()].sort((one, other) => shares[model.classes[other]] - shares[model.classes[one]]);
  for (const number of order) {
    const name = model.classes[number];
    const button = make("button");
    button.type = "button";
    button.setAttribute("aria-pressed", "false");
    const [swatch, line] = [make("i"), make("span", "line")];
    swatch.style.setProperty("--c", `rgb(${model.colours[number].join(" ")})`);
    line.style.setProperty("--share", shares[name]);
    const called = make("span", "", name);
    if (isClear(number)) called.append(make("small", "", " left clear"));
    button.append(swatch, called, make("span", "share", percent(shares[name])), line);
    const hover = (to) => () => { view.hovered = to; draw(); };
    button.addEventListener("pointerenter", (event) => event.pointerType === "mouse" && hover(number)());
    button.addEventListener("pointerleave", hover(null));
    button.addEventListener("click", () => {
      view.pinned = view.pinned === number ? null : number;
      for (const one of list.querySelectorAll("button")) one.setAttribute("aria-pressed", one === button && view.pinned !== null);
      draw();
    });
    const item = make("li");
    item.append(button);
    list.append(item);
  }
  return list;
}

function slider(view, draw) {
  const label = make("label", "slider");
  const [input, output] = [make("input"), make("output", "", "50 %")];
  Object.assign(input, { type: "range", min: 0, max: 100, value: 50 });
  input.addEventListener("input", () => {
    view.strength = input.value / 100;
    output.textContent = `${input.value} %`;
    draw();
  });
  label.append(make("span", "", "Strength of the colours"), output, input);
  return label;
}

function downloads(card, file, told, bitmap, picture, view) {
  const stem = (card.photo.name || "photo").replace(/\.[^.]*$/, "");
  const row = make("div", "buttons");
  const mask = make("button", "", "Save mask");
  const overlay = make("button", "", "Save overlay");
  mask.addEventListener("click", () => download(file, `${stem}.mask.png`));
  overlay.addEventListener("click", () => {
    const scale = Math.min(1, Math.sqrt(LARGEST / (told.width * told.height)));
    const canvas = canvasOf(Math.round(told.width * scale), Math.round(told.height * scale));
    const classes = classesOf(picture, canvas.width, canvas.height);
    paint(canvas, bitmap, classes, view.strength, view.pinned);
    canvas.toBlob((blob) => download(blob, `${stem}.overlay.png`), "image/png");
  });
  row.append(mask, overlay);
  return row;
}

/* Labels */

function showLabels(card, told, bitmap) {
  const canvas = card.querySelector("canvas");
  [canvas.width, canvas.height] = scaled(told.width, told.height, 352);
  const small = Math.max(told.width, told.height) < 88; // garments of 28 pixels are enlarged without blur
  if (small) [canvas.width, canvas.height] = [canvas.width, canvas.height].map((side) => side * Math.ceil(176 / Math.max(told.width, told.height)));
  const pen = canvas.getContext("2d");
  pen.imageSmoothingEnabled = !small;
  pen.imageSmoothingQuality = "high";
  if (bitmap) pen.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  canvas.hidden = bitmap === null;
  canvas.setAttribute("aria-label", "The photo");
  card.querySelector(".side").append(...bars(told));
}

/** Return the most probable class in words, and bars of the most probable ones. */
function bars(told, most = 10) {
  const answer = make("p", "answer", told.label);
  answer.append(" ", make("small", "", percent(told.probability)));
  const list = make("div", "bars");
  const shown = Object.entries(told.probabilities).sort((one, other) => other[1] - one[1]).slice(0, most);
  shown.forEach(([name, probability], place) => {
    const bar = make("div", place ? "bar" : "bar first");
    const line = make("span", "line");
    line.style.setProperty("--share", probability);
    bar.append(make("span", "", name), line, make("span", "", percent(probability)));
    list.append(bar);
  });
  return [answer, list];
}

/* The board to draw on */

function startPad() {
  const board = byId("board");
  const { height, width } = model.image;
  const scale = 480 / Math.max(height, width);
  [board.width, board.height] = [Math.round(width * scale), Math.round(height * scale)];
  board.setAttribute("aria-label", "A black board to draw on in white");
  const pen = board.getContext("2d");
  const strokes = []; // each a list of [x, y]
  let stroke = null, key = null, asked = 0, later;

  const draw = () => {
    pen.fillStyle = "#000";
    pen.fillRect(0, 0, board.width, board.height);
    pen.lineWidth = 480 / 14; // two pixels of a garment of 28
    pen.lineCap = pen.lineJoin = "round";
    pen.strokeStyle = "#fff";
    for (const points of strokes) {
      pen.beginPath();
      pen.moveTo(...points[0]);
      points.forEach((point) => pen.lineTo(...point));
      pen.stroke();
    }
    byId("undo").disabled = byId("clear").disabled = strokes.length === 0;
  };
  const showPen = () => { // where the keys are, which is no part of the drawing
    pen.lineWidth = 3;
    pen.strokeStyle = key.down ? "#f0905a" : "#a09d96";
    pen.beginPath();
    pen.arc(key.x, key.y, 15, 0, 2 * Math.PI);
    pen.stroke();
  };
  const look = async () => {
    const number = ++asked;
    if (!strokes.length) return byId("drawn").replaceChildren();
    draw();
    const picture = new Promise((done) => board.toBlob(done, "image/png"));
    if (key) showPen();
    try {
      const told = await ask(await picture);
      if (number === asked) byId("drawn").replaceChildren(...bars(told, 5));
    } catch (error) {
      if (number === asked) byId("drawn").replaceChildren(make("p", "state wrong", sentence(error.message)));
    }
  };
  const lookSoon = (wait) => { clearTimeout(later); later = setTimeout(look, wait); };
  const place = (event) => {
    const box = board.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width * board.width, (event.clientY - box.top) / box.height * board.height];
  };
  board.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    board.setPointerCapture(event.pointerId);
    key = null;
    strokes.push(stroke = [place(event)]);
    draw();
  });
  board.addEventListener("pointermove", (event) => {
    if (!stroke) return;
    for (const one of event.getCoalescedEvents?.() ?? [event]) stroke.push(place(one));
    draw();
  });
  const lift = () => { if (stroke) { stroke = null; lookSoon(0); } };
  board.addEventListener("pointerup", lift);
  board.addEventListener("pointercancel", lift);
  board.addEventListener("keydown", (event) => {
    const step = 480 / 28;
    const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step], " ": [0, 0] };
    const move = moves[event.key];
    if (!move || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    key ??= { x: board.width / 2, y: board.height / 2, down: false };
    key.x = Math.min(board.width, Math.max(0, key.x + move[0]));
    key.y = Math.min(board.height, Math.max(0, key.y + move[1]));
    if (event.key === " ") {
      key.down = !key.down;
      if (key.down) strokes.push([[key.x, key.y]]);
    } else if (key.down) strokes.at(-1)?.push([key.x, key.y]);
    draw();
    showPen();
    if (key.down) lookSoon(300);
  });
  board.addEventListener("blur", () => { if (key) { key = null; draw(); } });
  byId("undo").addEventListener("click", () => { strokes.pop(); draw(); look(); });
  byId("clear").addEventListener("click", () => { strokes.length = 0; draw(); look(); });
  draw();
  byId("pad").hidden = false;
}

/* Ways in */

function startInputs() {
  for (const [button, input] of [["choose", "files"], ["take", "camera"]]) {
    byId(button).addEventListener("click", () => byId(input).click());
    byId(input).addEventListener("change", () => {
      addPhotos(byId(input).files);
      byId(input).value = "";
    });
  }
  byId("take").hidden = byId("or-paste").hidden = false;
  if (matchMedia("(hover: none)").matches) {
    byId("invite").textContent = "Show it a photo";
    byId("or-paste").hidden = true;
  } else byId("take").hidden = true; // on a computer it would only open the same dialogue again
  let depth = 0; // dragenter and dragleave come for each part that is passed
  const over = (change) => { depth = Math.max(0, change); document.body.classList.toggle("over", depth > 0); };
  addEventListener("dragenter", (event) => { event.preventDefault(); over(depth + 1); });
  addEventListener("dragleave", () => over(depth - 1));
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", (event) => { event.preventDefault(); over(0); addPhotos(event.dataTransfer.files); });
  addEventListener("paste", (event) => {
    const files = event.clipboardData.files;
    if (files.length) { event.preventDefault(); addPhotos(files); }
  });
}

async function start() {
  try {
    model = await (await fetch("/api/model")).json();
  } catch {
    byId("lead").textContent = "The server cannot be reached; see whether it still runs, and load this page again.";
    return;
  }
  const masks = model.kind === "masks";
  document.body.classList.add(model.kind);
  document.title = `${model.name} · Seamline`;
  byId("title").textContent = model.name;
  const many = model.classes.length;
  const names = model.classes.slice(0, 12).join(", ") + (many > 12 ? `, and ${many - 12} more` : "");
  byId("lead").textContent = `${masks ? "Finds, pixel by pixel" : "Tells apart"}: ${names}. Trained with ${model.dataset}.`;
  byId("allowed").textContent = `Up to ${megabytes(model.limits.bytes)} and ${+(model.limits.pixels / 1e6).toPrecision(3)} megapixels each`;
  startInputs();
  if (!masks) startPad();
}

start();
