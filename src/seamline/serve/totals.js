/** The measures of a front whose windows were ticked on or off, and the table of them. */

/** Whether the server counted an opening; defaults are left out of its response. */
export const isCounted = (opening) => opening.counted ?? true;

/** Return the area of a polygon in squared units of its points, by the shoelace formula. */
export function polygonArea(points) {
  const doubled = points.reduce((sum, [x, y], i) => {
    const [nextX, nextY] = points[(i + 1) % points.length];
    return sum + x * nextY - nextX * y;
  }, 0);
  return Math.abs(doubled) / 2;
}

/** Return the ratio of the windows' area to a visible area, null where that is not known; it has no interval. */
function ratio(windows, visibleArea) {
  const area = windows.reduce((sum, { outline }) => sum + polygonArea(outline), 0);
  return { value: visibleArea > 0 ? Math.min(1, area / visibleArea) : null, low: null, high: null };
}

/** Return a front as in the response with the openings that are `counted`; unchanged storeys keep their intervals. */
export function editFront(front, counted) {
  const changed = front.openings.filter((opening, i) => counted[i] !== isCounted(opening));
  if (!changed.length) return { ...front, edited: false };
  const openings = front.openings.map((opening, i) => ({ ...opening, counted: counted[i] }));
  const windows = openings.filter((opening) => opening.kind === "window" && opening.counted);
  const wwr = ratio(windows, front.visible_area);
  const editStorey = (storey) => {
    if (!changed.some((opening) => opening.storey === storey.number)) return storey;
    const inside = windows.filter((opening) => opening.storey === storey.number);
    return { ...storey, windows: inside.length, wwr: ratio(inside, storey.visible_area) };
  };
  return {
    ...front,
    openings,
    storeys: front.storeys.map(editStorey),
    windows: windows.length,
    wwr,
    window_area_m2: front.area_m2 === null || wwr.value === null ? null : wwr.value * front.area_m2,
    window_aspect: null,
    windows_probability: null,
    edited: true,
  };
}

const COLUMNS = ["photo", "front", "storey", "windows", "storeys", "wwr", "wwr_low", "wwr_high", "hidden_fraction", "height_m", "area_m2", "window_area_m2", "azimuth", "edited"];

/** Return fronts as CSV: a row for each front, whose storey is empty, and one for each of its storeys. */
export function toCsv(photo, fronts) {
  const rows = fronts.flatMap((front) => {
    const ratios = ({ value, low, high }) => ({ wwr: value, wwr_low: low, wwr_high: high });
    const shared = { photo, front: front.number, edited: front.edited };
    return [
      { ...front, ...shared, ...ratios(front.wwr), storeys: front.storeys.length },
      ...front.storeys.map((storey) => ({ ...storey, ...shared, ...ratios(storey.wwr), storey: storey.number })),
    ];
  });
  return [COLUMNS, ...rows.map((row) => COLUMNS.map((name) => row[name] ?? ""))].map((row) => `${row.map(cell).join(",")}\r\n`).join("");
}

/** Quote a value where CSV needs it; text that a spreadsheet would run as a formula gets an apostrophe. */
function cell(value) {
  const text = typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
