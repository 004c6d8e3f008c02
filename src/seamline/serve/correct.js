/** Corrections of predictions, which the server saves: the dialog, and the list of photos to correct. */

import { send } from "./api.js";
import { get, post } from "./correct_api.js";
import { LabelEditor } from "./correct_labels.js";
import { makeButton, MaskEditor, readMask } from "./correct_mask.js";
import { byId, element, sentence } from "./elements.js";
import { model } from "./model.js";

const DIALOG = `
  <header>
    <div class="correct-name"><h2 id="correct-title"></h2><p class="small muted" id="correct-note"></p></div>
    <div class="correct-walk" hidden>
      <button type="button" data-walk="-1">Previous</button>
      <span class="small" id="correct-position"></span>
      <button type="button" data-walk="1">Next</button>
    </div>
    <button type="button" class="remove" aria-label="Close">×</button>
  </header>
  <div class="correct-view"></div>
  <div class="correct-zoom" role="group" aria-label="Zoom">
    <button type="button" data-zoom="0.67" aria-label="Zoom out">−</button>
    <button type="button" data-zoom="0">Fit</button>
    <button type="button" data-zoom="1.5" aria-label="Zoom in">+</button>
  </div>
  <div class="correct-side">
    <div class="correct-editor"></div>
    <p class="state error" role="alert" hidden></p>
    <div class="correct-save"><button type="button" class="main">Save</button><p class="small muted" role="status"></p></div>
  </div>`;

const STORED = "Only those that you correct and save are stored, without their metadata, in a folder on the server.";

let dialog, queue = null, panel, current = null, saving = false, opened = 0;
const sessions = new Map(); // of photos in the list with changes that are not saved: number -> session
const stored = new Map(); // of photos in the list that were saved: number -> the correction, to go on from

/** Begin: the page says that it saves, and shows the list of photos to correct if there is one. */
export function startCorrecting() {
  if (!model.collects) return;
  dialog = document.createElement("dialog");
  dialog.className = `correct ${model.task}`;
  dialog.setAttribute("aria-labelledby", "correct-title");
  dialog.innerHTML = DIALOG;
  document.body.append(dialog);
  dialog.querySelector(".remove").addEventListener("click", () => dialog.close());
  dialog.querySelector(".main").addEventListener("click", save);
  for (const button of dialog.querySelectorAll("[data-zoom]")) {
    button.addEventListener("click", () => (+button.dataset.zoom ? current.editor.stage.zoom(+button.dataset.zoom) : current.editor.stage.fit()));
  }
  for (const button of dialog.querySelectorAll("[data-walk]")) button.addEventListener("click", () => openQueued(current.number + +button.dataset.walk));
  addEventListener("keydown", (event) => { if (dialog.open) pressKey(event); });
  addEventListener("beforeunload", (event) => { if (unsaved()) event.preventDefault(); });
  const { firstChild: text } = document.querySelector("footer p");
  text.textContent = text.textContent.replace(" and are not stored.", `. ${STORED}`);
  addEventListener("result", addButton);
  if (model.queue) startQueue();
}

/** Add a button to a photo's card, once it shows its result, that opens the dialog. */
function addButton({ detail: { card, prediction, bitmap } }) {
  if (!bitmap) return;
  const button = makeButton("Correct", async () => {
    card.opening ??= makeSession(card.photo, bitmap, prediction, { button }); // once, also for two clicks
    card.session = await card.opening;
    show(card.session);
  });
  card.querySelector(".remove").addEventListener("click", (event) => {
    if (card.session?.changed && !confirm("Remove this photo and its correction, which is not saved?")) event.stopImmediatePropagation();
  }, { capture: true }); // before the listener that removes the card
  const side = card.querySelector(".side");
  if (!side.querySelector(".buttons")) side.append(element("div", "buttons"));
  side.querySelector(".buttons").append(button);
}

async function makeSession(photo, bitmap, prediction, place) {
  const session = { photo, name: photo.name || "Pasted image", changed: false, saved: null, ...place };
  const onChange = () => {
    Object.assign(session, { changed: true, version: (session.version ?? 0) + 1 });
    if (current === session) showState("");
  };
  session.editor = model.task === "segmentation"
    ? new MaskEditor(photo, bitmap, await readMask(prediction.mask, prediction.width, prediction.height), onChange)
    : new LabelEditor(bitmap, prediction, onChange);
  if (current?.editor instanceof MaskEditor) session.editor.adopt(current.editor);
  session.changed = false;
  return session;
}

/** Return what is shown of a photo of the list that cannot be corrected. */
function makeFailure(number, name, error) {
  const still = { stage: { element: element("div", "correct-stage still") }, controls: element("div"), buttons: [], key: () => false };
  return { number, name, changed: false, saved: null, failure: sentence(error), editor: still };
}

/** Keep the changes of the photo of the list that is shown. */
function keepChanges() {
  if (current?.number !== undefined && current.changed) sessions.set(current.number, current);
}

function show(session) {
  keepChanges();
  sessions.delete(session.number);
  current = session;
  byId("correct-title").textContent = session.name;
  byId("correct-note").textContent = session.note ?? "";
  dialog.querySelector(".correct-view").replaceChildren(session.editor.stage.element);
  dialog.querySelector(".correct-editor").replaceChildren(session.editor.controls);
  const queued = session.number !== undefined;
  dialog.querySelector(".correct-walk").hidden = !queued;
  if (queued) {
    byId("correct-position").textContent = `${session.number + 1} of ${queue.length}${queue[session.number].corrected ? ", corrected" : ""}`;
    dialog.querySelector("[data-walk='-1']").disabled = session.number === 0;
    dialog.querySelector("[data-walk='1']").disabled = session.number === queue.length - 1;
  }
  dialog.querySelector(".main").textContent = queued ? "Save and next" : "Save";
  dialog.querySelector(".main").hidden = Boolean(session.failure);
  showState(session.saved ? `Saved as ${session.saved}` : "", session.failure);
  if (!dialog.open) dialog.showModal();
  const start = session.editor instanceof MaskEditor ? session.editor.stage.element : session.editor.buttons[session.editor.value];
  (start ?? dialog.querySelector("[data-walk]:enabled")).focus();
}

function showState(text, error = "") {
  const [status, alert] = [dialog.querySelector("[role=status]"), dialog.querySelector("[role=alert]")];
  status.textContent = text;
  alert.textContent = error;
  alert.hidden = !error;
}

function pressKey(event) {
  if (!current || event.target.matches("input") && !(event.ctrlKey || event.metaKey)) return;
  if ((event.ctrlKey || event.metaKey) && event.key === "s") { event.preventDefault(); save(); return; }
  if (current.editor.key(event)) event.preventDefault();
}

async function save() {
  const session = current;
  if (saving || session.failure) return;
  saving = true; // the button is not disabled, which would lose the focus
  showState("Saving …");
  try {
    const [version, content] = [session.version, session.editor.content];
    const form = new FormData();
    form.append("photo", session.photo, session.name);
    form.append("name", session.name);
    for (const [name, value] of Object.entries(await session.editor.form())) form.append(name, value);
    if (session.saved) form.append("replaces", session.saved);
    const answer = await post("/api/corrections", form, (response) => response.json());
    Object.assign(session, { saved: answer.image, changed: session.version !== version });
    if (session.button) session.button.textContent = "Correct again";
    if (current === session) showState(`Saved as ${answer.image}`);
    if (session.number !== undefined) {
      stored.set(session.number, { saved: answer.image, content });
      await savedQueued(session);
    }
  } catch (error) {
    if (current === session) showState("", `${sentence(error)} Your changes are still here.`);
  }
  saving = false;
}

const unsaved = () => [...document.querySelectorAll(".card")].some((card) => card.session?.changed) || current?.changed || [...sessions.values()].some((one) => one.changed);

/* The list of photos to correct */

async function startQueue() {
  queue = (await (await get("/api/queue")).json()).photos;
  panel = element("section", "correct-queue");
  panel.setAttribute("aria-label", "Photos to correct");
  const row = element("div", "buttons");
  const begin = makeButton("Correct photos", () => openQueued(nextOpen(-1)));
  begin.className = "main";
  row.append(begin);
  panel.append(element("p"), row);
  document.querySelector("main").prepend(panel);
  showProgress();
}

function showProgress() {
  const done = queue.filter((photo) => photo.corrected).length;
  const text = done === queue.length ? `All ${done} photos of the list are corrected.` : `${done} of ${queue.length} photos of the list are corrected.`;
  panel.querySelector("p").textContent = text;
}

/** Return the number of the next photo without a correction after one, else the first of the list. */
function nextOpen(number) {
  const order = queue.map((_, i) => (number + 1 + i) % queue.length);
  return order.find((i) => !queue[i].corrected) ?? 0;
}

async function openQueued(number) {
  keepChanges();
  const ticket = ++opened;
  const entry = queue[number];
  if (dialog.open) showState(`Predicting ${entry.name} …`);
  const session = sessions.get(number) ?? await loadQueued(number, entry).catch((error) => makeFailure(number, entry.name, error));
  if (ticket !== opened) return; // another photo was opened meanwhile
  show(session);
}

async function loadQueued(number, entry) {
  const photo = new File([await (await get(`/api/queue/${number}`)).blob()], entry.name);
  const [prediction, bitmap] = await Promise.all([send("/api/predict", photo), createImageBitmap(photo)]);
  const session = await makeSession(photo, bitmap, prediction, { number, note: entry.reason });
  if (stored.has(number)) {
    const { saved, content } = stored.get(number);
    session.editor.restore(content);
    Object.assign(session, { saved, changed: false });
  }
  return session;
}

async function savedQueued(session) {
  queue[session.number].corrected = true;
  showProgress();
  if (current !== session) return;
  if (queue.every((photo) => photo.corrected)) {
    show(session);
    showState(`Saved. All ${queue.length} photos of the list are corrected.`);
  } else await openQueued(nextOpen(session.number));
}
