// Test cases: pictures to browse, and a dialog that shows one of a list, the others an arrow key away.

const labeledData = data("confusion");  // of a classifier
const maskData = data("cases");  // of a segmenter
const caseClasses = (labeledData ?? maskData)?.classes ?? [];
const PAGE = 24;

const count = (number) => number.toLocaleString("en-US");
const confidenceText = (confidence) => confidence >= 0.995 ? ">99\u00a0%" : `${Math.round(100 * confidence)}\u00a0%`;
const shareText = (share) => `${share && share < 0.001 ? "<0.1" : (100 * share).toFixed(1)}\u00a0%`;
const fileName = (name) => name.split("/").pop();
const pairText = (true_, predicted) => true_ === predicted
  ? `${caseClasses[true_]}, predicted correctly` : `${caseClasses[true_]} predicted as ${caseClasses[predicted]}`;

// The cases of a split, each with the same fields: `weight` is undefined where a case has no label of a pair of classes,
// else the greater the more there is to see; null stands for any class.
function labeledCases(split) {
  const { cells, smooth } = labeledData.splits[split];
  const cases = Object.entries(cells).flatMap(([cell, shown]) => {
    const [true_, predicted] = cell.split("-").map(Number);
    return shown.map(([name, confidence, x, y]) => ({
      name, true_, predicted, confidence, x, y, wrong: true_ !== predicted,
      label: `${name}, true class ${caseClasses[true_]}, predicted as ${caseClasses[predicted]}`,
      facts: `${pairText(true_, predicted)}, confidence ${confidenceText(confidence)}`,
      caption: [true_ === predicted ? "correct" : `predicted: ${caseClasses[predicted]}`, `true: ${caseClasses[true_]}, ${confidenceText(confidence)}`],
      weight: (t, p) => (t ?? true_) === true_ && (p ?? predicted) === predicted ? confidence : undefined,
      picture: () => make("span", { class: `tile sprite-${split} ${smooth ? "smooth" : ""}`, title: name, style: `--x:${x};--y:${y}` }),
      pictures() { return [make("div", { class: "large" }, this.picture())]; },
      errors: [],
    }));
  });
  return cases.sort((a, b) => b.confidence - a.confidence);
}

function maskCases() {
  const { width, height } = maskData;
  const image = (kind, source, alt = "") => make("img", { src: source, alt, width, height, decoding: "async", class: kind });
  return maskData.cases.map(({ rank, name, iou, accuracy, cells, pictures }) => {
    const pixels = cells.reduce((sum, [, , number]) => sum + number, 0);
    const photo = `data:image/jpeg;base64,${pictures.photo}`;
    const mask = (layer, alt) => image("mask", maskSource(`data:image/png;base64,${pictures[layer]}`), alt);
    const layers = {
      errors: (alt) => make("span", { class: "stack" }, image("faint", photo), mask("errors", alt)),
      photo: (alt) => image("", photo, alt),
      prediction: (alt) => mask("prediction", alt),
      ground_truth: (alt) => mask("ground_truth", alt),
    };
    const captions = { photo: "photo", prediction: "prediction", ground_truth: "ground truth", errors: "errors, colored as predicted" };
    return {
      name, rank, wrong: true,
      label: `${name}, mean IoU ${iou.toFixed(3)}`,
      facts: `Rank ${rank} of ${count(maskData.total)}, mean IoU ${iou.toFixed(3)}, ${shareText(accuracy)} of the pixels correct`,
      caption: [fileName(name), `mean IoU ${iou.toFixed(3)}`],
      weight(t, p) {
        if (t === null && p === null) return 1 - iou;
        const found = cells.filter(([a, b]) => (t ?? a) === a && (p ?? b) === b && (a !== b || t === p));
        return found.length ? found.reduce((sum, [, , number]) => sum + number, 0) / pixels : undefined;
      },
      picture: (view = "errors") => layers[view](""),
      pictures: () => Object.entries(captions).map(([layer, caption]) =>
        make("figure", {}, layers[layer](`${caption}: ${name}`), make("figcaption", {}, caption))),
      errors: cells.filter(([a, b]) => a !== b).sort((a, b) => b[2] - a[2]).slice(0, 3)
        .map(([a, b, number]) => [b, `${pairText(a, b)}: ${shareText(number / pixels)} of the pixels`]),
    };
  });
}

// One tab stop for many buttons: arrow keys, Home and End lead from one to the other.
function roving(box, selector = "button") {
  const stop = (target) => { for (const one of $$(selector, box)) one.setAttribute("tabindex", one === target ? 0 : -1); };
  box.addEventListener("focusin", (event) => { if (event.target.matches(selector)) stop(event.target); });
  box.addEventListener("keydown", (event) => {
    const all = $$(selector, box), index = all.indexOf(document.activeElement);
    const row = all.filter((one) => one.offsetTop === all[0].offsetTop).length;
    const next = { ArrowLeft: index - 1, ArrowRight: index + 1, ArrowUp: index - row, ArrowDown: index + row, Home: 0, End: all.length - 1 }[event.key];
    if (index < 0 || next === undefined) return;
    event.preventDefault();
    all[next]?.focus();
  });
  const start = () => stop($(selector, box));
  start();
  return start;
}

const legend = () => maskData ? [make("div", { class: "legend" }, $(".legend ul").cloneNode(true))] : [];

const openCase = (() => {
  let list = [], index = 0, opener = null, dialog = null;
  const parts = {};
  const show = (next) => {
    index = (next + list.length) % list.length;
    const one = list[index];
    parts.title.textContent = one.name;
    parts.position.textContent = `${count(index + 1)} of ${count(list.length)}`;
    parts.facts.textContent = one.facts;
    parts.pictures.replaceChildren(...one.pictures());
    parts.errors.replaceChildren(...one.errors.map(([class_, text]) =>
      make("li", {}, make("span", { class: "swatch", style: `--c:var(--class-${class_})`, "aria-hidden": true }), text)));
    parts.errors.hidden = !one.errors.length;
  };
  const build = () => {
    parts.title = make("h2", { id: "case-title" });
    parts.position = make("span", { class: "position" });
    parts.facts = make("p", { class: "note" });
    parts.pictures = make("div", { class: "case-pictures" });
    parts.errors = make("ul", { class: "case-errors", "aria-label": "Largest errors" });
    const button = (text, act) => {
      const one = make("button", { type: "button" }, text);
      one.addEventListener("click", act);
      return one;
    };
    parts.close = button("Close", () => dialog.close());
    dialog = make("dialog", { class: "case-dialog", "aria-labelledby": "case-title" },
      make("header", {}, make("div", { "aria-live": "polite" }, parts.title, parts.position, parts.facts),
        make("nav", { "aria-label": "Images" }, button("Previous", () => show(index - 1)), button("Next", () => show(index + 1)), parts.close)),
      parts.pictures, parts.errors,
      ...legend());
    if (maskData) dialog.style.setProperty("--ratio", maskData.width / maskData.height);
    dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
    dialog.addEventListener("close", () => { if (document.activeElement === document.body) opener?.focus(); });
    dialog.addEventListener("keydown", (event) => {
      const next = { ArrowLeft: index - 1, ArrowRight: index + 1, Home: 0, End: list.length - 1 }[event.key];
      if (next === undefined) return;
      event.preventDefault();
      show(next);
    });
    document.body.append(dialog);
  };
  return (cases, at, from) => {
    if (!dialog) build();
    [list, opener] = [cases, from];
    show(at);
    dialog.showModal();
    parts.close.focus();
  };
})();

// A picture of a case that opens it; `list` are those that the arrow keys lead to.
function caseButton(list, at, view, attributes = {}) {
  const one = list[at];
  const button = make("button", { type: "button", title: one.name, "aria-label": one.label, ...attributes }, one.picture(view));
  button.addEventListener("click", () => openCase(list, at, button));
  return button;
}

function caseFigure(list, at, caption, view) {
  return make("figure", { class: "shot" }, caseButton(list, at, view, { class: "case" }),
    make("figcaption", {}, caption[0], make("small", {}, caption[1])));
}

const cases = maskData ? maskCases() : labeledData ? labeledCases($(".browser")?.dataset.split ?? Object.keys(labeledData.splits)[0]) : [];

// Fills the browser with what the filters choose; returns what sets the filters.
function browser() {
  const box = $(".browser");
  if (!box || !cases.length) return () => {};
  const select = (label, options) => {
    const element = make("select", {}, ...options.map(([value, text]) => make("option", { value }, text)));
    element.addEventListener("change", () => update());
    return [element, make("label", {}, make("span", {}, label), element)];
  };
  const named = caseClasses.map((name, index) => [index, name]);
  const [trueClass, trueLabel] = select("True class", [["", "any"], ...named]);
  const [predicted, predictedLabel] = select("Predicted as", [["", "any"], ...named]);
  const [kind, kindLabel] = maskData
    ? select("Picture", [["errors", "errors"], ["photo", "photo"], ["prediction", "prediction"], ["ground_truth", "ground truth"]])
    : select("Show", [["wrong", "wrong predictions"], ["right", "correct predictions"], ["", "all"]]);
  const [order, orderLabel] = select("Order", maskData
    ? [["most", "largest error first"], ["least", "smallest error first"]] : [["most", "most confident first"], ["least", "least confident first"]]);
  const status = make("p", { class: "note", role: "status" });
  const grid = make("div", { class: "shots grid" });
  const more = make("button", { type: "button", class: "more" });
  box.append(...legend(), make("div", { class: "filters", role: "group", "aria-label": "Filter the images" }, trueLabel, predictedLabel, kindLabel, orderLabel), status, grid, more);
  const restart = roving(grid);
  const number = (element) => element.value === "" ? null : Number(element.value);
  let list = [], t = null, p = null;

  const append = () => {
    const from = grid.children.length, to = Math.min(from + PAGE, list.length);
    for (let at = from; at < to; at++) {
      const caption = maskData && (t !== null || p !== null) ? [fileName(list[at].name), `${shareText(list[at].weight(t, p))} of the pixels`] : list[at].caption;
      grid.append(caseFigure(list, at, caption, maskData ? kind.value : undefined));
    }
    more.hidden = to === list.length;
    more.textContent = `Show ${count(Math.min(PAGE, list.length - to))} more`;
    return grid.children[from];
  };
  const update = () => {
    [t, p] = [number(trueClass), number(predicted)];
    const sign = order.value === "most" ? -1 : 1;
    const wanted = (one) => maskData || !kind.value || one.wrong === (kind.value === "wrong");
    list = cases.filter((one) => wanted(one) && one.weight(t, p) !== undefined).sort((a, b) => sign * (a.weight(t, p) - b.weight(t, p)));
    const pair = t !== null && p !== null ? ` with ${pairText(t, p)}` : t !== null ? ` with ${caseClasses[t]}${maskData ? " predicted as another class" : " as true class"}`
      : p !== null ? ` with ${maskData ? "another class " : ""}predicted as ${caseClasses[p]}` : "";
    status.textContent = `${count(list.length)} ${list.length === 1 ? "image" : "images"}${pair}.`;
    grid.replaceChildren();
    append();
    if (list.length) restart();
  };
  more.addEventListener("click", () => {
    const first = append();
    restart();
    $("button", first).focus();
  });
  update();
  return (true_, predicted_) => {
    [trueClass.value, predicted.value] = [true_, predicted_];
    if (!maskData) kind.value = "";
    update();
    $(".filters", box).scrollIntoView({ block: "start" });
    trueClass.focus({ preventScroll: true });
  };
}

// Pictures that the page has without scripts open the dialog too.
function enlarging() {
  const places = new Map(cases.map((one) => [`${one.x},${one.y}`, one]));
  for (const shots of $$(".by-class .shots")) {
    const tiles = $$(".tile", shots);
    const list = tiles.map((tile) => places.get(`${tile.style.getPropertyValue("--x")},${tile.style.getPropertyValue("--y")}`));
    if (!list.length || list.includes(undefined)) continue;
    tiles.forEach((tile, at) => tile.replaceWith(caseButton(list, at, undefined, { class: "case" })));
    roving(shots);
  }
  for (const button of $$(".enlarge")) {
    const at = cases.findIndex((one) => one.rank === Number(button.dataset.rank));
    button.addEventListener("click", () => openCase(cases, at, button));
  }
}

// The dots of the plot of all images: each column has a value that starts with its rank.
function ranking() {
  for (const plot of maskData ? $$(".ranking svg") : []) {
    for (const dot of $$("[data-tip]", plot)) {
      const { tip } = dot.dataset, at = cases.findIndex((one) => one.rank === Number(/^rank (\d+)/.exec(tip)?.[1]));
      if (at < 0) continue;
      for (const [name, value] of Object.entries({ role: "button", class: "dot", "aria-label": tip })) dot.setAttribute(name, value);
      dot.addEventListener("click", () => openCase(cases, at, dot));
      dot.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        openCase(cases, at, dot);
      });
    }
    if (!$(".dot", plot)) continue;
    plot.setAttribute("role", "group");
    plot.setAttribute("aria-label", plot.getAttribute("aria-label").replace(/ The arrow keys .*/, ""));
    plot.removeAttribute("tabindex");  // the dots have one
    roving(plot, ".dot");
  }
}

const browse = browser();
for (const start of [enlarging, ranking]) start();
