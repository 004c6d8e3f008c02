function confusion() {
  if (!cases.length) return;

  const browsed = maskData?.split ?? $(".browser")?.dataset.split;
  const ofSplit = Object.fromEntries(Object.keys(labeledData?.splits ?? {}).map((split) => [split, labeledCases(split)]));
  const labeled = (split, button, true_, predicted) => {
    const list = ofSplit[split].filter((one) => one.true_ === true_ && one.predicted === predicted);
    const shown = Math.min(list.length, 12);
    const images = Number(button.textContent) || 0;
    const total = Number(button.closest("tr").lastElementChild.textContent);
    const some = shown < images ? `${shown} of ${count(images)} shown, the most confident` : "All shown, the most confident first";
    const note = `${count(images)} of ${count(total)} images of this class (${button.dataset.fraction}). ${list.length ? `${some}.` : ""}`;
    return [note, list, shown, (one) => [confidenceText(one.confidence), one.name]];
  };
  const masked = (button, true_, predicted) => {
    const share = (one) => one.weight(true_, predicted);
    const list = cases.filter((one) => share(one) !== undefined).sort((a, b) => share(b) - share(a));
    const shown = Math.min(list.length, 12);
    const some = list.length ? ` In ${count(list.length)} of ${count(cases.length)} images; ${shown < list.length ? `${shown} shown, ` : ""}most pixels first.` : "";
    return [`${button.dataset.fraction} of the pixels of this class.${some}`, list, shown, (one) => [`${shareText(share(one))} of the pixels`, fileName(one.name)]];
  };

  const show = (button, view, split, true_, predicted) => {
    const [note, list, shown, caption] = maskData ? masked(button, true_, predicted) : labeled(split, button, true_, predicted);
    const shots = make("div", { class: "shots" }, ...list.slice(0, shown).map((one, at) => caseFigure(list, at, caption(one))));
    view.replaceChildren(make("p", { class: "cell-title" }, pairText(true_, predicted)), make("p", { class: "note" }, note), shots);
    if (shown) roving(shots);
    if (shown === list.length || split !== browsed) return;
    const all = make("button", { type: "button", class: "in-browser" }, `Browse all ${count(list.length)} on this page`);
    all.addEventListener("click", () => browse(true_, predicted));
    view.append(all);
  };

  for (const table of $$(".matrix")) {
    const { split } = table.dataset;
    const view = $(".cell", table.closest(".matrix-and-cell") ?? document.createElement("div"));
    if (!view) continue;
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
      const pair = `${caseClasses[true_]} predicted as ${caseClasses[predicted]}`;
      const label = maskData ? `${pair}: ${button.dataset.fraction}, ${button.dataset.count} pixels` : `${Number(button.textContent) || 0} ${pair}, ${button.dataset.fraction}`;
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
