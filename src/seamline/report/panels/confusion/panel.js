const count = (number) => number.toLocaleString("en-US");
const confidenceText = (confidence) => confidence >= 0.995 ? ">99\u00a0%" : `${Math.round(100 * confidence)}\u00a0%`;

function confusion() {
  const content = data("confusion");
  if (!content) return;
  const { classes, splits } = content;

  const show = (button, view, split, true_, predicted) => {
    const images = Number(button.textContent) || 0;
    const shown = splits[split].cells[`${true_}-${predicted}`] ?? [];
    const right = true_ === predicted;
    const title = right ? `${classes[true_]}, predicted correctly` : `${classes[true_]} predicted as ${classes[predicted]}`;
    const total = Number(button.closest("tr").lastElementChild.textContent);
    const some = shown.length < images ? `${shown.length} of ${count(images)} shown, the most confident` : "All shown, the most confident first";
    view.replaceChildren(
      make("p", { class: "cell-title" }, title),
      make("p", { class: "note" }, `${count(images)} of ${count(total)} images of this class (${button.dataset.fraction}). ${shown.length ? `${some}.` : ""}`),
      make("div", { class: "shots" }, ...shown.map(([name, confidence, x, y]) => make("figure", { class: "shot" },
        make("span", { class: `tile sprite-${split}`, style: `--x:${x};--y:${y}`, role: "img", title: name,
          "aria-label": `${name}, true class ${classes[true_]}, predicted as ${classes[predicted]}` }),
        make("figcaption", {}, confidenceText(confidence), make("small", {}, name))))),
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
      const label = `${Number(button.textContent) || 0} ${classes[true_]} predicted as ${classes[predicted]}, ${button.dataset.fraction}`;
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

confusion();
