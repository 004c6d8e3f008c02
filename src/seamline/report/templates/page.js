"use strict";

const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const data = (id) => JSON.parse($(`#${id}-data`)?.textContent ?? "null");
const make = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
};

// Which of a row of things an arrow key leads to; undefined for any other key.
const step = (key, place, length, previous = "ArrowLeft", next = "ArrowRight") =>
  ({ [previous]: Math.max(place - 1, 0), [next]: Math.min(place + 1, length - 1) })[key];

function theme() {
  const button = $(".theme");
  button.hidden = false;
  button.addEventListener("click", () => {
    const chosen = document.documentElement.dataset.theme;
    const dark = chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    document.documentElement.dataset.theme = dark ? "light" : "dark";
    try { localStorage.setItem("seamline-theme", document.documentElement.dataset.theme); } catch { /* not kept, then */ }
    document.dispatchEvent(new Event("theme"));
  });
}

function selectTab(tab) {
  for (const other of $$("[role=tab]", tab.parentElement)) {
    const on = other === tab;
    other.setAttribute("aria-selected", on);
    other.tabIndex = on ? 0 : -1;
    document.getElementById(other.getAttribute("aria-controls")).classList.toggle("on", on);
  }
}

function tabs() {
  for (const list of $$("[role=tablist]")) {
    const all = $$("[role=tab]", list);
    list.addEventListener("click", (event) => { if (all.includes(event.target)) selectTab(event.target); });
    list.addEventListener("keydown", (event) => {
      const place = step(event.key, all.indexOf(document.activeElement), all.length);
      if (place === undefined) return;
      event.preventDefault();
      selectTab(all[place]);
      all[place].focus();
    });
  }
}

function sorting() {
  for (const table of $$(".sortable")) {
    const heads = $$("thead th", table), body = $("tbody", table);
    const keys = (row, column) => {
      const cell = row.children[column];
      return column ? Number(cell.dataset.value) : cell.textContent;
    };
    heads.forEach((head, column) => $("button", head).addEventListener("click", () => {
      // Names rise first; figures fall first, on a second click they rise and show the hardest at the top.
      const first = column ? "descending" : "ascending", second = column ? "ascending" : "descending";
      const order = head.getAttribute("aria-sort") === first ? second : first;
      for (const other of heads) other.setAttribute("aria-sort", other === head ? order : "none");
      const sign = order === "ascending" ? 1 : -1;
      const rows = [...body.rows].sort((a, b) => {
        const [left, right] = [keys(a, column), keys(b, column)];
        return sign * (column ? left - right : left.localeCompare(right));
      });
      body.append(...rows);
    }));
  }
}

const count = (number) => number.toLocaleString("en-US");
const surely = (confidence) => confidence >= 0.995 ? ">99\u00a0%" : `${Math.round(100 * confidence)}\u00a0%`;

function confusion() {
  const found = data("confusion");
  if (!found) return;
  const { classes, splits } = found;

  const show = (button, view, split, true_, predicted) => {
    const images = Number(button.textContent) || 0;
    const shown = splits[split].cells[`${true_}-${predicted}`] ?? [];
    const right = true_ === predicted;
    const title = right ? `${classes[true_]}, labelled right` : `${classes[true_]} taken for ${classes[predicted]}`;
    const total = Number(button.closest("tr").lastElementChild.textContent);
    const some = shown.length < images ? `${shown.length} of ${count(images)} shown, the most confident` : "All shown, the most confident first";
    view.replaceChildren(
      make("p", { class: "cell-title" }, title),
      make("p", { class: "note" }, `${count(images)} of ${count(total)} images of this class (${button.dataset.share}). ${shown.length ? `${some}.` : ""}`),
      make("div", { class: "shots" }, ...shown.map(([name, confidence, x, y]) => make("figure", { class: "shot" },
        make("span", { class: `tile sheet-${split}`, style: `--x:${x};--y:${y}`, role: "img", title: name,
          "aria-label": `${name}, truly ${classes[true_]}, taken for ${classes[predicted]}` }),
        make("figcaption", {}, surely(confidence), make("small", {}, name))))),
    );
  };

  for (const table of $$(".matrix")) {
    const { split } = table.dataset;
    const view = $(".cell", table.closest(".matrix-and-cell"));
    const rows = $$("tbody tr", table).map((row) => $$("button", row));
    const pick = (true_, predicted) => {
      for (const button of $$("[aria-pressed=true], [tabindex='0']", table)) {
        button.setAttribute("aria-pressed", false);
        button.tabIndex = -1;
      }
      const button = rows[true_][predicted];
      button.setAttribute("aria-pressed", true);
      button.tabIndex = 0;
      show(button, view, split, true_, predicted);
      return button;
    };
    rows.forEach((row, true_) => row.forEach((button, predicted) => {
      const label = `${Number(button.textContent) || 0} ${classes[true_]} taken for ${classes[predicted]}, ${button.dataset.share}`;
      button.setAttribute("aria-label", label);
      button.title = label;
      button.addEventListener("click", () => { pick(true_, predicted); history.replaceState(null, "", `#${button.id}`); });
      button.addEventListener("keydown", (event) => {
        const down = step(event.key, true_, rows.length, "ArrowUp", "ArrowDown");
        const along = step(event.key, predicted, row.length);
        if (down === undefined && along === undefined) return;
        event.preventDefault();
        pick(down ?? true_, along ?? predicted).focus();
      });
    }));
    const deepest = rows.flatMap((row, true_) => row.map((button, predicted) => [Number(button.textContent) || 0, true_, predicted]))
      .filter(([, true_, predicted]) => true_ !== predicted).reduce((a, b) => (b[0] > a[0] ? b : a));
    pick(deepest[1], deepest[2]);
    const follow = () => {
      const button = document.getElementById(location.hash.slice(1));
      if (!button || !table.contains(button)) return;
      const tab = document.getElementById(`confusion-${split}-tab`);
      if (tab) selectTab(tab);
      const true_ = rows.findIndex((row) => row.includes(button));
      pick(true_, rows[true_].indexOf(button)).scrollIntoView({ block: "center" });
    };
    addEventListener("hashchange", follow);
    follow();
  }
}

function kernels() {
  for (const [index, layer] of Object.entries(data("kernels") ?? {})) {
    const root = $(`.weights[data-layer="${index}"]`), frame = $(".frame", root), canvas = $("canvas", root);
    const [filter, channel] = $$("input", root), ring = $(".ring", root), strip = $(".strip", root);
    const chips = $$(`.kinds[data-layer="${index}"] button`);
    const place = (row, column) => row * layer.in + column;

    const show = (row, column) => {
      [filter.value, channel.value] = [row + 1, column + 1];
      const at = place(row, column);
      const large = $(".large", root);
      large.style.cssText = `--x:${column};--y:${row}`;
      large.setAttribute("aria-label", `Filter ${row + 1}, channel ${column + 1}: ${layer.names[layer.kinds[at]]}`);
      $(".kind", root).replaceChildren(layer.names[layer.kinds[at]],
        make("small", {}, `match ${layer.matches[at].toFixed(2)}, strongest weight ${layer.strongest[at]}`));
      ring.hidden = false;
      ring.style.cssText = `left:${100 * column / layer.in}%;top:${100 * row / layer.out}%;width:${100 / layer.in}%;height:${100 / layer.out}%`;
      strip.replaceChildren(...Array.from({ length: layer.in }, (_, i) => {
        const kernel = make("span", { class: "kernel", style: `--x:${i};--y:${row}`, title: `channel ${i + 1}: ${layer.names[layer.kinds[place(row, i)]]}` });
        if (i === column) kernel.setAttribute("aria-current", "true");
        kernel.addEventListener("click", () => show(row, i));
        return kernel;
      }));
    };
    const dim = () => {
      const chosen = chips.findIndex((chip) => chip.getAttribute("aria-pressed") === "true");
      const context = canvas.getContext("2d");
      context.clearRect(0, 0, canvas.width, canvas.height);
      if (chosen < 0) return;
      context.fillStyle = getComputedStyle(document.documentElement).backgroundColor;
      context.globalAlpha = 0.86;
      layer.kinds.forEach((kind, at) => {
        if (kind !== chosen) context.fillRect(at % layer.in, Math.floor(at / layer.in), 1, 1);
      });
    };
    const typed = () => {
      const [row, column] = [filter, channel].map((input) => Math.min(Math.max(Math.round(input.value) || 1, 1), Number(input.max)) - 1);
      show(row, column);
    };
    frame.addEventListener("click", (event) => {
      const box = frame.getBoundingClientRect();
      const row = Math.floor((event.clientY - box.top) / box.height * layer.out);
      const column = Math.floor((event.clientX - box.left) / box.width * layer.in);
      show(Math.min(row, layer.out - 1), Math.min(column, layer.in - 1));
    });
    filter.addEventListener("change", typed);
    channel.addEventListener("change", typed);
    chips.forEach((chip) => chip.addEventListener("click", () => {
      const on = chip.getAttribute("aria-pressed") !== "true";
      for (const other of chips) other.setAttribute("aria-pressed", on && other === chip);
      dim();
    }));
    document.addEventListener("theme", dim);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", dim);
    show(Math.floor(layer.start / layer.in), layer.start % layer.in);
  }
}

function copying() {
  for (const button of $$(".copy")) {
    const says = button.textContent;
    button.addEventListener("click", async () => {
      const code = $("code", button.parentElement);
      try {
        await navigator.clipboard.writeText(code.textContent);
        button.textContent = button.dataset.done;
        setTimeout(() => { button.textContent = says; }, 2000);
      } catch {
        getSelection().selectAllChildren(code);
      }
    });
  }
}

function contents() {
  const links = new Map($$(".contents a").map((link) => [link.hash.slice(1), link]));
  const watch = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (entry.isIntersecting) {
        for (const link of links.values()) link.removeAttribute("aria-current");
        links.get(entry.target.id).setAttribute("aria-current", "true");
      }
    }
  }, { rootMargin: "-20% 0px -75% 0px" });
  for (const id of links.keys()) watch.observe(document.getElementById(id));
}

function printing() {
  let folded = [];
  addEventListener("beforeprint", () => { folded = $$("details:not([open])"); for (const one of folded) one.open = true; });
  addEventListener("afterprint", () => { for (const one of folded) one.open = false; });
}

for (const start of [theme, tabs, sorting, confusion, kernels, copying, contents, printing]) start();
