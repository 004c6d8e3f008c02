/**
 * Shapes on a grid of classes: brush strokes, polygons, superpixels.
 *
 * A grid is { width, height, data }: the class of each pixel, by rows. Each function sets the pixels of a shape to a
 * class and returns the box that it changed, { left, top, right, bottom } without the last row and column; null for none.
 */

const clamp = (value, high) => Math.min(high, Math.max(0, value));

function boxOf(grid, left, top, right, bottom) {
  const box = {
    left: clamp(Math.floor(left), grid.width), top: clamp(Math.floor(top), grid.height),
    right: clamp(Math.ceil(right), grid.width), bottom: clamp(Math.ceil(bottom), grid.height),
  };
  return box.left < box.right && box.top < box.bottom ? box : null;
}

/** Return the box around two boxes, either of which may be null. */
export function joinBoxes(one, other) {
  if (!one || !other) return one || other;
  return {
    left: Math.min(one.left, other.left), top: Math.min(one.top, other.top),
    right: Math.max(one.right, other.right), bottom: Math.max(one.bottom, other.bottom),
  };
}

/** A stroke of a round brush from one point to another, in pixels; always at least the pixel under it. */
export function drawStroke(grid, [x0, y0], [x1, y1], radius, value) {
  const [dx, dy] = [x1 - x0, y1 - y0];
  const length = dx * dx + dy * dy;
  const reach = Math.max(radius, 0.71); // the center of the pixel under the point is at most this far
  const box = boxOf(grid, Math.min(x0, x1) - reach, Math.min(y0, y1) - reach, Math.max(x0, x1) + reach, Math.max(y0, y1) + reach);
  if (!box) return null;
  for (let y = box.top; y < box.bottom; y++) {
    for (let x = box.left; x < box.right; x++) {
      const [px, py] = [x + 0.5 - x0, y + 0.5 - y0];
      const along = length ? Math.min(1, Math.max(0, (px * dx + py * dy) / length)) : 0;
      if ((px - along * dx) ** 2 + (py - along * dy) ** 2 <= reach * reach) grid.data[y * grid.width + x] = value;
    }
  }
  return box;
}

/** The inside of a polygon of [x, y] by the even-odd rule: pixels whose centers are in it. */
export function fillPolygon(grid, points, value) {
  const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)];
  const box = boxOf(grid, Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys));
  if (!box) return null;
  for (let y = box.top; y < box.bottom; y++) {
    const crossings = [];
    points.forEach(([x0, y0], i) => {
      const [x1, y1] = points[(i + 1) % points.length];
      if ((y0 <= y + 0.5) !== (y1 <= y + 0.5)) crossings.push(x0 + (y + 0.5 - y0) / (y1 - y0) * (x1 - x0));
    });
    crossings.sort((one, other) => one - other);
    for (let i = 0; i + 1 < crossings.length; i += 2) {
      const first = clamp(Math.ceil(crossings[i] - 0.5), grid.width);
      const last = clamp(Math.ceil(crossings[i + 1] - 0.5), grid.width);
      grid.data.fill(value, y * grid.width + first, y * grid.width + Math.max(first, last));
    }
  }
  return box;
}

/** The superpixel under a point; `regions` has the number of each pixel's, and may be smaller than the grid. */
export function fillRegion(grid, regions, [x, y], value) {
  const wanted = regionAt(grid, regions, x, y);
  if (!wanted) return null;
  let box = null;
  forEachPixel(grid, regions, wanted, (column, row, index) => {
    grid.data[index] = value;
    box = joinBoxes(box, { left: column, top: row, right: column + 1, bottom: row + 1 });
  });
  return box;
}

/** Return the number of the superpixel at a point of the grid, 0 outside. */
export function regionAt(grid, regions, x, y) {
  if (x < 0 || y < 0 || x >= grid.width || y >= grid.height) return 0;
  const row = Math.floor(Math.floor(y) * regions.height / grid.height);
  return regions.data[row * regions.width + Math.floor(Math.floor(x) * regions.width / grid.width)];
}

/** Call `visit(column, row, index)` for each pixel of the grid in a superpixel. */
export function forEachPixel(grid, regions, number, visit) {
  for (let y = 0; y < grid.height; y++) {
    const start = Math.floor(y * regions.height / grid.height) * regions.width;
    for (let x = 0; x < grid.width; x++) {
      if (regions.data[start + Math.floor(x * regions.width / grid.width)] === number) visit(x, y, y * grid.width + x);
    }
  }
}
