// Sort a table by a column: ascending, descending, then as it was. Blank cells stay last.
function keyOf(body, column) {
  if (column < 0) return body.dataset.label;
  const text = body.rows[0].cells[column + 1].dataset.v;
  return text === "" ? null : Number(text);
}

function compareKeys(a, b) {
  return typeof a === "string" ? a.localeCompare(b, "en", { numeric: true }) : a - b;
}

function sortBy(button) {
  const table = button.closest("table");
  const heading = button.closest("th");
  const column = Number(button.dataset.c);
  const next = { none: "ascending", ascending: "descending", descending: "none" }[heading.getAttribute("aria-sort")];
  for (const other of all("th[aria-sort]", table)) other.setAttribute("aria-sort", "none");
  heading.setAttribute("aria-sort", next);
  const bodies = all("tbody", table).sort((a, b) => Number(a.dataset.r) - Number(b.dataset.r));
  if (next !== "none") {
    const sign = next === "ascending" ? 1 : -1;
    bodies.sort((a, b) => {
      const [x, y] = [keyOf(a, column), keyOf(b, column)];
      if (x === null || y === null) return (x === null) - (y === null);
      return sign * compareKeys(x, y);
    });
  }
  table.append(...bodies);
}

for (const button of all("button.sort")) button.addEventListener("click", () => sortBy(button));
