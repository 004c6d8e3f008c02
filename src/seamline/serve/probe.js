/** The class and its probability at a point of a photo: under the pointer, where a finger taps, and by the arrow keys. */

import { cssColor } from "./colors.js";
import { element, setStatus } from "./elements.js";
import { model } from "./model.js";

const STEP = 0.01; // of the photo's width or height, by a key; with Shift ten times as far
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** What stands over the photo of a `MaskView` and names the class at a point. */
export class Probe {
  constructor(view) {
    this.view = view;
    this.point = [0.5, 0.5]; // fractions of width and height
    this.area = Object.assign(element("div", "probe"), { tabIndex: 0 });
    this.area.setAttribute("role", "application");
    this.area.setAttribute("aria-label", "Class at a point of the photo; the arrow keys move the point");
    this.mark = element("span", "probe-mark");
    this.tip = element("span", "probe-tip");
    this.area.append(this.mark, this.tip);
    this.hide();
    this.area.addEventListener("pointermove", (event) => event.pointerType === "mouse" && this.#follow(event));
    this.area.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && this.hide());
    this.area.addEventListener("click", (event) => { this.#follow(event); this.#announce(); });
    this.area.addEventListener("focus", () => this.area.matches(":focus-visible") && this.show());
    this.area.addEventListener("blur", () => this.hide());
    this.area.addEventListener("keydown", (event) => this.#press(event));
  }

  hide() { this.mark.hidden = this.tip.hidden = true; }

  show() {
    const [x, y] = this.point;
    const { width, height, classes, probabilities } = this.view;
    const pixel = Math.min(height - 1, Math.floor(y * height)) * width + Math.min(width - 1, Math.floor(x * width));
    const name = model.classes[classes[pixel]] ?? "no class";
    this.text = `${name}, ${Math.round(probabilities[pixel] / 2.55)} %`;
    this.tip.textContent = this.text;
    this.tip.style.setProperty("--c", model.palette[classes[pixel]] ? cssColor(classes[pixel]) : "transparent");
    for (const part of [this.mark, this.tip]) {
      part.style.setProperty("left", `${100 * x}%`);
      part.style.setProperty("top", `${100 * y}%`);
      part.hidden = false;
    }
    this.tip.classList.toggle("left", x > 0.6);
    this.tip.classList.toggle("above", y > 0.8);
  }

  #follow(event) {
    const box = this.area.getBoundingClientRect();
    this.point = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height].map((value) => Math.min(1, Math.max(0, value)));
    this.show();
  }

  #press(event) {
    if (event.key === "Escape") return this.hide();
    const move = MOVES[event.key];
    if (!move || event.ctrlKey || event.metaKey || event.altKey) return null;
    event.preventDefault();
    const step = event.shiftKey ? 10 * STEP : STEP;
    this.point = this.point.map((value, axis) => Math.min(1, Math.max(0, value + step * move[axis])));
    this.show();
    return this.#announce();
  }

  #announce() { setStatus(this.text); }
}
