/** How photos come to a page: chosen, taken, dropped or pasted. */

import { byId } from "./elements.js";

/** Call `addPhotos` with the files of each choice, drop and paste. */
export function takePhotos(addPhotos) {
  for (const [button, input] of [["choose", "files"], ["capture", "camera"]]) {
    byId(button).addEventListener("click", () => byId(input).click());
    byId(input).addEventListener("change", () => {
      addPhotos(byId(input).files);
      byId(input).value = "";
    });
  }
  let depth = 0; // dragenter and dragleave fire for each nested element
  const setDepth = (value) => { depth = Math.max(0, value); document.body.classList.toggle("over", depth > 0); };
  addEventListener("dragenter", (event) => { event.preventDefault(); setDepth(depth + 1); });
  addEventListener("dragleave", () => setDepth(depth - 1));
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", (event) => { event.preventDefault(); setDepth(0); addPhotos(event.dataTransfer.files); });
  addEventListener("paste", (event) => {
    const files = event.clipboardData.files;
    if (files.length) { event.preventDefault(); addPhotos(files); }
  });
}
