function sorting() {
  for (const table of $$(".sortable")) {
    const heads = $$("thead th", table), body = $("tbody", table);
    const keys = (row, column) => {
      const cell = row.children[column];
      return column ? Number(cell.dataset.value) : cell.textContent;
    };
    heads.forEach((head, column) => $("button", head).addEventListener("click", () => {
      // Names are sorted ascending first, metrics descending first.
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

sorting();
