/** The classes of a photo: a switch for each, its fraction, and its highlight. */

import { cssColor, isLight } from "./colors.js";
import { element, percent } from "./elements.js";
import { model } from "./model.js";

/** Return the list of classes, the most frequent first, and a note about intervals where there are some. */
export function makeLegend({ class_fractions: fractions, class_intervals: intervals }, view) {
  const list = element("ul", "legend");
  list.setAttribute("aria-label", "Classes and their fractions of the photo");
  const order = [...model.classes.keys()].sort((one, other) => fractions[model.classes[other]] - fractions[model.classes[one]]);
  list.append(...order.map((index) => {
    const item = element("li");
    item.append(makeSwitch(view, index), makeHighlight(view, index, fractions[model.classes[index]], intervals[model.classes[index]]));
    return item;
  }));
  const note = `Below each fraction is its ${+(100 * model.interval_level).toPrecision(3)} % interval for photos like the training images.`;
  return Object.keys(intervals).length ? [list, element("p", "muted small", note)] : [list];
}

function makeSwitch(view, index) {
  const box = Object.assign(element("input"), { type: "checkbox", checked: view.shown.has(index), title: `Show or hide ${model.classes[index]}` });
  box.setAttribute("aria-label", `Show ${model.classes[index]}`);
  box.style.setProperty("--c", cssColor(index));
  box.style.setProperty("--tick", isLight(index) ? "#000" : "#fff");
  box.addEventListener("change", () => view.setShown(index, box.checked));
  return box;
}

function makeHighlight(view, index, fraction, interval) {
  const button = Object.assign(element("button"), { type: "button", ariaPressed: "false", title: "Highlight this class" });
  const bar = element("span", "line");
  bar.style.setProperty("--fraction", fraction);
  const value = element("span", "fraction", percent(fraction));
  const ends = interval?.map((end) => (100 * end).toFixed(1)).join("–");
  if (ends) value.append(element("small", "", ends));
  button.append(element("span", "", model.classes[index]), value, bar);
  button.addEventListener("pointerenter", (event) => event.pointerType === "mouse" && view.hover(index));
  button.addEventListener("pointerleave", () => view.hover(null));
  button.addEventListener("click", () => {
    view.pin(index);
    for (const one of button.closest(".legend").querySelectorAll("button")) one.ariaPressed = one === button && view.pinned !== null;
  });
  return button;
}
