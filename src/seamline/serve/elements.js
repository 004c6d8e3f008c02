/** What the page is built from: elements, numbers as text, pictures, bars of probabilities, downloads. */

export const DISPLAY_SIDE = 1600; // longer side in pixels of a photo on the page
const ENLARGED_SIDE = 600; // pixels: small photos are enlarged by a whole factor up to this longer side

export const byId = (id) => document.getElementById(id);

export function element(tag, className = "", text = "") {
  return Object.assign(document.createElement(tag), { className, textContent: text });
}

export function svgElement(tag, attributes = {}) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

export const percent = (fraction) => `${(100 * fraction).toFixed(1)} %`;
export const megabytes = (bytes) => `${+(bytes / 2 ** 20).toPrecision(3)} MiB`;
export const sentence = (error) => {
  const text = error.message.replace(/^the photo:/, "This file");
  return `${text[0].toUpperCase()}${text.slice(1)}.`;
};
export const setStatus = (text) => { byId("status").textContent = text; };
export const stemOf = (photo) => (photo.name || "photo").replace(/\.[^.]*$/, "");

export const fit = (width, height, side) => {
  const scale = Math.min(1, side / Math.max(width, height));
  return [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
};
/** Return width and height in pixels at which a photo is shown: small ones are enlarged by a whole factor. */
export const displaySize = (width, height) => {
  const zoom = Math.max(1, Math.floor(ENLARGED_SIDE / Math.max(width, height)));
  return fit(width * zoom, height * zoom, DISPLAY_SIDE);
};
export const makeCanvas = (width, height) => Object.assign(document.createElement("canvas"), { width, height });

/** Return the most probable class in words, and bars of the most probable ones. */
export function makeBars(prediction, count = 10) {
  const label = element("p", "label", prediction.label);
  label.append(" ", element("small", "", percent(prediction.probability)));
  const list = element("div", "bars");
  const top = Object.entries(prediction.probabilities).sort((one, other) => other[1] - one[1]).slice(0, count);
  top.forEach(([name, probability], rank) => {
    const [bar, line] = [element("div", rank ? "bar" : "bar first"), element("span", "line")];
    line.style.setProperty("--fraction", probability);
    bar.append(element("span", "", name), line, element("span", "", percent(probability)));
    list.append(bar);
  });
  return [label, list];
}

export function download(blob, name) {
  const link = Object.assign(element("a"), { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
