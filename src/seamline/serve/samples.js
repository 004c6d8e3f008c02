/** Photos to try the model with. */

import { byId, element, setStatus } from "./elements.js";
import { model } from "./model.js";
import { addPhotos } from "./photos.js";

/** Show the samples of the model as buttons, if it has some. */
export function startSamples() {
  if (!model.samples.length) return;
  const drawn = model.samples.every((sample) => sample.drawn);
  byId("samples-title").textContent = drawn ? "Or try one of these, drawn by a program" : "Or try one of the run's validation images";
  byId("samples").querySelector(".thumbnails").append(...model.samples.map(makeThumbnail));
  byId("samples").hidden = false;
}

function makeThumbnail({ path }) {
  const file = path.split("/").at(-1);
  const name = file.replace(/\..*/, "").replaceAll("-", " ");
  const button = Object.assign(element("button"), { type: "button" });
  button.append(Object.assign(element("img"), { src: path, alt: "" }), element("span", "", `${name[0].toUpperCase()}${name.slice(1)}`));
  button.addEventListener("click", async () => {
    try {
      const content = await (await fetch(path)).blob();
      addPhotos([new File([content], file, { type: content.type })]);
    } catch {
      setStatus("The server cannot be reached; check that it is running.");
    }
  });
  return button;
}
