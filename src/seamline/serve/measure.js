/** The view `Measure` of a photo: the request, the photo with its fronts, and the downloads. */

import { enqueue, send } from "./api.js";
import { byId, DISPLAY_SIDE, download, element, fit, percent, sentence, setStatus, stemOf, svgElement } from "./elements.js";
import { paintPhoto } from "./colors.js";
import { Corners, startCorners } from "./corners.js";
import { FrontEditor, makeFront, makeOutlines } from "./fronts.js";
import { model } from "./model.js";
import { Progress } from "./progress.js";
import { polygonArea, toCsv } from "./totals.js";

/** Add the empty view to the card of a photo. */
export function addMeasures(card) {
  const view = byId("measure").content.firstElementChild.cloneNode(true);
  const form = view.querySelector("form");
  const { scale, meters } = form.elements;
  scale.addEventListener("change", () => {
    meters.disabled = meters.closest("label").hidden = !scale.value;
    if (scale.value) meters.focus();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const progress = new Progress(view.querySelector(".state"));
    enqueue(() => card.isConnected && fillMeasures(card, progress), (place) => progress.wait(place));
  });
  view.querySelector(".set-corners").addEventListener("click", () => setCorners(view, !view.corners.visible));
  view.querySelector(".save-json").addEventListener("click", () => saveJson(card, view));
  view.querySelector(".save-csv").addEventListener("click", () => {
    const table = toCsv(card.photo.name || "photo", view.editors.map((editor) => editor.edited));
    download(new Blob([table], { type: "text/csv" }), `${stemOf(card.photo)}.measures.csv`);
  });
  Object.assign(view, { editors: [], corners: null });
  card.append(view);
}

/** Measure the photo of a card with the corners and the options of its form. */
export async function fillMeasures(card, progress) {
  const view = card.querySelector(".measure");
  const submit = view.querySelector("[type=submit]");
  submit.disabled = true;
  try {
    view.stageReady ??= showPhoto(card, view);
    const response = await send(`/api/measure?${query(view)}`, card.photo, (sent) => progress.send(sent, "Measuring"));
    await view.stageReady;
    card.querySelector("small").textContent = `${response.width} × ${response.height}`;
    showResponse(view, response);
    progress.end();
    const parts = response.fronts.map(({ number, wwr }) => `front ${number} ${wwr.value === null ? "not known" : percent(wwr.value)}`);
    setStatus(`${card.querySelector("h2").textContent}: window-to-wall ratio of ${parts.join(", ")}`);
  } catch (error) {
    await view.stageReady;
    showFronts(view, [], [], null);
    progress.fail(sentence(error));
  }
  submit.disabled = false;
}

function query(view) {
  const { scale, meters, azimuth } = view.querySelector("form").elements;
  const values = new URLSearchParams({ pictures: true });
  if (view.corners?.visible) values.set("corners", view.corners.points.map((point) => point.join()).join(" "));
  if (scale.value) values.set(scale.value, meters.value);
  if (azimuth.value !== "") values.set("azimuth", azimuth.value);
  return values;
}

/* The photo */

/** Draw the photo, if this browser can show it; its corners can be set even where no building is found. */
async function showPhoto(card, view) {
  view.bitmap = await card.bitmap;
  if (view.bitmap) makeStage(view, view.bitmap.width, view.bitmap.height);
}

function makeStage(view, width, height) {
  const stage = view.querySelector(".stage");
  const canvas = stage.querySelector("canvas");
  [canvas.width, canvas.height] = fit(width, height, DISPLAY_SIDE);
  paintPhoto(canvas, view.bitmap);
  const svg = svgElement("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
  view.layer = svgElement("g");
  svg.append(view.layer);
  stage.replaceChildren(canvas, svg);
  view.corners = new Corners(stage, svg, width, height);
  view.querySelector(".measured").hidden = false;
}

function setCorners(view, on) {
  if (on) {
    const { width, height } = view.querySelector(".stage svg").viewBox.baseVal;
    const largest = view.editors.map(({ front }) => front).sort((one, other) => polygonArea(other.outline) - polygonArea(one.outline))[0];
    view.corners.show(startCorners(largest, width, height));
  } else {
    view.corners.hide();
  }
  view.querySelector(".set-corners").ariaPressed = on;
  view.querySelector(".corner-help").hidden = !on;
}

/* The fronts */

function showResponse(view, { width, height, fronts, pictures, interval_level: level, warnings }) {
  const shown = view.corners?.size;
  if (shown?.[0] !== width || shown?.[1] !== height) makeStage(view, width, height); // the browser may not turn a photo as the server does
  view.response = { width, height, interval_level: level };
  showFronts(view, fronts, pictures, level);
  view.querySelector(".fronts").prepend(...warnings.map((warning) => element("p", "novel", sentence({ message: `the photo: ${warning}` }))));
}

function showFronts(view, fronts, pictures, level) {
  view.editors = fronts.map((front) => new FrontEditor(front));
  view.querySelector(".fronts").replaceChildren(...view.editors.map((editor, i) => makeFront(editor, pictures[i], level)));
  view.querySelector(".saves").hidden = !fronts.length;
  if (!view.layer) return;
  for (const tag of view.querySelectorAll(".plan .tag")) tag.remove();
  view.layer.replaceChildren(...view.editors.flatMap((editor) => {
    const outline = svgElement("polygon", { points: editor.front.outline.map((point) => point.join()).join(" "), class: "front-outline" });
    return [outline, makeOutlines(editor, "photo_outline")];
  }));
  view.querySelector(".stage").append(...fronts.map((front) => makeTag(view, front)));
  const windows = fronts.reduce((sum, front) => sum + front.windows, 0);
  view.querySelector("canvas").setAttribute("aria-label", `The photo with ${fronts.length} fronts and ${windows} windows`);
  view.querySelector(".key").textContent = fronts.length ? "Click a window to count it or not. Orange is counted, dashed is not; doors and shop windows are white." : "";
}

/** Return the number of a front, at the upper left of its outline. */
function makeTag(view, { number, outline }) {
  const { width, height } = view.querySelector(".stage svg").viewBox.baseVal;
  const [x, y] = outline.reduce((best, point) => (point[0] + point[1] < best[0] + best[1] ? point : best));
  const tag = element("span", "tag", number);
  tag.style.setProperty("left", `${100 * Math.min(0.96, Math.max(0, x / width))}%`);
  tag.style.setProperty("top", `${100 * Math.min(0.96, Math.max(0, y / height))}%`);
  return tag;
}

function saveJson(card, view) {
  const content = { photo: card.photo.name || "photo", model: model.name, ...view.response, fronts: view.editors.map((editor) => editor.edited) };
  download(new Blob([JSON.stringify(content, null, 1)], { type: "application/json" }), `${stemOf(card.photo)}.measures.json`);
}
