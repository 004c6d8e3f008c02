/** The fronts of a photo: their windows, which can be ticked on and off, and the measures that follow. */

import { element, percent, setStatus, svgElement } from "./elements.js";
import { editFront, isCounted, polygonArea } from "./totals.js";

const KINDS = { window: "Window", door: "Door", shop: "Shop window" };

const plural = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;
const meters = (value) => (value === null ? "" : `${value.toFixed(1)} m`);
const toPoints = (outline) => outline.map((point) => point.join()).join(" ");
export const storeyName = ({ number, ground }) => (ground ? "Ground floor" : number ? `Storey ${number}` : "Lowest storey shown");

/** A front, and which of its openings count. */
export class FrontEditor {
  #listeners = [];

  constructor(front) {
    this.front = front;
    this.hot = null; // the opening under the pointer or with the focus
    this.reset();
  }

  /** The front with the measures of the openings that count now. */
  get edited() { return editFront(this.front, this.counted); }

  onChange(listener) { this.#listeners.push(listener); }
  #notify() { for (const listener of this.#listeners) listener(); }

  toggle(index) { this.counted[index] = !this.counted[index]; this.#notify(); }
  highlight(index) { this.hot = index; this.#notify(); }
  reset() { this.counted = this.front.openings.map(isCounted); this.#notify(); }
}

/** Return the outlines of the openings as SVG, in the coordinates of `field`; a click ticks a window on or off. */
export function makeOutlines(editor, field) {
  const group = svgElement("g");
  const shapes = editor.front.openings.map((opening, index) => {
    const shape = svgElement("polygon", { points: toPoints(opening[field]), class: `opening ${opening.kind}` });
    const title = svgElement("title");
    title.textContent = opening.kind === "window" ? "Count it or not" : KINDS[opening.kind];
    shape.append(title);
    if (opening.kind === "window") {
      shape.addEventListener("click", () => editor.toggle(index));
      shape.addEventListener("pointerenter", (event) => event.pointerType === "mouse" && editor.highlight(index));
      shape.addEventListener("pointerleave", () => editor.highlight(null));
    }
    group.append(shape);
    return shape;
  });
  const update = () => shapes.forEach((shape, index) => {
    shape.classList.toggle("off", !editor.counted[index]);
    shape.classList.toggle("hot", editor.hot === index);
  });
  editor.onChange(update);
  update();
  return group;
}

/** Return the panel of a front: its rectified picture, its measures, its windows and its notes. */
export function makeFront(editor, picture, level) {
  const { front } = editor;
  const panel = element("section", "front");
  const title = element("h3", "", `Front ${front.number}`);
  if (front.direction) title.append(element("small", "", ` faces ${front.direction}${front.azimuth === null ? "" : `, ${Math.round(front.azimuth)}°`}`));
  title.id = `front-${crypto.randomUUID?.() ?? Math.random()}`;
  panel.setAttribute("aria-labelledby", title.id);
  const measures = element("div", "measures");
  const body = element("div", "front-body");
  if (picture) body.append(makePicture(editor, picture));
  body.append(measures);
  panel.append(title, body, makeList(editor));
  if (front.notes.length) {
    const notes = element("ul", "notes small muted");
    notes.append(...front.notes.map((note) => element("li", "", note)));
    panel.append(notes);
  }
  let shown = "";
  const update = () => {
    const key = editor.counted.join();
    if (key === shown) return; // only the highlight has changed
    shown = key;
    const hadFocus = measures.contains(document.activeElement);
    measures.replaceChildren(...makeMeasures(editor, level));
    const { windows, wwr, edited } = editor.edited;
    if (edited) setStatus(`Front ${front.number}: ${plural(windows, "window")}, window-to-wall ratio ${wwr.value === null ? "not known" : percent(wwr.value)}`);
    if (hadFocus) panel.querySelector("summary")?.focus();
  };
  editor.onChange(update);
  update();
  return panel;
}

function makePicture(editor, picture) {
  const { front } = editor;
  const { width, height } = front.plane;
  const stage = element("div", "stage");
  const image = Object.assign(element("img"), { src: `data:image/jpeg;base64,${picture}`, alt: `Front ${front.number}, rectified` });
  const svg = svgElement("svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", "aria-hidden": "true" });
  for (const { top } of front.storeys.slice(0, -1)) svg.append(svgElement("line", { x1: 0, x2: width, y1: top, y2: top, class: "storey-line" }));
  svg.append(makeOutlines(editor, "outline"));
  stage.append(image, svg);
  return stage;
}

/* Measures */

function makeMeasures(editor, level) {
  const front = editor.edited;
  const parts = [makeTable(front), makeFacts(front)];
  if (front.edited) {
    const note = element("p", "edited small", "Edited: the changed totals have no interval. ");
    const undo = Object.assign(element("button", "link", "Undo the edits"), { type: "button" });
    undo.addEventListener("click", () => editor.reset());
    note.append(undo);
    parts.push(note);
  } else if (front.wwr.low !== null && level !== null) {
    parts.push(element("p", "small muted", `Below each ratio is its ${+(100 * level).toPrecision(3)} % interval${front.windows_probability ? ", below the windows how probable it is that their number is exact, or off by at most one" : ""}.`));
  }
  return parts;
}

function makeTable(front) {
  const table = element("table");
  const heights = front.height_m !== null || front.storeys.some((storey) => storey.height_m !== null);
  const heads = ["", "Windows", "Window-to-wall ratio", ...(heights ? ["Height"] : [])];
  const head = element("tr");
  head.append(...heads.map((text) => (text ? Object.assign(element("th", "", text), { scope: "col" }) : element("td"))));
  const body = element("tbody");
  const addRow = (name, className, { windows, wwr, height_m: height }, chance = "") => {
    const row = element("tr", className);
    const count = element("td", "", windows);
    if (chance) count.append(element("small", "", chance));
    const share = element("td", "", wwr.value === null ? "–" : percent(wwr.value));
    if (wwr.low !== null) share.append(element("small", "", `${(100 * wwr.low).toFixed(1)}–${percent(wwr.high)}`));
    row.append(Object.assign(element("th", "", name), { scope: "row" }), count, share);
    if (heights) row.append(element("td", "", meters(height)));
    body.append(row);
  };
  for (const storey of front.storeys.toReversed()) addRow(storeyName(storey), "", storey);
  const sure = front.windows_probability;
  addRow("Whole front", "total", front, sure ? `exact: ${Math.round(100 * sure.exact)} %, ±1: ${Math.round(100 * sure.within_one)} %` : "");
  const thead = element("thead");
  thead.append(head);
  table.append(element("caption", "visually-hidden", `Measures of front ${front.number}`), thead, body);
  return table;
}

/** Return what else is known of a front, as a line of short facts. */
function makeFacts(front) {
  const facts = [
    plural(front.storeys.length, "storey"),
    front.columns && plural(front.columns, "column"),
    front.doors && plural(front.doors, "door"),
    front.shops && plural(front.shops, "shop window"),
    front.balcony_fraction > 0 && `${percent(front.balcony_fraction)} balconies`,
    `${percent(front.hidden_fraction)} hidden`,
    front.width_m !== null && front.height_m !== null && `${front.width_m.toFixed(1)} × ${meters(front.height_m)}`,
    front.window_area_m2 !== null && `${front.window_area_m2.toFixed(1)} m² of windows`,
    front.inferred_windows && `${plural(front.inferred_windows, "window")} behind trees or vehicles, expected from rows and columns`,
    front.dropped && `${plural(front.dropped, "part")} of the mask dropped as no window`,
    front.cut_off.length && `cut off: ${front.cut_off.join(", ")}`,
  ];
  return element("p", "facts small muted", facts.filter(Boolean).join(" · "));
}

/* The list of windows */

/** Return the windows of a front as boxes to tick, storey by storey. */
function makeList(editor) {
  const { front } = editor;
  const details = element("details", "windows");
  const summary = element("summary");
  const middle = ({ outline }) => outline.reduce((sum, [x]) => sum + x, 0) / outline.length;
  const rows = [...front.storeys.toReversed(), null].map((storey) => ({
    name: storey ? storeyName(storey) : "In no storey",
    indices: [...front.openings.keys()]
      .filter((i) => front.openings[i].kind === "window" && (front.openings[i].storey ?? null) === (storey?.number ?? null))
      .sort((one, other) => middle(front.openings[one]) - middle(front.openings[other])),
  })).filter(({ indices }) => indices.length);
  const boxes = [];
  details.append(summary, ...rows.map(({ name, indices }) => {
    const group = element("fieldset");
    group.append(element("legend", "", name), ...indices.map((index, place) => {
      const box = makeBox(editor, index, `${place + 1}`);
      boxes.push([box.firstChild, index]);
      return box;
    }));
    return group;
  }));
  const update = () => {
    summary.textContent = `Choose the windows that count (${boxes.filter(([, i]) => editor.counted[i]).length} of ${boxes.length})`;
    for (const [box, index] of boxes) {
      box.checked = editor.counted[index];
      box.parentElement.classList.toggle("hot", editor.hot === index);
    }
  };
  editor.onChange(update);
  update();
  details.hidden = !boxes.length;
  return details;
}

function makeBox(editor, index, text) {
  const opening = editor.front.openings[index];
  const label = element("label", opening.inferred ? "inferred" : "");
  const box = Object.assign(element("input"), { type: "checkbox" });
  box.addEventListener("change", () => editor.toggle(index));
  box.addEventListener("focus", () => editor.highlight(index));
  box.addEventListener("blur", () => editor.highlight(null));
  label.addEventListener("pointerenter", (event) => event.pointerType === "mouse" && editor.highlight(index));
  label.addEventListener("pointerleave", () => editor.highlight(null));
  const share = polygonArea(opening.outline) / (editor.front.plane.width * editor.front.plane.height);
  label.append(box, element("span", "visually-hidden", "Window "), text, element("span", "visually-hidden", `, ${percent(share)} of the plane`));
  if (opening.inferred) label.append(element("small", "", " hidden"));
  return label;
}
