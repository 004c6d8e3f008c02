/** What was changed of a grid of classes, to undo and to redo it. */

import { joinBoxes } from "./correct_shapes.js";

const MOST = 100; // steps that can be undone
const MOST_PIXELS = 50e6; // pixels of these steps: of large strokes fewer can be undone, so that they fit into memory

export class History {
  constructor(grid) { Object.assign(this, { grid, done: [], undone: [], before: null, box: null }); }

  /** Begin a step: what follows until `end` is undone together. */
  begin() { [this.before, this.box] = [this.grid.data.slice(), null]; }

  add(box) { this.box = joinBoxes(this.box, box); }

  /** End a step; returns whether it changed anything. */
  end() {
    const { before, box } = this;
    this.before = this.box = null;
    if (!before || !box) return false;
    const step = { box, before: this.#crop(before, box), after: this.#crop(this.grid.data, box) };
    if (step.before.every((value, i) => value === step.after[i])) return false;
    this.done.push(step);
    while (this.done.length > MOST || (this.done.length > 1 && countPixels(this.done) > MOST_PIXELS)) this.done.shift();
    this.undone = [];
    return true;
  }

  /** Take back the step that has begun; returns the box that it changed. */
  cancel() {
    const { before, box } = this;
    if (before) this.grid.data.set(before);
    this.before = this.box = null;
    return box;
  }

  undo() { return this.#move(this.done, this.undone, "before"); }

  redo() { return this.#move(this.undone, this.done, "after"); }

  #move(from, to, side) {
    const step = from.pop();
    if (!step) return null;
    to.push(step);
    const { left, top, right, bottom } = step.box;
    const width = right - left;
    for (let y = top; y < bottom; y++) this.grid.data.set(step[side].subarray((y - top) * width, (y - top + 1) * width), y * this.grid.width + left);
    return step.box;
  }

  #crop(data, { left, top, right, bottom }) {
    const width = right - left;
    const part = new Uint8Array(width * (bottom - top));
    for (let y = top; y < bottom; y++) part.set(data.subarray(y * this.grid.width + left, y * this.grid.width + right), (y - top) * width);
    return part;
  }
}

const countPixels = (steps) => steps.reduce((sum, step) => sum + step.before.length, 0);
