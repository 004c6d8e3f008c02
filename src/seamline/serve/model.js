/** The served model. */

/** What `/api/model` says about the model, once `loadModel` has run. */
export let model;

export async function loadModel() {
  model = await (await fetch("/api/model")).json();
}
