/** Requests to the server's API. */

import { megabytes } from "./elements.js";
import { model } from "./model.js";

/** Send a photo to a path of the server; what it rejects becomes an Error with its message.

`onProgress` gets the fraction of the photo that has been sent.
*/
export function send(path, photo, onProgress = () => {}) {
  if (photo.size > model.limits.bytes) {
    return Promise.reject(new Error(`the photo has ${megabytes(photo.size)}, more than the ${megabytes(model.limits.bytes)} allowed; scale it down`));
  }
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest(); // `fetch` does not tell how much has been sent
    request.open("POST", path);
    request.responseType = "json";
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.upload.addEventListener("progress", (event) => onProgress(event.loaded / event.total));
    request.addEventListener("error", () => reject(new Error("the server cannot be reached; check that it is running, and send the photo again")));
    request.addEventListener("load", () => {
      if (request.status === 200 && request.response) resolve(request.response);
      else reject(new Error(request.response?.error ?? `the server answered with status ${request.status}`));
    });
    request.send(photo);
  });
}

const waiting = []; // photos are sent one after another, so that many of them do not fill the server's queue
let busy = false;

/** Run a task when its turn comes; `onPlace` gets the number of tasks before it whenever that changes. */
export function enqueue(task, onPlace = () => {}) {
  waiting.push({ task, onPlace });
  advance();
}

async function advance() {
  waiting.forEach(({ onPlace }, place) => onPlace(place + busy));
  if (busy || !waiting.length) return;
  busy = true;
  try {
    await waiting.shift().task();
  } finally {
    busy = false;
    advance();
  }
}
