/** How the page invites photos, and which view of them it shows. */

import { byId } from "./elements.js";
import { takePhotos } from "./intake.js";
import { addPhotos, setMode } from "./photos.js";

export function startInputs() {
  takePhotos(addPhotos);
  const touch = matchMedia("(hover: none)").matches;
  if (touch) byId("invitation").textContent = "Add a photo";
  byId("or-paste").hidden = touch;
  byId("capture").hidden = !touch; // on a computer it would open the same dialog again
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
