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

for (const start of [theme, tabs, copying, contents, printing]) start();
