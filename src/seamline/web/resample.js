/**
 * Crop and resize images to what a model takes, byte for byte as Pillow does.
 *
 * Images are { width, height, channels, data }: data is a Uint8Array of height * width * channels values; photos have three channels.
 */

const PRECISION = 22; // bits after the point of Pillow's fixed-point weights
const HALF = 1 << (PRECISION - 1); // it is added before bits are cut off, to round
const SUPPORT = 2; // of the bicubic filter, in pixels

/** Round as Python does: halves to the even neighbor. */
export function roundHalfEven(value) {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 ? floor + 1 : floor;
}

/** Crop the center to the proportions of [height, width, channels], and resize it; for a classifier. */
export function centerCropResize(image, [height, width, channels]) {
  const scale = Math.min(image.height / height, image.width / width);
  const rows = Math.min(image.height, Math.max(1, roundHalfEven(scale * height)));
  const columns = Math.min(image.width, Math.max(1, roundHalfEven(scale * width)));
  const [top, left] = [Math.floor((image.height - rows) / 2), Math.floor((image.width - columns) / 2)];
  return toChannels(resize(crop(image, top, left, rows, columns), height, width), channels);
}

/** Resize so that the longer side has at most `size` pixels, 0 for any; for a segmenter. */
export function resizeMaxSide(image, channels, size) {
  const scale = size ? Math.min(1, size / Math.max(image.height, image.width)) : 1;
  return toChannels(resize(image, ...scaledSize(image, scale)), channels);
}

/** Resize so that the image just fits into [height, width, channels]. */
export function fitInside(image, [height, width, channels]) {
  const scale = Math.min(height / image.height, width / image.width);
  return toChannels(resize(image, ...scaledSize(image, scale)), channels);
}

const scaledSize = (image, scale) => [image.height, image.width].map((side) => Math.max(1, roundHalfEven(scale * side)));

export function crop(image, top, left, rows, columns) {
  const { width, channels, data } = image;
  if (rows === image.height && columns === width) return image;
  const cropped = new Uint8Array(rows * columns * channels);
  for (let y = 0; y < rows; y++) {
    const start = ((top + y) * width + left) * channels;
    cropped.set(data.subarray(start, start + columns * channels), y * columns * channels);
  }
  return { width: columns, height: rows, channels, data: cropped };
}

/** Convert RGB to gray (ITU-R 601 luma) where the model takes one channel. */
function toChannels(image, channels) {
  if (channels === 3) return image;
  const { width, height, data } = image;
  const gray = new Uint8Array(width * height);
  for (let i = 0; i < gray.length; i++) gray[i] = (19595 * data[3 * i] + 38470 * data[3 * i + 1] + 7471 * data[3 * i + 2] + 0x8000) >> 16;
  return { width, height, channels: 1, data: gray };
}

/** Resize with the bicubic filter and antialiasing: along one axis, then along the other, each rounded to bytes. */
export function resize(image, height, width) {
  const [rows, columns] = [image.height - height, image.width - width]; // that it gets less
  if (rows > 0 && rows > 2 * columns) return resizeRows(resizeColumns(image, height), width); // the order of Pillow 13
  return resizeColumns(resizeRows(image, width), height);
}

function bicubic(x) {
  const [distance, a] = [Math.abs(x), -0.5];
  if (distance < 1) return ((a + 2) * distance - (a + 3)) * distance * distance + 1;
  return distance < 2 ? (((distance - 5) * distance + 8) * distance - 4) * a : 0;
}

/** Return for each new pixel the first old one and the fixed-point weights of the old ones from there on. */
function filterWeights(length, size) {
  const scale = length / size;
  const stretch = Math.max(1, scale);
  const support = SUPPORT * stretch;
  return Array.from({ length: size }, (_, index) => {
    const center = (index + 0.5) * scale;
    const first = Math.max(0, Math.trunc(center - support + 0.5));
    const end = Math.min(length, Math.trunc(center + support + 0.5));
    const weights = [];
    for (let x = first; x < end; x++) weights.push(bicubic((x - center + 0.5) / stretch));
    let sum = 0;
    for (const weight of weights) sum += weight;
    return { first, weights: Int32Array.from(weights, (weight) => fixedPoint(weight / sum)) };
  });
}

const fixedPoint = (weight) => Math.trunc(weight * 2 ** PRECISION + (weight < 0 ? -0.5 : 0.5));
const toByte = (sum) => Math.min(255, Math.max(0, sum >> PRECISION));

function resizeRows(image, size) {
  const { width, height, channels, data } = image;
  if (width === size) return image;
  const filters = filterWeights(width, size);
  const resized = new Uint8Array(size * height * channels);
  for (let y = 0, target = 0; y < height; y++) {
    for (const { first, weights } of filters) {
      let red = HALF, green = HALF, blue = HALF; // one loop for all three takes half the time
      for (let i = 0, source = (y * width + first) * 3; i < weights.length; i++, source += 3) {
        const weight = weights[i];
        red += data[source] * weight;
        green += data[source + 1] * weight;
        blue += data[source + 2] * weight;
      }
      resized[target++] = toByte(red);
      resized[target++] = toByte(green);
      resized[target++] = toByte(blue);
    }
  }
  return { width: size, height, channels, data: resized };
}

function resizeColumns(image, size) {
  const { width, height, channels, data } = image;
  if (height === size) return image;
  const [length, filters] = [width * channels, filterWeights(height, size)];
  const resized = new Uint8Array(size * length);
  const sums = new Int32Array(length);
  filters.forEach(({ first, weights }, y) => {
    sums.fill(HALF);
    weights.forEach((weight, i) => {
      const start = (first + i) * length;
      for (let x = 0; x < length; x++) sums[x] += data[start + x] * weight;
    });
    for (let x = 0; x < length; x++) resized[y * length + x] = toByte(sums[x]);
  });
  return { width, height: size, channels, data: resized };
}

/** Return values (height, width) at another size: the one in the middle of each new pixel. */
export function sampleNearest(values, width, height, columns, rows) {
  const sampled = new Uint8Array(columns * rows);
  for (let y = 0, target = 0; y < rows; y++) {
    const row = Math.floor(((y + 0.5) * height) / rows) * width;
    for (let x = 0; x < columns; x++) sampled[target++] = values[row + Math.floor(((x + 0.5) * width) / columns)];
  }
  return sampled;
}
