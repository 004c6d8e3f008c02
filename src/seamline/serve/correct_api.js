/** The server's paths for corrections. */

import { megabytes } from "./elements.js";
import { model } from "./model.js";

/** Send a photo, or a form with one; `read` returns what is used of the response. What is rejected becomes an Error. */
export async function post(path, body, read) {
  const photo = body instanceof FormData ? body.get("photo") : body;
  if (photo.size > model.limits.bytes) {
    throw new Error(`the photo has ${megabytes(photo.size)}, more than the ${megabytes(model.limits.bytes)} allowed; scale it down`);
  }
  const headers = body === photo ? { "Content-Type": "application/octet-stream" } : {}; // that of a form has its boundary
  return read(await answer(path, { method: "POST", body, headers }));
}

export async function get(path) { return answer(path); }

async function answer(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Error("the server cannot be reached; check that it is running, and try again");
  }
  if (response.ok) return response;
  const content = await response.json().catch(() => ({ error: `the server answered with status ${response.status}` }));
  throw new Error(content.error);
}
