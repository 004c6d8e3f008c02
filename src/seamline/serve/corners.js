/** Four corners over a photo that are moved by mouse, finger and keys. */

import { element, svgElement } from "./elements.js";

const NAMES = ["Upper left", "Upper right", "Lower right", "Lower left"];
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** Handles over a photo of a size in pixels, clockwise from the upper left; hidden at first. */
export class Corners {
  constructor(stage, svg, width, height) {
    Object.assign(this, { stage, size: [width, height], points: [] });
    this.frame = svgElement("polygon", { class: "corner-frame" });
    svg.append(this.frame);
    this.handles = NAMES.map((name, i) => this.#makeHandle(name, i));
    stage.append(...this.handles);
    this.hide();
  }

  get visible() { return !this.handles[0].hidden; }

  show(points) {
    this.points = points.map((point) => this.#inside(point));
    this.#setHidden(false);
    this.#draw();
  }

  hide() { this.#setHidden(true); }

  #setHidden(hidden) {
    for (const handle of this.handles) handle.hidden = hidden;
    this.frame.setAttribute("visibility", hidden ? "hidden" : "visible");
  }

  #inside(point) { return point.map((value, axis) => Math.round(10 * Math.min(this.size[axis], Math.max(0, value))) / 10); }

  #makeHandle(name, i) {
    const handle = Object.assign(element("button", "handle"), { type: "button" });
    handle.append(element("span", "visually-hidden"));
    handle.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      handle.setPointerCapture(event.pointerId);
      handle.focus();
      event.preventDefault(); // no selection of text, and no scrolling on touch
    });
    handle.addEventListener("pointermove", (event) => {
      if (!handle.hasPointerCapture(event.pointerId)) return;
      const box = this.stage.getBoundingClientRect();
      this.#move(i, [(event.clientX - box.left) / box.width * this.size[0], (event.clientY - box.top) / box.height * this.size[1]]);
    });
    handle.addEventListener("keydown", (event) => {
      const move = MOVES[event.key];
      if (!move || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      const step = event.shiftKey ? 10 : 1;
      this.#move(i, this.points[i].map((value, axis) => value + step * move[axis]));
    });
    return handle;
  }

  #move(i, point) {
    this.points[i] = this.#inside(point);
    this.#draw();
  }

  #draw() {
    this.frame.setAttribute("points", this.points.map((point) => point.join()).join(" "));
    this.points.forEach(([x, y], i) => {
      const { style, firstChild } = this.handles[i];
      style.setProperty("left", `${100 * x / this.size[0]}%`);
      style.setProperty("top", `${100 * y / this.size[1]}%`);
      firstChild.textContent = `${NAMES[i]} corner, x ${Math.round(x)}, y ${Math.round(y)}`;
    });
  }
}

/** Return corners to start from: those of a front's plane as far as they are inside the photo, else a frame in it. */
export function startCorners(front, width, height) {
  const inside = ([x, y]) => x >= 0 && x <= width && y >= 0 && y <= height;
  const frame = [[0.2, 0.2], [0.8, 0.2], [0.8, 0.8], [0.2, 0.8]].map(([x, y]) => [x * width, y * height]);
  if (!front) return frame;
  const { homography, width: right, height: bottom } = front.plane;
  const toPhoto = adjugate(homography);
  for (let margin = 0; margin < 0.4; margin += 0.01) { // a smaller rectangle in the plane stays a rectangle there
    const [left, top] = [margin * right, margin * bottom];
    const corners = [[left, top], [right - left, top], [right - left, bottom - top], [left, bottom - top]].map((point) => project(toPhoto, point));
    if (corners.every(inside)) return corners;
  }
  return frame;
}

/** Return the inverse of a homography, given by rows, up to its scale. */
function adjugate([a, b, c, d, e, f, g, h, i]) {
  return [e * i - f * h, c * h - b * i, b * f - c * e, f * g - d * i, a * i - c * g, c * d - a * f, d * h - e * g, b * g - a * h, a * e - b * d];
}

function project([a, b, c, d, e, f, g, h, i], [x, y]) {
  const w = g * x + h * y + i;
  return [(a * x + b * y + c) / w, (d * x + e * y + f) / w];
}
