/** A picture that is zoomed and moved, and on which a tool works: with the mouse, a pen, fingers and keys. */

import { element, makeCanvas, svgElement } from "./elements.js";

const MOST_ZOOM = 12; // screen pixels per pixel of the picture, but at least 4 times the whole picture
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * The picture of a size in pixels. `tool` has `down`, `move`, `up`, `cancel` and `hover`, each called with a point of
 * the picture, and `step`, how far an arrow key moves.
 */
export class Stage {
  constructor(width, height, tool) {
    Object.assign(this, { width, height, tool, scale: 1, fitScale: 1, x: 0, y: 0, pointers: new Map(), drag: null, cursor: null, lowered: false, space: false });
    this.element = element("div", "correct-stage");
    this.picture = element("div", "correct-picture");
    [this.photo, this.overlay, this.hints] = [0, 1, 2].map(() => makeCanvas(width, height));
    this.svg = svgElement("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
    this.picture.append(this.photo, this.overlay, this.hints, this.svg);
    for (const part of this.picture.children) {
      part.style.setProperty("width", `${width}px`);
      part.style.setProperty("height", `${height}px`);
    }
    this.element.append(this.picture);
    Object.assign(this.element, { tabIndex: 0, role: "application" });
    this.#listen();
    new ResizeObserver(() => this.#resized()).observe(this.element);
  }

  fit() {
    const { clientWidth, clientHeight } = this.element;
    this.scale = this.fitScale;
    [this.x, this.y] = [(clientWidth - this.width * this.scale) / 2, (clientHeight - this.height * this.scale) / 2];
    this.#place();
  }

  zoom(factor, center = null) {
    const box = this.element.getBoundingClientRect();
    const [cx, cy] = center ?? [box.width / 2, box.height / 2];
    const scale = Math.min(Math.max(MOST_ZOOM, 4 * this.fitScale), Math.max(this.fitScale, this.scale * factor));
    [this.x, this.y] = [cx - (cx - this.x) * scale / this.scale, cy - (cy - this.y) * scale / this.scale];
    this.scale = scale;
    this.#place();
  }

  #resized() {
    const whole = this.scale === this.fitScale;
    const { clientWidth, clientHeight } = this.element;
    if (!clientWidth || !clientHeight) return;
    this.fitScale = Math.min(clientWidth / this.width, clientHeight / this.height);
    if (whole) this.fit(); else this.#place();
  }

  #place() {
    const { clientWidth, clientHeight } = this.element;
    const inside = (offset, length, room) => length <= room ? (room - length) / 2 : Math.min(0, Math.max(room - length, offset));
    this.x = inside(this.x, this.width * this.scale, clientWidth);
    this.y = inside(this.y, this.height * this.scale, clientHeight);
    this.picture.style.setProperty("transform", `translate(${this.x}px, ${this.y}px) scale(${this.scale})`);
    this.picture.classList.toggle("enlarged", this.scale > 2);
  }

  #offset(event) {
    const box = this.element.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  #point(event) {
    const [x, y] = this.#offset(event);
    return [(x - this.x) / this.scale, (y - this.y) / this.scale];
  }

  #listen() {
    const { element: area } = this;
    area.addEventListener("pointerdown", (event) => this.#down(event));
    area.addEventListener("pointermove", (event) => this.#move(event));
    for (const kind of ["pointerup", "pointercancel"]) area.addEventListener(kind, (event) => this.#up(event));
    area.addEventListener("pointerleave", () => this.tool.hover(null));
    area.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0015)), this.#offset(event));
    }, { passive: false });
    area.addEventListener("contextmenu", (event) => event.preventDefault());
    area.addEventListener("keydown", (event) => this.#key(event));
    area.addEventListener("blur", () => { this.#lift(); this.cursor = null; this.tool.hover(null); });
  }

  #down(event) {
    if (event.button > 1) return;
    this.element.focus({ preventScroll: true });
    event.preventDefault();
    this.element.setPointerCapture(event.pointerId);
    this.cursor = null;
    this.pointers.set(event.pointerId, this.#offset(event));
    if (this.pointers.size === 2) { // a second finger moves the picture
      this.tool.cancel();
      this.drag = "pinch";
    } else if (event.button === 1) this.drag = "pan";
    else if (this.pointers.size === 1) {
      this.drag = "tool";
      this.tool.down(this.#point(event));
    }
  }

  #move(event) {
    const previous = this.pointers.get(event.pointerId);
    if (!previous) {
      if (event.pointerType !== "touch") this.tool.hover(this.#point(event));
      return;
    }
    if (this.drag === "tool") {
      for (const one of event.getCoalescedEvents?.() ?? [event]) this.tool.move(this.#point(one));
      return;
    }
    const before = [...this.pointers.values()];
    this.pointers.set(event.pointerId, this.#offset(event));
    const after = [...this.pointers.values()];
    const middle = (points) => [0, 1].map((axis) => points.reduce((sum, point) => sum + point[axis], 0) / points.length);
    const [from, to] = [middle(before), middle(after)];
    this.x += to[0] - from[0];
    this.y += to[1] - from[1];
    const spread = ([one, other]) => other ? Math.hypot(one[0] - other[0], one[1] - other[1]) : 1;
    this.zoom(spread(after) / Math.max(1, spread(before)), to);
  }

  #up(event) {
    if (!this.pointers.delete(event.pointerId)) return;
    if (this.drag === "tool") event.type === "pointerup" ? this.tool.up() : this.tool.cancel();
    if (!this.pointers.size) this.drag = null;
  }

  /** Arrow keys move a cursor; the space bar lowers and lifts the tool at it. */
  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const move = MOVES[event.key];
    if (move) {
      event.preventDefault();
      const step = event.shiftKey ? 1 : this.tool.step;
      const [x, y] = this.cursor ?? this.#center();
      this.cursor = [Math.min(this.width - 0.5, Math.max(0.5, x + step * move[0])), Math.min(this.height - 0.5, Math.max(0.5, y + step * move[1]))];
      this.#reveal();
      if (this.lowered) this.tool.move(this.cursor);
      this.tool.hover(this.cursor);
    } else if (event.key === " ") {
      event.preventDefault();
      this.cursor ??= this.#center();
      if (this.lowered) return this.#lift();
      this.tool.down(this.cursor);
      this.lowered = this.tool.strokes;
      if (!this.lowered) this.tool.up();
      this.tool.hover(this.cursor);
    }
    return undefined;
  }

  #lift() {
    if (this.lowered) this.tool.up();
    this.lowered = false;
  }

  #center() {
    const { clientWidth, clientHeight } = this.element;
    return [(clientWidth / 2 - this.x) / this.scale, (clientHeight / 2 - this.y) / this.scale];
  }

  /** Move the picture so that the cursor is in view. */
  #reveal() {
    const { clientWidth, clientHeight } = this.element;
    const [x, y] = [this.x + this.cursor[0] * this.scale, this.y + this.cursor[1] * this.scale];
    this.x += Math.min(0, clientWidth - 20 - x) + Math.max(0, 20 - x);
    this.y += Math.min(0, clientHeight - 20 - y) + Math.max(0, 20 - y);
    this.#place();
  }
}
