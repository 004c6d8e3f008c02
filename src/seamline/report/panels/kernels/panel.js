function kernels() {
  for (const [index, layer] of Object.entries(data("kernels") ?? {})) {
    const root = $(`.weights[data-layer="${index}"]`), frame = $(".frame", root), canvas = $("canvas", root);
    const [filter, channel] = $$("input", root), ring = $(".ring", root), strip = $(".strip", root);
    const chips = $$(`.types[data-layer="${index}"] button`);
    const position = (row, column) => row * layer.in + column;

    const show = (row, column) => {
      [filter.value, channel.value] = [row + 1, column + 1];
      const at = position(row, column);
      const large = $(".large", root);
      large.style.cssText = `--x:${column};--y:${row}`;
      large.setAttribute("aria-label", `Filter ${row + 1}, channel ${column + 1}: ${layer.names[layer.types[at]]}`);
      $(".type", root).replaceChildren(layer.names[layer.types[at]],
        make("small", {}, `correlation ${layer.correlations[at].toFixed(2)}, largest weight ${layer.largest[at]}`));
      ring.hidden = false;
      ring.style.cssText = `left:${100 * column / layer.in}%;top:${100 * row / layer.out}%;width:${100 / layer.in}%;height:${100 / layer.out}%`;
      strip.replaceChildren(...Array.from({ length: layer.in }, (_, i) => {
        const kernel = make("span", { class: "kernel", style: `--x:${i};--y:${row}`, title: `channel ${i + 1}: ${layer.names[layer.types[position(row, i)]]}` });
        if (i === column) kernel.setAttribute("aria-current", "true");
        kernel.addEventListener("click", () => show(row, i));
        return kernel;
      }));
    };
    const dim = () => {
      const selected = chips.findIndex((chip) => chip.getAttribute("aria-pressed") === "true");
      const context = canvas.getContext("2d");
      context.clearRect(0, 0, canvas.width, canvas.height);
      if (selected < 0) return;
      context.fillStyle = getComputedStyle(document.documentElement).backgroundColor;
      context.globalAlpha = 0.86;
      layer.types.forEach((type, at) => {
        if (type !== selected) context.fillRect(at % layer.in, Math.floor(at / layer.in), 1, 1);
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

kernels();
