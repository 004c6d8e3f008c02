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

/** Return a front's or storey's ratio of windows to visible area after changes, null where the area is not known; it has no interval. */
function editedRatio({ wwr, visible_area: visibleArea }, changed, isOn) {
  if (!(visibleArea > 0)) return { value: null, low: null, high: null };
  const change = changed.reduce((sum, opening) => sum + (isOn(opening) ? 1 : -1) * polygonArea(opening.outline), 0);
  return { value: Math.min(1, Math.max(0, wwr.value + change / visibleArea)), low: null, high: null };
}

/** Return a front as in the response with the openings that are `counted`; unchanged storeys keep their intervals. */
export function editFront(front, counted) {
  const isOn = (opening) => counted[front.openings.indexOf(opening)];
  const changed = front.openings.filter((opening) => isOn(opening) !== isCounted(opening));
  if (!changed.length) return { ...front, edited: false };
  const openings = front.openings.map((opening, i) => ({ ...opening, counted: counted[i] }));
  const windows = openings.filter((opening) => opening.kind === "window" && opening.counted);
  const wwr = editedRatio(front, changed.filter(({ kind }) => kind === "window"), isOn);
  const editStorey = (storey) => {
    const here = changed.filter((opening) => opening.storey === storey.number && opening.kind === "window");
    if (!here.length) return storey;
    const count = windows.filter((opening) => opening.storey === storey.number).length;
    return { ...storey, windows: count, wwr: editedRatio(storey, here, isOn) };
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
