/** The server's API: its model and the requests to it. */

import { megabytes } from "./elements.js";

/** The served model, as `/api/model` describes it, once `loadModel` has run. */
export let model;

export async function loadModel() {
  model = await (await fetch("/api/model")).json();
}

/** Send a photo to a path of the server; what it rejects becomes an Error with its message. */
export async function send(path, photo) {
  if (photo.size > model.limits.bytes) {
    throw new Error(`the photo has ${megabytes(photo.size)}, more than the ${megabytes(model.limits.bytes)} allowed; scale it down`);
  }
  let response;
  try {
    response = await fetch(path, { method: "POST", body: photo, headers: { "Content-Type": "application/octet-stream" } });
  } catch {
    throw new Error("the server cannot be reached; check that it is running, and send the photo again");
  }
  const content = await response.json().catch(() => ({ error: `the server answered with status ${response.status}` }));
  if (!response.ok) throw new Error(content.error);
  return content;
}

/** Photos are sent one after another, so that many of them do not fill the server's queue. */
let queue = Promise.resolve();
export const enqueue = (task) => (queue = queue.then(task, task));
