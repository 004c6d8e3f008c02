/** Decode PNG files as Pillow does: exact values of every bit depth, without color profiles, gamma or rounding. */

const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];
const CHANNELS = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 }; // color type -> samples per pixel
const ADAM7 = [[0, 0, 8, 8], [4, 0, 8, 8], [0, 4, 4, 8], [2, 0, 4, 4], [0, 2, 2, 4], [1, 0, 2, 2], [0, 1, 1, 2]]; // x, y and their steps

export const isPng = (bytes) => SIGNATURE.every((value, index) => bytes[index] === value);

/** Return width and height of a PNG without decoding it. */
export function pngSize(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return bytes.length < 33 ? [0, 0] : [view.getUint32(16), view.getUint32(20)];
}

/**
 * Decode a PNG.
 *
 * Returns width, height, channels (1 to 4), depth (1, 2, 4, 8 or 16), samples (one per channel and pixel, as stored: Uint8Array or
 * Uint16Array), palette (bytes or null), transparency (the bytes of tRNS or null) and exif (bytes or null).
 */
export async function decodePng(bytes) {
  const chunks = readChunks(bytes);
  const header = chunks.IHDR?.[0];
  if (!header || header.length < 13 || !chunks.IDAT) throw new Error("it has no image data");
  const view = new DataView(header.buffer, header.byteOffset);
  const [width, height, depth, type, interlaced] = [view.getUint32(0), view.getUint32(4), header[8], header[9], header[12]];
  const channels = CHANNELS[type];
  if (!channels || !width || !height || ![1, 2, 4, 8, 16].includes(depth)) throw new Error("its header is wrong");
  const passes = interlaced ? ADAM7 : [[0, 0, 1, 1]];
  const sizes = passes.map(([x, y, dx, dy]) => [Math.ceil((width - x) / dx), Math.ceil((height - y) / dy)]);
  const rowBytes = sizes.map(([columns]) => Math.ceil((columns * channels * depth) / 8));
  const total = sizes.reduce((sum, [columns, rows], index) => sum + (columns ? rows * (rowBytes[index] + 1) : 0), 0);
  const raw = await inflate(chunks.IDAT, total);
  const samples = new (depth === 16 ? Uint16Array : Uint8Array)(width * height * channels);
  let start = 0;
  passes.forEach(([x, y, dx, dy], index) => {
    const [columns, rows] = sizes[index];
    if (!columns || !rows) return;
    const length = rows * (rowBytes[index] + 1);
    unfilter(raw.subarray(start, start + length), rowBytes[index], Math.max(1, (channels * depth) >> 3));
    for (let row = 0; row < rows; row++) {
      const line = raw.subarray(start + row * (rowBytes[index] + 1) + 1, start + (row + 1) * (rowBytes[index] + 1));
      readRow(line, columns, channels, depth, samples, ((y + row * dy) * width + x) * channels, dx * channels);
    }
    start += length;
  });
  return { width, height, channels, depth, samples, palette: type === 3 ? chunks.PLTE?.[0] ?? null : null, transparency: chunks.tRNS?.[0] ?? null, exif: chunks.eXIf?.[0] ?? null };
}

/** Return the contents of all chunks by type. */
function readChunks(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const chunks = {};
  for (let position = 8; position + 12 <= bytes.length;) {
    const length = view.getUint32(position);
    const type = String.fromCharCode(...bytes.subarray(position + 4, position + 8));
    if (position + 12 + length > bytes.length) throw new Error("its end is missing");
    (chunks[type] ??= []).push(bytes.subarray(position + 8, position + 8 + length));
    if (type === "IEND") break;
    position += 12 + length;
  }
  return chunks;
}

/** Inflate the zlib stream in parts; it must hold `total` bytes. */
async function inflate(parts, total) {
  const result = new Uint8Array(total);
  const reader = new Blob(parts).stream().pipeThrough(new DecompressionStream("deflate")).getReader();
  let length = 0;
  try {
    while (length < total) {
      const { done, value } = await reader.read();
      if (done) break;
      result.set(value.subarray(0, total - length), length);
      length += value.length;
    }
  } catch {
    throw new Error("its compressed data is damaged");
  }
  reader.cancel().catch(() => null); // bytes after the image are ignored
  if (length < total) throw new Error("its image data is cut off");
  return result;
}

/** Undo the filters of the rows of a pass, in place; each row starts with the number of its filter. */
function unfilter(raw, length, step) {
  const zeros = new Uint8Array(length);
  let above = zeros;
  for (let start = 0; start < raw.length; start += length + 1) {
    const row = raw.subarray(start + 1, start + 1 + length);
    const filter = raw[start];
    if (filter === 1) for (let i = step; i < length; i++) row[i] += row[i - step];
    else if (filter === 2) for (let i = 0; i < length; i++) row[i] += above[i];
    else if (filter === 3) for (let i = 0; i < length; i++) row[i] += ((i < step ? 0 : row[i - step]) + above[i]) >> 1;
    else if (filter === 4) unfilterPaeth(row, above, step);
    else if (filter) throw new Error("a row has an unknown filter");
    above = row;
  }
}

function unfilterPaeth(row, above, step) {
  for (let i = 0; i < row.length; i++) {
    const [left, corner] = i < step ? [0, 0] : [row[i - step], above[i - step]];
    const up = above[i];
    const [toLeft, toUp, toCorner] = [Math.abs(up - corner), Math.abs(left - corner), Math.abs(left + up - 2 * corner)];
    row[i] += toLeft <= toUp && toLeft <= toCorner ? left : toUp <= toCorner ? up : corner;
  }
}

/** Write the samples of a row of a pass to their places. */
function readRow(line, columns, channels, depth, samples, first, stride) {
  const mask = (1 << depth) - 1;
  for (let x = 0; x < columns; x++) {
    for (let channel = 0; channel < channels; channel++) {
      const index = x * channels + channel;
      const bit = index * depth;
      const value = depth === 8 ? line[index] : depth === 16 ? (line[2 * index] << 8) | line[2 * index + 1] : (line[bit >> 3] >> (8 - depth - (bit & 7))) & mask;
      samples[first + x * stride + channel] = value;
    }
  }
}

/** Encode pixels as a PNG: class indices with a palette (K colors), or RGB without one. */
export async function encodePng(pixels, width, height, palette = null) {
  const channels = palette ? 1 : 3;
  const rows = new Uint8Array(height * (width * channels + 1)); // each starts with the number of its filter, 0 for none
  for (let y = 0; y < height; y++) rows.set(pixels.subarray(y * width * channels, (y + 1) * width * channels), y * (width * channels + 1) + 1);
  const deflated = await new Response(new Blob([rows]).stream().pipeThrough(new CompressionStream("deflate"))).arrayBuffer();
  const header = new Uint8Array(13);
  new DataView(header.buffer).setUint32(0, width);
  new DataView(header.buffer).setUint32(4, height);
  header.set([8, palette ? 3 : 2], 8);
  const parts = [new Uint8Array(SIGNATURE), chunk("IHDR", header)];
  if (palette) parts.push(chunk("PLTE", new Uint8Array(palette.flat())));
  parts.push(chunk("IDAT", new Uint8Array(deflated)), chunk("IEND", new Uint8Array(0)));
  return new Blob(parts, { type: "image/png" });
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, value) => {
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

function chunk(type, content) {
  const bytes = new Uint8Array(content.length + 12);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, content.length);
  bytes.set([...type].map((letter) => letter.charCodeAt(0)), 4);
  bytes.set(content, 8);
  let crc = 0xffffffff;
  for (let i = 4; i < content.length + 8; i++) crc = CRC_TABLE[(crc ^ bytes[i]) & 255] ^ (crc >>> 8);
  view.setUint32(content.length + 8, ~crc);
  return bytes;
}
