/** Read a photo as upright RGB pixels, by the rules of `seamline predict`. */

import { decodePng, isPng, pngSize } from "./png.js";

const MAX_PIXELS = 200e6;
const MIN_EXTREME = 0.5; // fraction of an alpha channel's pixels that are fully transparent or opaque
const BIT_DEPTHS = [8, 10, 12, 14, 16];
const BAND_PIXELS = 4e6; // pixels that are copied from a decoded bitmap at once
const ADVICE = "replace or remove it";

/**
 * Read a photo: { width, height, channels: 3, data }.
 *
 * PNG is decoded here, so that its values are exact; JPEG, WebP, GIF and BMP by the browser, without color profiles. Transparent pixels
 * are composited on white, and the EXIF orientation is applied. `depth` is the least bit depth of values of 16 bits.
 */
export async function readPhoto(file, depth = 0) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  if (!bytes.length) throw new Error(`is empty; ${ADVICE}`);
  if (!isPng(bytes)) return readWithBrowser(file, bytes);
  checkSize(...pngSize(bytes));
  const png = await decodePng(bytes).catch((error) => { throw new Error(`is cut off or damaged (${error.message}); ${ADVICE}`); });
  return turnUpright(pngToRgb(png, depth), exifOrientation(png.exif));
}

function checkSize(width, height) {
  if (width * height > MAX_PIXELS) throw new Error(`is ${width} x ${height} pixels, more than the ${MAX_PIXELS.toLocaleString("en")} allowed; scale it down`);
}

/* Formats that the browser decodes */

function isBrowserFormat(bytes) {
  const text = String.fromCharCode(...bytes.subarray(0, 12));
  return text.startsWith("\xff\xd8\xff") || text.startsWith("GIF8") || text.startsWith("BM") || (text.startsWith("RIFF") && text.endsWith("WEBP"));
}

async function readWithBrowser(file, bytes) {
  if (!isBrowserFormat(bytes)) {
    const start = [...bytes.subarray(0, 4)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    const kind = ["49492a00", "4d4d002a"].includes(start) ? "is a TIFF" : `has an unknown format (0x${start})`;
    throw new Error(`${kind}, not JPEG, PNG, WebP, BMP or GIF; convert it to one of these, or remove it`);
  }
  let bitmap;
  try {
    bitmap = await createImageBitmap(file, { colorSpaceConversion: "none" });
  } catch {
    throw new Error(`is cut off or damaged, or too large for this browser; ${ADVICE}`);
  }
  const { width, height } = bitmap;
  checkSize(width, height);
  const rgba = new Uint8Array(4 * width * height);
  const rows = Math.min(height, Math.max(1, Math.floor(BAND_PIXELS / width)));
  const context = new OffscreenCanvas(width, rows).getContext("2d", { willReadFrequently: true });
  for (let top = 0; top < height; top += rows) {
    context.clearRect(0, 0, width, rows);
    context.drawImage(bitmap, 0, -top);
    rgba.set(context.getImageData(0, 0, width, Math.min(rows, height - top)).data, 4 * top * width);
  }
  bitmap.close();
  return { width, height, channels: 3, data: compositeOnWhite(rgba) };
}

/* PNG */

/** Convert a decoded PNG of any kind to RGB. */
function pngToRgb(png, depth) {
  const { width, height, channels } = png;
  const rgba = new Uint8Array(4 * width * height).fill(255);
  if (png.palette) fillFromPalette(rgba, png);
  else {
    const colors = channels < 3 ? 1 : 3;
    const { samples } = png;
    const table = scaleTable(png, colors, depth);
    for (let i = 0, source = 0; i < rgba.length; i += 4, source += channels) {
      for (let color = 0; color < 3; color++) rgba[i + color] = table[samples[source + Math.min(color, colors - 1)]];
      if (channels > colors) rgba[i + 3] = png.depth === 16 ? samples[source + colors] >> 8 : samples[source + colors];
    }
    if (png.transparency && channels === colors && png.depth <= 8) clearColor(rgba, png.transparency, colors);
  }
  const hasBand = !png.palette && channels % 2 === 0 && isBand(rgba);
  return { width, height, channels: 3, data: hasBand ? dropAlpha(rgba) : compositeOnWhite(rgba) };
}

/** Return what each stored value is in 0..255; values of 16 bits are scaled by the bit depth that covers the largest one. */
function scaleTable({ samples, channels, depth: stored }, colors, depth) {
  if (stored === 8) return Uint8Array.from({ length: 256 }, (_, value) => value);
  if (stored < 8) return Uint8Array.from({ length: 1 << stored }, (_, value) => (value * 255) / ((1 << stored) - 1));
  let largest = 0;
  for (let i = 0; i < samples.length; i++) if (samples[i] > largest && (channels === colors || i % channels < colors)) largest = samples[i];
  const white = 2 ** Math.max(depth, BIT_DEPTHS.find((bits) => largest < 2 ** bits)) - 1;
  return Uint8Array.from({ length: 65536 }, (_, value) => Math.min(255, Math.floor((value * 255 + (white >> 1)) / white)));
}

function fillFromPalette(rgba, { samples, palette, transparency }) {
  for (let i = 0; i < samples.length; i++) {
    for (let color = 0; color < 3; color++) rgba[4 * i + color] = palette[3 * samples[i] + color] ?? 0;
    rgba[4 * i + 3] = transparency?.[samples[i]] ?? 255;
  }
}

/** Make the pixels of one color transparent. */
function clearColor(rgba, transparency, colors) {
  const key = [0, 1, 2].map((color) => transparency[2 * Math.min(color, colors - 1) + 1]);
  for (let i = 0; i < rgba.length; i += 4) {
    if (rgba[i] === key[0] && rgba[i + 1] === key[1] && rgba[i + 2] === key[2]) rgba[i + 3] = 0;
  }
}

/** Return whether an alpha channel is a band, such as near infrared, and no transparency, which is nearly all or nothing. */
function isBand(rgba) {
  let [extreme, opaque] = [0, 0];
  for (let i = 3; i < rgba.length; i += 4) {
    opaque += rgba[i] === 255;
    extreme += rgba[i] === 255 || rgba[i] === 0;
  }
  return extreme < (MIN_EXTREME * rgba.length) / 4 || !opaque;
}

function dropAlpha(rgba) {
  const rgb = new Uint8Array((rgba.length / 4) * 3);
  for (let i = 0, target = 0; i < rgba.length; i += 4) for (let color = 0; color < 3; color++) rgb[target++] = rgba[i + color];
  return rgb;
}

function compositeOnWhite(rgba) {
  const rgb = new Uint8Array((rgba.length / 4) * 3);
  for (let i = 0, target = 0; i < rgba.length; i += 4) {
    const alpha = rgba[i + 3];
    if (alpha === 255) {
      for (let color = 0; color < 3; color++) rgb[target++] = rgba[i + color];
      continue;
    }
    for (let color = 0; color < 3; color++) {
      const sum = 255 * (255 - alpha) + rgba[i + color] * alpha + 128;
      rgb[target++] = ((sum >> 8) + sum) >> 8; // divided by 255, rounded
    }
  }
  return rgb;
}

/* Orientation */

/** Return the orientation in the EXIF data of a file, 1..8; 1 where there is none. */
function exifOrientation(exif) {
  try {
    const view = new DataView(exif.buffer, exif.byteOffset, exif.length);
    const little = view.getUint16(0) === 0x4949;
    const directory = view.getUint32(4, little);
    for (let entry = 0; entry < view.getUint16(directory, little); entry++) {
      const position = directory + 2 + 12 * entry;
      if (view.getUint16(position, little) !== 0x0112) continue;
      const value = view.getUint16(position + 8, little);
      return value >= 1 && value <= 8 ? value : 1;
    }
  } catch {
    // pixels are readable where the orientation is not
  }
  return 1;
}

/** Turn pixels upright. */
function turnUpright(image, orientation) {
  if (orientation === 1) return image;
  const [swapped, down, left] = [orientation > 4, [3, 4, 7, 8].includes(orientation), [2, 3, 6, 7].includes(orientation)];
  const [width, height] = swapped ? [image.height, image.width] : [image.width, image.height];
  const data = new Uint8Array(image.data.length);
  for (let y = 0, target = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [row, column] = [down ? height - 1 - y : y, left ? width - 1 - x : x];
      const source = 3 * (swapped ? column * image.width + row : row * image.width + column);
      data[target++] = image.data[source];
      data[target++] = image.data[source + 1];
      data[target++] = image.data[source + 2];
    }
  }
  return { width, height, channels: 3, data };
}
