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

// The index that an arrow key leads to; undefined for any other key.
const step = (key, index, length, previous = "ArrowLeft", next = "ArrowRight") =>
  ({ [previous]: Math.max(index - 1, 0), [next]: Math.min(index + 1, length - 1) })[key];

function theme() {
  const button = $(".theme");
  button.hidden = false;
  button.addEventListener("click", () => {
    const current = document.documentElement.dataset.theme;
    const dark = current ? current === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    document.documentElement.dataset.theme = dark ? "light" : "dark";
    try { localStorage.setItem("seamline-theme", document.documentElement.dataset.theme); } catch { /* no storage: not remembered */ }
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
      const index = step(event.key, all.indexOf(document.activeElement), all.length);
      if (index === undefined) return;
      event.preventDefault();
      selectTab(all[index]);
      all[index].focus();
    });
  }
}

function copying() {
  for (const button of $$(".copy")) {
    const label = button.textContent;
    button.addEventListener("click", async () => {
      const code = $("code", button.parentElement);
      try {
        await navigator.clipboard.writeText(code.textContent);
        button.textContent = button.dataset.done;
        setTimeout(() => { button.textContent = label; }, 2000);
      } catch {
        getSelection().selectAllChildren(code);
      }
    });
  }
}

// On narrow screens the contents are a menu that stays on top.
function menu() {
  const nav = $(".contents"), list = nav && $("ol", nav);
  if (!list) return;
  list.id ||= "contents-list";
  const button = make("button", { type: "button", class: "menu", "aria-expanded": "false", "aria-controls": list.id },
    "Contents", make("span", { class: "current" }));
  const open = (on) => {
    nav.classList.toggle("open", on);
    button.setAttribute("aria-expanded", on);
  };
  nav.prepend(button);
  button.addEventListener("click", () => open(!nav.classList.contains("open")));
  list.addEventListener("click", (event) => { if (event.target.closest("a")) open(false); });
  document.addEventListener("click", (event) => { if (!nav.contains(event.target)) open(false); });
  nav.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !nav.classList.contains("open")) return;
    open(false);
    button.focus();
  });
}

function contents() {
  const links = new Map($$(".contents a").map((link) => [link.hash.slice(1), link]));
  const watch = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (entry.isIntersecting) {
        for (const link of links.values()) link.removeAttribute("aria-current");
        const link = links.get(entry.target.id);
        link.setAttribute("aria-current", "true");
        const current = $(".contents .current");
        if (current) current.textContent = link.textContent;
      }
    }
  }, { rootMargin: "-20% 0px -75% 0px" });
  for (const id of links.keys()) watch.observe(document.getElementById(id));
}

// A table that is wider than the screen shows whole columns, fades out after them and counts the others.
function scrolling() {
  for (const region of $$(".scroll")) {
    const table = $("table", region);
    const cells = [...(table?.tBodies[0]?.rows[0]?.cells ?? [])];
    if (cells.length < 2) continue;
    const hint = make("p", { class: "hint", "aria-hidden": "true" });
    region.after(hint);
    const update = () => {
      const start = table.getBoundingClientRect().left, first = cells[0].offsetWidth;
      const fixed = region.scrollLeft + first, end = region.scrollLeft + region.clientWidth;
      const boxes = cells.slice(1).map((cell) => cell.getBoundingClientRect());
      const whole = boxes.filter((box) => box.left - start > fixed - 1.5 && box.right - start < end + 1.5);
      const hidden = boxes.filter((box) => box.right - start >= end + 1.5).length;
      region.classList.toggle("more", hidden > 0 || region.scrollLeft > 1);
      region.classList.toggle("moved", region.scrollLeft > 1);
      const places = { first, fixed, from: (whole[0]?.left ?? start + fixed) - start, to: hidden && whole.length ? whole.at(-1).right - start : 1e5 };
      for (const [name, place] of Object.entries(places)) region.style.setProperty(`--${name}`, `${place}px`);
      hint.textContent = hidden ? `${hidden} more column${hidden > 1 ? "s" : ""} →` : "";
    };
    region.addEventListener("scroll", update, { passive: true });
    const watch = new ResizeObserver(update);
    watch.observe(region);
    watch.observe(table);
  }
}

// Values of plots: under the pointer, after a touch, and with the arrow keys.
function values() {
  const tip = make("div", { class: "tip", role: "status" });
  const marks = (plot) => $$("[data-tip]", plot);
  let shown = null;
  const hide = () => {
    shown?.classList.remove("on");
    shown = null;
    tip.classList.remove("on");
  };
  const place = (x) => {
    const box = shown.getBoundingClientRect(), size = tip.getBoundingClientRect();
    const center = x ?? box.left + box.width / 2, above = box.top - size.height - 8;
    tip.style.left = `${Math.max(8, Math.min(center - size.width / 2, document.documentElement.clientWidth - size.width - 8))}px`;
    tip.style.top = `${above > 8 ? above : Math.min(box.bottom + 8, innerHeight - size.height - 8)}px`;
  };
  const show = (mark, x) => {
    if (mark === shown) return;
    hide();
    shown = mark;
    mark.classList.add("on");
    tip.textContent = mark.dataset.tip;
    tip.classList.add("on");
    place(x);
  };
  const point = (plot, event) => {
    let best = null, least = event.pointerType === "touch" ? 24 : 12;
    for (const mark of marks(plot)) {
      const box = mark.getBoundingClientRect();
      const away = Math.hypot(Math.max(box.left - event.clientX, 0, event.clientX - box.right),
        Math.max(box.top - event.clientY, 0, event.clientY - box.bottom));
      const off = away + Math.hypot(box.left + box.width / 2 - event.clientX, box.top + box.height / 2 - event.clientY) / 1e4;
      if (off < least) [best, least] = [mark, off];
    }
    if (best) show(best, best.getBoundingClientRect().width > 24 ? event.clientX : undefined);
    else hide();
  };
  for (const plot of $$("svg.plot")) {
    const titles = $$("g > title", plot);
    if (!titles.length) continue;
    for (const title of titles) {
      title.parentElement.dataset.tip = title.textContent;
      title.remove();
    }
    plot.tabIndex = 0;
    plot.setAttribute("aria-label", `${plot.getAttribute("aria-label")} The arrow keys read its ${titles.length} values.`);
    plot.addEventListener("pointermove", (event) => point(plot, event));
    plot.addEventListener("pointerdown", (event) => point(plot, event));
    plot.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse") hide(); });
    plot.addEventListener("focusin", (event) => { if (event.target.dataset.tip) show(event.target); });
    plot.addEventListener("focusout", hide);
    plot.addEventListener("keydown", (event) => {
      if (event.target !== plot) return;
      const all = marks(plot), at = all.indexOf(shown);
      const index = event.key === "Home" ? 0 : event.key === "End" ? all.length - 1 : step(event.key, at, all.length);
      if (event.key === "Escape") hide();
      if (index === undefined) return;
      event.preventDefault();
      show(all[index]);
    });
  }
  document.addEventListener("pointerdown", (event) => { if (!event.target.closest?.("svg.plot")) hide(); });
  addEventListener("scroll", () => {  // focus scrolls its plot into view
    if (shown?.closest("svg").contains(document.activeElement)) place();
    else hide();
  }, { passive: true });
  document.body.append(tip);
}

function printing() {
  let folded = [];
  addEventListener("beforeprint", () => { folded = $$("details:not([open])"); for (const one of folded) one.open = true; });
  addEventListener("afterprint", () => { for (const one of folded) one.open = false; });
}

for (const start of [theme, tabs, copying, menu, contents, scrolling, values, printing]) start();
