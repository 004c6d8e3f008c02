/** The drawing board of a classifier: white on black, in the proportions of its training images. */

import { byId, element, sentence } from "./elements.js";
import { model, request } from "./model.js";
import { makeBars } from "./overlay.js";

const SIDE = 480; // longer side of the board in pixels
const BARS = 5;

export function startBoard() {
  const board = byId("board");
  const [height, width] = model.input_size;
  const scale = SIDE / Math.max(height, width);
  [board.width, board.height] = [Math.round(width * scale), Math.round(height * scale)];
  const context = board.getContext("2d");
  const strokes = []; // each a list of [x, y]
  const pen = { x: board.width / 2, y: board.height / 2, down: false, visible: false };
  let [stroke, number, timer] = [null, 0, null];

  const draw = () => {
    context.fillStyle = "#000";
    context.fillRect(0, 0, board.width, board.height);
    Object.assign(context, { lineWidth: SIDE / 14, lineCap: "round", lineJoin: "round", strokeStyle: "#fff" }); // two pixels of 28
    for (const points of strokes) {
      context.beginPath();
      context.moveTo(...points[0]);
      points.forEach((point) => context.lineTo(...point));
      context.stroke();
    }
    byId("undo").disabled = byId("clear").disabled = strokes.length === 0;
  };
  const drawPen = () => { // the keyboard's pen, which is no part of the drawing
    if (!pen.visible) return;
    Object.assign(context, { lineWidth: 3, strokeStyle: pen.down ? "#f0905a" : "#a09d96" });
    context.beginPath();
    context.arc(pen.x, pen.y, 15, 0, 2 * Math.PI);
    context.stroke();
  };
  const update = async () => {
    const current = ++number;
    if (!strokes.length) return byId("board-result").replaceChildren();
    draw();
    const picture = new Promise((resolve) => board.toBlob(resolve, "image/png"));
    drawPen();
    const show = (prediction) => makeBars(prediction, BARS);
    const content = await request("predict", { file: await picture }).then(show, (error) => [element("p", "state error", sentence(error))]);
    if (current === number) byId("board-result").replaceChildren(...content);
  };
  const updateSoon = (delay) => { clearTimeout(timer); timer = setTimeout(update, delay); };

  startPointer(board, {
    begin: (point) => { pen.visible = pen.down = false; strokes.push(stroke = [point]); draw(); },
    extend: (points) => { if (stroke) { stroke.push(...points); draw(); } },
    end: () => { if (stroke) { stroke = null; updateSoon(0); } },
  });
  board.addEventListener("keydown", (event) => {
    if (!movePen(board, pen, event)) return;
    if (event.key === " ") {
      pen.down = !pen.down;
      if (pen.down) strokes.push([[pen.x, pen.y]]);
    } else if (pen.down) strokes.at(-1)?.push([pen.x, pen.y]);
    draw();
    drawPen();
    if (pen.down) updateSoon(300);
  });
  board.addEventListener("blur", () => { pen.visible = pen.down = false; draw(); });
  byId("undo").addEventListener("click", () => { strokes.pop(); draw(); update(); });
  byId("clear").addEventListener("click", () => { strokes.length = 0; draw(); update(); board.focus(); });
  draw();
  byId("pad").hidden = false;
}

/** Call back with points of the board, in its pixels, as a finger or the mouse draws. */
function startPointer(board, { begin, extend, end }) {
  const position = (event) => {
    const box = board.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * board.width, ((event.clientY - box.top) / box.height) * board.height];
  };
  board.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    board.setPointerCapture(event.pointerId);
    begin(position(event));
  });
  board.addEventListener("pointermove", (event) => extend((event.getCoalescedEvents?.() ?? [event]).map(position)));
  board.addEventListener("pointerup", end);
  board.addEventListener("pointercancel", end);
}

/** Move the keyboard's pen; return whether the key is one of its keys. */
function movePen(board, pen, event) {
  const step = SIDE / 28;
  const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step], " ": [0, 0] };
  const move = moves[event.key];
  if (!move || event.ctrlKey || event.metaKey || event.altKey) return false;
  event.preventDefault();
  pen.visible = true;
  pen.x = Math.min(board.width, Math.max(0, pen.x + move[0]));
  pen.y = Math.min(board.height, Math.max(0, pen.y + move[1]));
  return true;
}
