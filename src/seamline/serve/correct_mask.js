/** Corrects a mask: brush, polygon and superpixels of a class, undo and redo. There is no eraser: paint the right class. */

import { cssColor, paintClasses, readClasses, readPixels, UNKNOWN } from "./colors.js";
import { post } from "./correct_api.js";
import { History } from "./correct_history.js";
import { drawStroke, fillPolygon, fillRegion, forEachPixel, regionAt } from "./correct_shapes.js";
import { Stage } from "./correct_stage.js";
import { DISPLAY_SIDE, element, fit, makeCanvas, sentence, svgElement } from "./elements.js";
import { model } from "./model.js";

const TOOLS = [
  ["brush", "Brush", "b", "Paint with the chosen class."],
  ["polygon", "Polygon", "p", "Click the corners; Enter, or a click on the first corner, fills it. Backspace takes back a corner."],
  ["superpixel", "Region", "s", "Click a region to fill it; drag to fill several."],
];
const KEYBOARD = "Keys: 1 to 9 choose a class, 0 “Not sure”, B, P and S a tool, [ and ] the size of the brush. Arrow keys move the cursor and the space bar lowers and lifts the brush.";
const STRIPES = [0xffffffff, 0xff505050]; // over what has no class: white and gray
const CLOSE = 12; // screen pixels from the first corner within which a click closes a polygon

export class MaskEditor {
  /** `grid` has the predicted classes; `onChange` is called after each change. */
  constructor(photo, bitmap, grid, onChange) {
    Object.assign(this, { photo, grid, onChange, history: new History(grid), value: 0, size: 24, points: [], last: null, hovered: null, regions: null, region: 0 });
    this.colors = new Uint32Array(256);
    model.palette.forEach((color, index) => new Uint8ClampedArray(this.colors.buffer).set([...color, color.some(Boolean) ? 255 : 0], 4 * index));
    this.stage = new Stage(grid.width, grid.height, this.#makeTool());
    this.stage.photo.getContext("2d").drawImage(bitmap, 0, 0, grid.width, grid.height);
    this.stage.element.setAttribute("aria-label", "The photo with its classes");
    this.outline = svgElement("polyline", { class: "correct-polygon" });
    this.start = svgElement("circle", { class: "correct-start", visibility: "hidden" });
    this.pointer = svgElement("circle", { class: "correct-brush", visibility: "hidden" });
    this.stage.svg.append(this.outline, this.start, this.pointer);
    this.controls = element("div", "correct-controls");
    this.controls.append(this.#makeTools(), this.#makeSizes(), this.#makeClasses(), this.#makeHelp());
    this.choose("brush");
    this.chooseClass(mostCommon(grid.data, model.classes.length));
    this.#drawAll();
    this.#changed();
  }

  /** What is corrected: a copy of the classes. */
  get content() { return this.grid.data.slice(); }

  restore(content) {
    this.grid.data.set(content);
    this.#drawAll();
  }

  /** Return the mask for the server: a PNG of the classes' colors. */
  async form() {
    const canvas = makeCanvas(this.grid.width, this.grid.height);
    paintClasses(canvas, this.grid.data, new Set(this.values));
    return { mask: await new Promise((resolve) => canvas.toBlob(resolve, "image/png")) };
  }

  /** Handle a key that is pressed anywhere in the dialog; returns whether it means something here. */
  key(event) {
    const name = event.key.toLowerCase();
    if ((event.ctrlKey || event.metaKey) && !event.altKey && (name === "z" || name === "y")) {
      this.#step(name === "y" || event.shiftKey ? "redo" : "undo");
      return true;
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return false;
    const tool = TOOLS.find(([, , letter]) => letter === name);
    if (tool) this.choose(tool[0]);
    else if (/^[1-9]$/.test(name) && name <= model.classes.length) this.chooseClass(name - 1);
    else if (name === "0") this.chooseClass(UNKNOWN);
    else if (name === "[" || name === "]") this.setSize(this.size * (name === "]" ? 1.25 : 0.8));
    else if (this.points.length && name === "enter" && event.target === this.stage.element) this.#closePolygon();
    else if (this.points.length && name === "backspace") this.#setPoints(this.points.slice(0, -1));
    else if (this.points.length && name === "escape") this.#setPoints([]);
    else return false;
    return true;
  }

  choose(tool) {
    this.stage.tool.cancel();
    this.#setPoints([]);
    this.mode = tool;
    for (const [name, , , help] of TOOLS) {
      this.tools[name].ariaPressed = name === tool;
      if (name === tool) this.help.textContent = help;
    }
    this.stage.hints.hidden = tool !== "superpixel";
    this.sizes.hidden = tool !== "brush";
    if (tool === "superpixel") this.#loadRegions();
    this.#hover(this.hovered);
  }

  /** Choose what is painted: the index of a class, or `UNKNOWN`. */
  chooseClass(value) {
    this.value = value;
    this.buttons.forEach((button, i) => { button.ariaPressed = this.values[i] === value; });
    this.buttons[this.values.indexOf(value)].scrollIntoView?.({ block: "nearest", inline: "nearest" });
  }

  setSize(size) {
    this.size = Math.min(200, Math.max(1, Math.round(size)));
    this.slider.value = Math.round(100 * Math.log(this.size) / Math.log(200));
    this.sizeText.textContent = `${this.size} px`;
    this.#hover(this.hovered);
  }

  /** Take over the tool, class and size of the brush of another editor. */
  adopt({ mode, value, size }) {
    this.choose(mode);
    this.chooseClass(value);
    this.setSize(size);
  }

  #makeTool() {
    const editor = this;
    return {
      get strokes() { return editor.mode === "brush"; },
      get step() { return Math.max(2, Math.round(editor.mode === "brush" ? editor.size / 2 : editor.grid.width / 100)); },
      down: (point) => editor.#down(point),
      move: (point) => editor.#move(point),
      up: () => editor.#end(),
      cancel: () => {
        const box = editor.history?.cancel();
        if (box) editor.#draw(box);
        editor.last = null;
      },
      hover: (point) => editor.#hover(point),
    };
  }

  #down(point) {
    if (this.mode === "polygon") {
      const [first] = this.points;
      const closes = this.points.length > 2 && Math.hypot(point[0] - first[0], point[1] - first[1]) * this.stage.scale < CLOSE;
      if (closes) this.#closePolygon(); else this.#setPoints([...this.points, point]);
      return;
    }
    this.history.begin();
    this.last = point;
    this.#move(point);
  }

  #move(point) {
    this.#hover(point);
    if (!this.last) return;
    const box = this.mode === "brush"
      ? drawStroke(this.grid, this.last, point, this.size / 2, this.value)
      : this.regions && fillRegion(this.grid, this.regions, point, this.value);
    this.last = point;
    this.history.add(box);
    if (box) this.#draw(box);
  }

  #end() {
    if (!this.last) return;
    this.last = null;
    if (this.history.end()) this.#changed();
  }

  #closePolygon() {
    const points = this.points;
    this.#setPoints([]);
    if (points.length < 3) return;
    this.history.begin();
    const box = fillPolygon(this.grid, points, this.value);
    this.history.add(box);
    if (box) this.#draw(box);
    if (this.history.end()) this.#changed();
  }

  #setPoints(points) {
    this.points = points;
    this.outline.setAttribute("points", points.map((point) => point.join()).join(" "));
    this.start.setAttribute("visibility", points.length ? "visible" : "hidden");
    if (points.length) for (const [name, value] of [["cx", points[0][0]], ["cy", points[0][1]], ["r", 5 / this.stage.scale]]) this.start.setAttribute(name, value);
  }

  /** Show what the tool would do at a point; null hides it. */
  #hover(point) {
    this.hovered = point;
    const radius = this.mode === "brush" ? this.size / 2 : 3 / this.stage.scale;
    this.pointer.setAttribute("visibility", point && this.mode !== "superpixel" ? "visible" : "hidden");
    if (point) for (const [name, value] of [["cx", point[0]], ["cy", point[1]], ["r", radius]]) this.pointer.setAttribute(name, value);
    if (this.mode === "polygon" && this.points.length) this.outline.setAttribute("points", [...this.points, ...(point ? [point] : [])].map((one) => one.join()).join(" "));
    if (this.mode === "superpixel" && this.regions) this.#highlight(point ? regionAt(this.grid, this.regions, ...point) : 0);
  }

  #highlight(number) {
    if (number === this.region) return;
    const context = this.stage.hints.getContext("2d");
    context.putImageData(this.lines, 0, 0);
    this.region = number;
    if (!number) return;
    context.fillStyle = "rgb(255 255 255 / 0.45)";
    forEachPixel(this.grid, this.regions, number, (x, y) => context.fillRect(x, y, 1, 1));
  }

  async #loadRegions() {
    if (this.regions || this.loading) return;
    this.loading = true;
    this.help.textContent = "Dividing the photo into regions …";
    try {
      const answer = await post("/api/superpixels", this.photo, (response) => response.blob());
      this.regions = await readRegions(answer);
      this.lines = drawLines(this.grid, this.regions);
      this.stage.hints.getContext("2d").putImageData(this.lines, 0, 0);
      if (this.mode === "superpixel") this.help.textContent = TOOLS[2][3];
    } catch (error) {
      this.help.textContent = sentence(error);
    }
    this.loading = false;
  }

  #step(name) {
    this.stage.tool.cancel();
    const box = this.history[name]();
    if (!box) return;
    this.#draw(box);
    this.#changed();
  }

  #changed() {
    this.undoButton.disabled = !this.history.done.length;
    this.redoButton.disabled = !this.history.undone.length;
    this.onChange();
  }

  #drawAll() { this.#draw({ left: 0, top: 0, right: this.grid.width, bottom: this.grid.height }); }

  /** Draw the colors of the classes in a box. */
  #draw({ left, top, right, bottom }) {
    const layer = new ImageData(right - left, bottom - top);
    const pixels = new Uint32Array(layer.data.buffer);
    let i = 0;
    for (let y = top; y < bottom; y++) for (let x = left; x < right; x++) {
      const value = this.grid.data[y * this.grid.width + x];
      pixels[i++] = value === UNKNOWN ? STRIPES[((x + y) >> 2) & 1] : this.colors[value];
    }
    this.stage.overlay.getContext("2d").putImageData(layer, left, top);
  }

  #makeTools() {
    const row = element("div", "correct-tools");
    Object.assign(row, { role: "group", ariaLabel: "Tools" });
    this.tools = {};
    for (const [name, title, letter] of TOOLS) {
      this.tools[name] = makeButton(title, () => this.choose(name));
      this.tools[name].append(" ", element("kbd", "", letter.toUpperCase()));
      row.append(this.tools[name]);
    }
    this.undoButton = makeButton("Undo", () => this.#step("undo"));
    this.redoButton = makeButton("Redo", () => this.#step("redo"));
    row.append(this.undoButton, this.redoButton);
    return row;
  }

  #makeSizes() {
    const box = element("div", "correct-sliders");
    this.sizes = element("label", "slider");
    this.slider = Object.assign(element("input"), { type: "range", min: 0, max: 100 });
    this.sizeText = element("output");
    this.slider.addEventListener("input", () => this.setSize(200 ** (this.slider.value / 100)));
    this.sizes.append(element("span", "", "Brush"), this.sizeText, this.slider);
    const strength = element("label", "slider");
    const [input, output] = [Object.assign(element("input"), { type: "range", min: 0, max: 100, value: 50 }), element("output", "", "50 %")];
    input.addEventListener("input", () => {
      this.stage.overlay.style.setProperty("opacity", input.value / 100);
      output.textContent = `${input.value} %`;
    });
    strength.append(element("span", "", "Opacity"), output, input);
    box.append(this.sizes, strength);
    this.setSize(this.size);
    return box;
  }

  #makeClasses() {
    const list = element("div", "correct-classes");
    Object.assign(list, { role: "group", ariaLabel: "Classes" });
    this.values = [...model.classes.keys(), UNKNOWN];
    this.buttons = this.values.map((value) => {
      const [button, swatch] = [makeButton("", () => this.chooseClass(value)), element("i", value === UNKNOWN ? "none" : "")];
      if (value !== UNKNOWN) swatch.style.setProperty("--c", cssColor(value));
      const key = value === UNKNOWN ? "0" : value < 9 ? `${value + 1}` : "";
      button.append(swatch, element("span", "", model.classes[value] ?? "Not sure"), ...(key ? [element("kbd", "", key)] : []));
      return button;
    });
    list.append(...this.buttons);
    return list;
  }

  #makeHelp() {
    const box = element("div", "correct-help small muted");
    this.help = element("p");
    this.help.id = "correct-help";
    this.stage.element.setAttribute("aria-describedby", "correct-help correct-keys");
    const keys = Object.assign(element("p", "", KEYBOARD), { id: "correct-keys" });
    box.append(this.help, keys);
    return box;
  }
}

export function makeButton(text, onClick) {
  const button = Object.assign(element("button", "", text), { type: "button" });
  button.addEventListener("click", onClick);
  return button;
}

/** Return the classes of a predicted mask, a palette PNG in base64, reduced to what the page edits. */
export async function readMask(base64, width, height) {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const [columns, rows] = fit(width, height, DISPLAY_SIDE);
  const classes = readClasses(await createImageBitmap(new Blob([bytes], { type: "image/png" })), columns, rows);
  return { width: columns, height: rows, data: classes.map((value) => (value < model.classes.length ? value : 0)) };
}

async function readRegions(png) {
  const bitmap = await createImageBitmap(png);
  const pixels = readPixels(bitmap, bitmap.width, bitmap.height);
  const data = new Uint16Array(bitmap.width * bitmap.height);
  for (let i = 0; i < data.length; i++) data[i] = 256 * pixels[4 * i] + pixels[4 * i + 1];
  return { width: bitmap.width, height: bitmap.height, data };
}

/** Return a picture of the lines between superpixels. */
function drawLines(grid, regions) {
  const lines = new ImageData(grid.width, grid.height);
  const pixels = new Uint32Array(lines.data.buffer);
  const [white] = new Uint32Array(new Uint8Array([255, 255, 255, 130]).buffer);
  const numbers = new Uint16Array(grid.width * grid.height);
  for (let y = 0, i = 0; y < grid.height; y++) for (let x = 0; x < grid.width; x++, i++) numbers[i] = regionAt(grid, regions, x, y);
  for (let y = 1, i = grid.width; y < grid.height; y++) {
    for (let x = 0; x < grid.width; x++, i++) if (numbers[i] !== numbers[i - grid.width] || (x && numbers[i] !== numbers[i - 1])) pixels[i] = white;
  }
  return lines;
}

function mostCommon(data, count) {
  const counts = new Array(count).fill(0);
  for (const value of data) counts[value]++;
  const painted = counts.map((number, index) => (model.palette[index].some(Boolean) ? number : -1));
  return painted.indexOf(Math.max(...painted));
}
