// Masks are PNG files with a palette. A class is hidden by a chunk of its own behind the palette, which makes colors
// transparent; no canvas is needed, and the palette can still be swapped.
const crcTable = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});

function chunk(type, content) {
  const bytes = new Uint8Array(12 + content.length), view = new DataView(bytes.buffer);
  view.setUint32(0, content.length);
  bytes.set([...type].map((letter) => letter.charCodeAt(0)), 4);
  bytes.set(content, 8);
  let crc = ~0;
  for (const byte of bytes.subarray(4, -4)) crc = crcTable[(crc ^ byte) & 255] ^ (crc >>> 8);
  view.setUint32(bytes.length - 4, ~crc);
  return bytes;
}

// The data URI of a PNG with the opacity of each color of its palette, 0..255.
function withOpacities(uri, opacities) {
  const [head, text] = uri.split(",");
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)), view = new DataView(bytes.buffer);
  const parts = [bytes.subarray(0, 8)];
  for (let start = 8, end; start < bytes.length; start = end) {
    end = start + 12 + view.getUint32(start);
    const type = String.fromCharCode(...bytes.subarray(start + 4, start + 8));
    if (type !== "tRNS") parts.push(bytes.subarray(start, end));
    if (type === "PLTE") parts.push(chunk("tRNS", opacities));
  }
  let content = "";
  for (const part of parts) {
    for (let at = 0; at < part.length; at += 4096) content += String.fromCharCode(...part.subarray(at, at + 4096));
  }
  return `${head},${btoa(content)}`;
}

function overlays() {
  const switches = $(".switches");
  if (!switches) return;
  const root = switches.closest("section, main"), boxes = $$("[type=checkbox]", switches);
  const showView = () => {
    const view = $("[name=view]:checked", switches).value;
    root.dataset.view = view;
    root.classList.toggle("blended", view === "overlay");
  };
  const showClasses = () => {
    const opacities = boxes.map((box) => (box.checked ? 255 : 0));
    for (const mask of $$("img.mask", root)) mask.src = withOpacities(mask.src, opacities);
  };
  for (const one of $$("[name=view]", switches)) one.addEventListener("change", showView);
  for (const box of boxes) box.addEventListener("change", showClasses);
  for (const name of ["all", "none"]) {
    $(`button.${name}`, switches)?.addEventListener("click", () => {
      for (const box of boxes) box.checked = name === "all";
      showClasses();
    });
  }
  if (boxes.some((box) => !box.checked)) showClasses();  // as a reloaded page remembers them
  showView();
}

overlays();
