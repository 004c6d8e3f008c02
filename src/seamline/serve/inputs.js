/** How photos come to the page, and which view of them it shows. */

import { byId } from "./elements.js";
import { addPhotos, setMode } from "./photos.js";

export function startInputs() {
  for (const [button, input] of [["choose", "files"], ["capture", "camera"]]) {
    byId(button).addEventListener("click", () => byId(input).click());
    byId(input).addEventListener("change", () => {
      addPhotos(byId(input).files);
      byId(input).value = "";
    });
  }
  const touch = matchMedia("(hover: none)").matches;
  if (touch) byId("invitation").textContent = "Add a photo";
  byId("or-paste").hidden = touch;
  byId("capture").hidden = !touch; // on a computer it would open the same dialog again
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

export function startTabs() {
  const tabs = [byId("tab-predict"), byId("tab-measure")];
  const select = (tab) => {
    for (const one of tabs) Object.assign(one, { ariaSelected: one === tab, tabIndex: one === tab ? 0 : -1 });
    byId("results").setAttribute("aria-labelledby", tab.id);
    setMode(tab.dataset.view);
  };
  for (const tab of tabs) {
    tab.addEventListener("click", () => select(tab));
    tab.addEventListener("keydown", (event) => {
      if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
      const other = tabs[1 - tabs.indexOf(tab)];
      other.focus();
      select(other);
    });
  }
  byId("results").setAttribute("role", "tabpanel");
  byId("tabs").hidden = false;
  select(tabs[0]);
}
