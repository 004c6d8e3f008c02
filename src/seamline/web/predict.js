/**
 * Predictions with the same steps as `seamline predict`: resizing, tiles, upsampling, calibrated probabilities, class fractions with
 * conformal intervals, and novelty.
 *
 * `run(pixels, height, width, count)` computes the outputs of the model for images (count, C, height, width): { logits, features }.
 */

import { centerCropResize, crop, fitInside, resizeMaxSide } from "./resample.js";

const [TILE, OVERLAP] = [512, 128]; // pixels
const FLOOR = 0.005; // added to the expected error of a fraction
const HALF_MAX = 65504; // largest value of half precision, in which features of training images are stored
const CHUNK = 1 << 20; // values of upsampled logits that are computed at once

/** Return the probabilities of a classifier: { width, height, label, probability, probabilities, novelty }. */
export async function classify(run, model, image) {
  const input = centerCropResize(image, model.input_size);
  const { logits, features } = await run(toPlanes(input), input.height, input.width, 1);
  const values = softmax([...logits], model.temperature);
  const best = values.reduce((top, value, index) => (value > values[top] ? index : top), 0);
  const probabilities = Object.fromEntries(model.classes.map((name, index) => [name, values[index]]));
  return { width: image.width, height: image.height, label: model.classes[best], probability: values[best], probabilities, novelty: noveltyRatio(features, model.novelty) };
}

/**
 * Return the mask of a photo and its classes' fractions: { width, height, mask, confidence, class_fractions, class_intervals, novelty }.
 * `confidence` has the probability of each pixel's class, 0 to 255.
 */
export async function segment(run, model, image, maxSide, progress = () => null) {
  const { width, height } = image;
  const input = resizeMaxSide(image, model.input_size[2], maxSide);
  const [mask, confidence] = [new Uint8Array(width * height), new Uint8Array(width * height)];
  const counts = new Float64Array(model.classes.length);
  const expected = new Float64Array(model.classes.length);
  let row = 0;
  for await (const strip of upsample(blendTiles(run, input, model.classes.length, progress), input, width, height)) {
    classifyPixels(strip, model.temperature, mask.subarray(row * width), confidence.subarray(row * width), counts, expected);
    row += strip.rows;
  }
  const features = model.novelty ? await featuresOf(run, fitInside(image, model.input_size)) : null;
  const fractions = Object.fromEntries(model.classes.map((name, index) => [name, counts[index] / mask.length]));
  const intervals = model.fraction_intervals ? fractionIntervals(fractions, expected.map((errors) => errors / mask.length), model.fraction_intervals) : {};
  return { width, height, mask, confidence, class_fractions: fractions, class_intervals: intervals, novelty: noveltyRatio(features, model.novelty) };
}

const featuresOf = async (run, image) => (await run(toPlanes(image), image.height, image.width, 1)).features;

/** (H, W, C) -> (C, H, W), the layout of exported models. */
export function toPlanes({ width, height, channels, data }) {
  if (channels === 1) return data;
  const [size, planes] = [width * height, new Uint8Array(data.length)];
  for (let i = 0; i < size; i++) for (let channel = 0; channel < channels; channel++) planes[channel * size + i] = data[i * channels + channel];
  return planes;
}

export function softmax(logits, temperature) {
  const highest = Math.max(...logits);
  const exponentials = logits.map((value) => Math.exp((value - highest) / temperature));
  const sum = exponentials.reduce((total, value) => total + value, 0);
  return exponentials.map((value) => value / sum);
}

/* Tiles: where they overlap, their logits are blended, with weights that fall to zero toward the edges of a tile. */

/** Yield the logits of an image in strips { rows, width, data (K, rows, width) } that end where the next row of tiles begins. */
async function* blendTiles(run, image, classes, progress) {
  const [rows, columns] = [tileBounds(image.height), tileBounds(image.width)];
  const [rowWeights, columnWeights] = [blendWeights(rows), blendWeights(columns)];
  let carry = null;
  for (const [index, [top, bottom]] of rows.entries()) {
    const strip = makeStrip(classes, bottom - top, image.width);
    for (const [number, [left, right]] of columns.entries()) {
      const tile = crop(image, top, left, bottom - top, right - left);
      const { logits } = await run(toPlanes(tile), tile.height, tile.width, 1);
      addTile(strip, logits, left, right - left, rowWeights[index], columnWeights[number]);
      progress(index * columns.length + number + 1, rows.length * columns.length);
    }
    if (carry) addRows(strip, carry);
    const complete = (index + 1 < rows.length ? rows[index + 1][0] : image.height) - top;
    carry = takeRows(strip, complete, strip.rows);
    yield takeRows(strip, 0, complete);
  }
}

const makeStrip = (classes, rows, width) => ({ classes, rows, width, data: new Float32Array(classes * rows * width) });

function addTile(strip, logits, left, columns, rowWeights, columnWeights) {
  for (let k = 0, source = 0; k < strip.classes; k++) {
    for (let y = 0; y < strip.rows; y++) {
      const target = (k * strip.rows + y) * strip.width + left;
      for (let x = 0; x < columns; x++) strip.data[target + x] += logits[source++] * Math.fround(rowWeights[y] * columnWeights[x]);
    }
  }
}

/** Add rows to the first ones of a strip. */
function addRows(strip, rows) {
  for (let k = 0; k < strip.classes; k++) {
    const [target, source] = [k * strip.rows * strip.width, k * rows.rows * rows.width];
    for (let i = 0; i < rows.rows * rows.width; i++) strip.data[target + i] += rows.data[source + i];
  }
}

function takeRows(strip, first, end) {
  const taken = makeStrip(strip.classes, end - first, strip.width);
  for (let k = 0; k < strip.classes; k++) {
    const start = (k * strip.rows + first) * strip.width;
    taken.data.set(strip.data.subarray(start, start + taken.rows * strip.width), k * taken.rows * strip.width);
  }
  return taken;
}

/** Return start and end of each tile along a side. */
function tileBounds(length) {
  const step = TILE - OVERLAP;
  const count = Math.max(1, Math.ceil((length - OVERLAP) / step));
  return Array.from({ length: count }, (_, index) => [index * step, Math.min(index * step + TILE, length)]);
}

/** Return the weights of each tile along a side; those of all tiles at a pixel sum to one. */
function blendWeights(bounds) {
  const edge = OVERLAP / 4;
  const ramp = Float32Array.from({ length: OVERLAP }, (_, index) => Math.min(1, Math.max(0, (index - edge + 0.5) / (OVERLAP - 2 * edge))));
  const weights = bounds.map(([start, end]) => new Float32Array(end - start).fill(1));
  for (let index = 1; index < weights.length; index++) {
    const [before, after] = [weights[index - 1], weights[index]];
    for (let i = 0; i < OVERLAP; i++) {
      before[before.length - OVERLAP + i] = 1 - ramp[i];
      after[i] *= ramp[i];
    }
  }
  return weights;
}

/* Upsampling: bilinear, without aligned corners, a few rows at a time. */

/** Yield strips that are resized to `width` columns and `height` rows in all. */
async function* upsample(strips, input, width, height) {
  if (input.width === width && input.height === height) {
    yield* strips;
    return;
  }
  const [rows, columns] = [samplePositions(height, input.height), samplePositions(width, input.width)];
  let [buffer, first, done] = [null, 0, 0]; // the buffer holds the rows from `first` on; `done` rows are yielded
  for await (const strip of strips) {
    if (buffer) first += buffer.dropped;
    buffer = joinRows(buffer, strip);
    const end = first + buffer.rows;
    let ready = done;
    while (ready < height && rows.next[ready] < end) ready++;
    const step = Math.max(1, Math.floor(CHUNK / (strip.classes * width)));
    for (let start = done; start < ready; start += step) yield interpolate(buffer, first, rows, columns, start, Math.min(start + step, ready));
    done = ready;
    buffer.dropped = Math.min(done < height ? rows.index[done] : end, end - 1) - first;
  }
}

/** Append a strip to the rows of a buffer that are still needed. */
function joinRows(buffer, strip) {
  if (!buffer) return strip;
  const rest = takeRows(buffer, buffer.dropped, buffer.rows);
  const joined = makeStrip(strip.classes, rest.rows + strip.rows, strip.width);
  for (let k = 0; k < strip.classes; k++) {
    const start = k * joined.rows * strip.width;
    joined.data.set(rest.data.subarray(k * rest.rows * strip.width, (k + 1) * rest.rows * strip.width), start);
    joined.data.set(strip.data.subarray(k * strip.rows * strip.width, (k + 1) * strip.rows * strip.width), start + rest.rows * strip.width);
  }
  return joined;
}

/** Return for each of `size` positions the old one before it, the next one, and the weight of the latter. */
function samplePositions(size, length) {
  const [index, next, weight] = [new Int32Array(size), new Int32Array(size), new Float32Array(size)];
  for (let i = 0; i < size; i++) {
    const position = Math.min(length - 1, Math.max(0, ((i + 0.5) * length) / size - 0.5));
    index[i] = Math.floor(position);
    next[i] = Math.min(index[i] + 1, length - 1);
    weight[i] = position - index[i];
  }
  return { index, next, weight };
}

function interpolate(buffer, first, rows, columns, start, end) {
  const width = columns.index.length;
  const strip = makeStrip(buffer.classes, end - start, width);
  const mixed = new Float32Array(buffer.width);
  for (let k = 0, target = 0; k < buffer.classes; k++) {
    for (let y = start; y < end; y++) {
      const [upper, lower] = [rows.index[y], rows.next[y]].map((row) => (k * buffer.rows + row - first) * buffer.width);
      for (let x = 0; x < mixed.length; x++) mixed[x] = buffer.data[upper + x] + (buffer.data[lower + x] - buffer.data[upper + x]) * rows.weight[y];
      for (let x = 0; x < width; x++) {
        const left = mixed[columns.index[x]];
        strip.data[target++] = left + (mixed[columns.next[x]] - left) * columns.weight[x];
      }
    }
  }
  return strip;
}

/* Classes, fractions and novelty */

/** Write the class of each pixel of a strip, the lowest of those with equal logits, and its probability; add to counts and expected errors. */
function classifyPixels({ classes, rows, width, data }, temperature, mask, confidence, counts, expected) {
  const size = rows * width;
  const exponentials = new Float64Array(classes);
  for (let i = 0; i < size; i++) {
    let best = 0;
    for (let k = 1; k < classes; k++) if (data[k * size + i] > data[best * size + i]) best = k;
    counts[best]++;
    mask[i] = best;
    const highest = data[best * size + i];
    let sum = 0;
    for (let k = 0; k < classes; k++) sum += exponentials[k] = k === best ? 1 : Math.exp((data[k * size + i] - highest) / temperature);
    for (let k = 0; k < classes; k++) expected[k] += exponentials[k] / sum;
    expected[best] += 1 - 2 / sum;
    confidence[i] = Math.round(255 / sum);
  }
}

/** Return the conformal interval of each class's fraction; none of a class that has no quantile. */
function fractionIntervals(fractions, expected, intervals) {
  const result = {};
  Object.entries(fractions).forEach(([name, fraction], index) => {
    const quantile = intervals.quantiles[name];
    if (quantile === undefined) return;
    const margin = quantile * (expected[index] + FLOOR);
    result[name] = [Math.max(0, fraction - margin), Math.min(1, fraction + margin)];
  });
  return result;
}

/** Return the distance of an image to the nearest training image over the threshold; null where the model cannot tell. */
function noveltyRatio(features, reference) {
  if (!reference) return null;
  const scaled = features.map((value, index) => Math.min(HALF_MAX, Math.max(-HALF_MAX, value * reference.scales[index])));
  let nearest = Infinity;
  for (let start = 0; start < reference.features.length; start += scaled.length) {
    let square = 0;
    for (let i = 0; i < scaled.length; i++) square += (scaled[i] - reference.features[start + i]) ** 2;
    nearest = Math.min(nearest, square);
  }
  return Math.sqrt(nearest) / reference.threshold;
}
