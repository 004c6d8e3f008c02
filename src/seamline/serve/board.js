/** The drawing board of a classifier of small gray images: what is drawn is predicted at once. */

import { byId, element, makeBars, sentence, setStatus } from "./elements.js";

const BOARD_SIDE = 480; // pixels

const PAD = `
  <canvas id="board" tabindex="0" role="application" aria-label="A black board to draw on in white" aria-roledescription="drawing board" aria-describedby="keys"></canvas>
  <div class="pad-side">
    <h2>Or draw an image</h2>
    <p class="muted small" id="keys">Draw with a finger or the mouse. On the keyboard, the arrow keys move the pen, and the space bar lowers and lifts it.</p>
    <div class="buttons">
      <button type="button" id="undo" disabled>Undo</button>
      <button type="button" id="clear" disabled>Clear</button>
    </div>
    <div id="board-result" aria-live="polite"></div>
  </div>`;

/** Show the board beside the inputs, in the proportions of the model's images; `predict` gets what is drawn, a PNG. */
export function startBoard(height, width, predict) {
  const pad = Object.assign(element("section"), { id: "pad", ariaLabel: "Drawing board", innerHTML: PAD });
  document.querySelector(".inputs").append(pad);
  const board = byId("board");
  const scale = BOARD_SIDE / Math.max(height, width);
  [board.width, board.height] = [Math.round(width * scale), Math.round(height * scale)];
  const context = board.getContext("2d");
  const strokes = []; // each a list of [x, y]
  let stroke = null, pen = null, request = 0, timer;

  const draw = () => {
    context.fillStyle = "#000";
    context.fillRect(0, 0, board.width, board.height);
    Object.assign(context, { lineWidth: BOARD_SIDE / 14, lineCap: "round", lineJoin: "round", strokeStyle: "#fff" }); // two pixels of 28
    for (const points of strokes) {
      context.beginPath();
      context.moveTo(...points[0]);
      points.forEach((point) => context.lineTo(...point));
      context.stroke();
    }
    byId("undo").disabled = byId("clear").disabled = strokes.length === 0;
  };
  const drawPen = () => { // the keyboard's pen, which is no part of the drawing
    Object.assign(context, { lineWidth: 3, strokeStyle: pen.down ? "#f0905a" : "#a09d96" });
    context.beginPath();
    context.arc(pen.x, pen.y, 15, 0, 2 * Math.PI);
    context.stroke();
  };
  const update = async () => {
    const number = ++request;
    const result = byId("board-result");
    if (!strokes.length) return result.replaceChildren();
    draw();
    const picture = new Promise((resolve) => board.toBlob(resolve, "image/png"));
    if (pen) drawPen();
    const content = await picture.then(predict).then((prediction) => makeBars(prediction, 5), (error) => [element("p", "state error", sentence(error))]);
    if (number === request) result.replaceChildren(...content);
  };
  const updateSoon = (delay) => { clearTimeout(timer); timer = setTimeout(update, delay); };
  const position = (event) => {
    const box = board.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width * board.width, (event.clientY - box.top) / box.height * board.height];
  };
  board.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    board.setPointerCapture(event.pointerId);
    pen = null;
    strokes.push(stroke = [position(event)]);
    draw();
  });
  board.addEventListener("pointermove", (event) => {
    if (!stroke) return;
    for (const one of event.getCoalescedEvents?.() ?? [event]) stroke.push(position(one));
    draw();
  });
  const endStroke = () => { if (stroke) { stroke = null; updateSoon(0); } };
  board.addEventListener("pointerup", endStroke);
  board.addEventListener("pointercancel", endStroke);
  board.addEventListener("keydown", (event) => {
    const step = BOARD_SIDE / 28;
    const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step], " ": [0, 0] };
    const move = moves[event.key];
    if (!move || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    pen ??= { x: board.width / 2, y: board.height / 2, down: false };
    pen.x = Math.min(board.width, Math.max(0, pen.x + move[0]));
    pen.y = Math.min(board.height, Math.max(0, pen.y + move[1]));
    if (event.key === " ") {
      pen.down = !pen.down;
      if (pen.down) strokes.push([[pen.x, pen.y]]);
    } else if (pen.down) strokes.at(-1)?.push([pen.x, pen.y]);
    draw();
    drawPen();
    setStatus(`Pen ${pen.down ? "down" : "up"}, ${Math.round(100 * pen.x / board.width)} % from the left, ${Math.round(100 * pen.y / board.height)} % from the top`);
    if (pen.down) updateSoon(300);
  });
  board.addEventListener("blur", () => { if (pen) { pen = null; draw(); } });
  byId("undo").addEventListener("click", () => { strokes.pop(); draw(); update(); });
  byId("clear").addEventListener("click", () => { strokes.length = 0; draw(); update(); board.focus({ preventScroll: true }); }); // the button is disabled
  draw();
}
