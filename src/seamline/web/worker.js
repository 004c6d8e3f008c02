/** Loads the model and predicts photos, one after another, beside the page's thread. */

import { encodePng } from "./png.js";
import { readPhoto } from "./pixels.js";
import { classify, segment } from "./predict.js";
import { resize } from "./resample.js";

const DISPLAY_SIDE = 1600; // longer side in pixels of the photo that the page shows
const EXAMPLE_SIDE = 64; // largest side at which a segmenter gets the example images
const EXAMPLE_STRIDE = 16; // distance in pixels of the recorded logits of a segmenter
const BASE = new URL("./", import.meta.url);

let model, ort, session;

/* Loading */

async function start({ gpu }) {
  model = await (await get("model.json")).json();
  const files = model.runtime[gpu ? "webgpu" : "wasm"];
  ort = await import(new URL(files.module, BASE).href);
  ort.env.logLevel = "fatal";
  // Bytes, because some servers name the type of .wasm files wrongly.
  Object.assign(ort.env.wasm, { numThreads: 1, wasmPaths: { mjs: new URL(files.loader, BASE).href }, wasmBinary: await getBytes(files.wasm) });
  const externalData = await Promise.all(model.files.external.map(async (path) => ({ path, data: await getBytes(path) })));
  const options = { executionProviders: [gpu ? "webgpu" : "wasm"], externalData, logSeverityLevel: 4 };
  session = await ort.InferenceSession.create(await getBytes(model.files.graph), options);
  decodeNovelty();
  return { difference: await checkExamples() };
}

async function get(name) {
  const response = await fetch(new URL(name, BASE));
  if (!response.ok) throw new Error(`${name} cannot be loaded (status ${response.status}); copy the whole folder to the server`);
  return response;
}

const getBytes = async (name) => new Uint8Array(await (await get(name)).arrayBuffer());
const fromBase64 = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

/** Make arrays of numbers from the features of training images, which are float16 in base64, and their scales, float32. */
function decodeNovelty() {
  if (!model.novelty) return;
  model.novelty.scales = new Float32Array(fromBase64(model.novelty.scales).buffer);
  model.novelty.features = Float32Array.from(new Uint16Array(fromBase64(model.novelty.features).buffer), halfToFloat);
}

function halfToFloat(bits) {
  const [sign, exponent, fraction] = [bits & 0x8000 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -14 * (fraction / 1024));
}

/** Compute the model's outputs for images (count, C, height, width). */
async function run(pixels, height, width, count) {
  const shape = [count, model.input_size[2], height, width];
  const outputs = await session.run({ images: new ort.Tensor("uint8", pixels, shape) }, model.novelty ? ["logits", "features"] : ["logits"]);
  const [logits, features] = await Promise.all([outputs.logits.getData(), outputs.features?.getData()]);
  for (const output of Object.values(outputs)) output.dispose();
  return { logits, features };
}

/** Compare the logits of the stored example images with the recorded ones, as `seamline verify` does; return the largest difference. */
async function checkExamples() {
  const examples = model.examples;
  if (!examples) return null;
  const [rows, columns, channels] = examples.size;
  const [images, recorded] = [fromBase64(examples.images), new Float32Array(fromBase64(examples.logits).buffer)];
  const limit = model.task === "segmentation" ? EXAMPLE_SIDE : Infinity;
  const [height, width] = model.input_size.slice(0, 2).map((side) => Math.min(side, limit));
  const count = images.length / (rows * columns * channels);
  const planes = new Uint8Array(count * channels * height * width);
  for (let n = 0, target = 0; n < count; n++) for (let c = 0; c < channels; c++) for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) {
    const [row, column] = [Math.floor((y * rows) / height), Math.floor((x * columns) / width)];
    planes[target++] = images[((n * rows + row) * columns + column) * channels + c];
  }
  const { logits } = await run(planes, height, width, count);
  const sampled = model.task === "segmentation" ? logits.filter((_, i) => i % width % EXAMPLE_STRIDE === 0 && Math.floor(i / width) % height % EXAMPLE_STRIDE === 0) : logits;
  const difference = sampled.reduce((largest, value, index) => Math.max(largest, Math.abs(value - recorded[index])), 0);
  if (sampled.length !== recorded.length || !(difference <= examples.tolerance)) {
    throw new Error(`the predictions for the stored example images differ by ${difference.toPrecision(2)} from the recorded ones; use another browser`);
  }
  return difference;
}

/* Photos */

/** Read a photo; what is wrong with it names it. */
const read = (file) => readPhoto(file, model.bit_depth ?? 0).catch((error) => { throw new Error(`the photo: ${error.message}`); });

async function predict({ file, maxSide }, progress) {
  const started = performance.now();
  const image = await read(file);
  const prediction = model.task === "segmentation" ? await segment(run, model, image, maxSide, progress) : await classify(run, model, image);
  return { ...prediction, seconds: (performance.now() - started) / 1000, bitmap: makeBitmap(image) };
}

/** Return a picture of a photo, at most `DISPLAY_SIDE` pixels wide and high. */
function makeBitmap(image) {
  const scale = Math.min(1, DISPLAY_SIDE / Math.max(image.width, image.height));
  const { width, height, data } = resize(image, Math.max(1, Math.round(image.height * scale)), Math.max(1, Math.round(image.width * scale)));
  const picture = new ImageData(width, height);
  picture.data.fill(255);
  for (let i = 0; i < width * height; i++) for (let color = 0; color < 3; color++) picture.data[4 * i + color] = data[3 * i + color];
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext("2d").putImageData(picture, 0, 0);
  return canvas.transferToImageBitmap();
}

/** Return the overlay of a photo as a PNG: the classes' colors over it, half and half; black classes are transparent. */
async function overlay({ file, mask }) {
  const { width, height, data } = await read(file);
  const visible = model.palette.map((color) => color.some((value) => value !== 0));
  for (let i = 0; i < mask.length; i++) {
    if (visible[mask[i]]) for (let color = 0; color < 3; color++) data[3 * i + color] = (data[3 * i + color] >> 1) + (model.palette[mask[i]][color] >> 1);
  }
  return { blob: await encodePng(data, width, height) };
}

const mask = async ({ mask: classes, width, height }) => ({ blob: await encodePng(classes, width, height, model.palette) });

const TASKS = { start, predict, overlay, mask };
let queue = Promise.resolve();

onmessage = ({ data: { id, task, ...details } }) => {
  const progress = (done, total) => postMessage({ id, progress: [done, total] });
  const answer = async () => {
    try {
      const result = await TASKS[task](details, progress);
      postMessage({ id, result }, [result.bitmap, result.mask?.buffer, result.confidence?.buffer].filter(Boolean));
    } catch (error) {
      postMessage({ id, error: error?.message ?? String(error) });
    }
  };
  queue = queue.then(answer);
};
postMessage({ ready: true });
