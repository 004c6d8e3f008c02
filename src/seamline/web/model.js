/** The model, which runs in a worker; photos go to that worker and nowhere else. */

/** What `model.json` says about the model, once `loadModel` has run. */
export let model;

let worker = null;
const pending = new Map(); // number of a request -> its callbacks
let count = 0;

export async function loadModel() {
  model = await (await fetch("model.json")).json();
}

/** Start a worker with WebAssembly or WebGPU; return how far its predictions for the example images are from the recorded ones. */
export async function startWorker(gpu) {
  stopWorker();
  // A worker from a blob inherits the page's content security policy: nothing in it can send a photo away.
  const program = `import(${JSON.stringify(new URL("worker.js", import.meta.url).href)}).catch((error) => postMessage({ failure: String(error) }));`;
  const address = URL.createObjectURL(new Blob([program], { type: "text/javascript" }));
  worker = new Worker(address);
  await new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => (data.ready ? resolve() : reject(new Error(data.failure)));
    worker.onerror = () => reject(new Error("the program cannot be started; use a recent version of Chrome, Edge, Firefox or Safari"));
  });
  URL.revokeObjectURL(address);
  worker.onmessage = ({ data }) => receive(data);
  worker.onerror = (event) => stopWorker(event.message || "the program stopped, perhaps for lack of memory; load this page again");
  return request("start", { gpu });
}

function stopWorker(reason = "another processor was chosen") {
  worker?.terminate();
  worker = null;
  for (const { reject } of pending.values()) reject(new Error(reason));
  pending.clear();
}

function receive({ id, result, error, progress }) {
  const { resolve, reject, onProgress } = pending.get(id) ?? {};
  if (progress) return onProgress?.(...progress);
  pending.delete(id);
  return error === undefined ? resolve?.(result) : reject?.(new Error(error));
}

/** Send a task to the worker: `predict`, `overlay` or `mask`; what goes wrong becomes an Error with its message. */
export function request(task, details, onProgress) {
  if (!worker) return Promise.reject(new Error("the program has stopped; load this page again"));
  const id = ++count;
  return new Promise((resolve, reject) => {
    pending.set(id, { resolve, reject, onProgress });
    worker.postMessage({ id, task, ...details });
  });
}
