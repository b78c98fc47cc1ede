// A cell's seeds, interval, run folders and remarks: under the pointer, on a tap, or with the arrow keys.
const tip = document.getElementById("tip");
let tipped = null;

function tipLines(cell) {
  const body = cell.closest("tbody");
  const suite = suiteOf(cell);
  const row = suite.rows[Number(body.dataset.r)];
  const index = Number(cell.dataset.c);
  const column = suite.columns[index];
  const seeds = Object.entries(row.values[index]);
  const lines = [];
  if (seeds.length) {
    lines.push(seeds.map(([seed, value]) => `Seed ${seed}: ${written(column, value)}`).join("\n"));
    const { mean, half, n } = tInterval(seeds.map((entry) => entry[1]));
    if (half === null) lines.push("One seed: no interval over seeds");
    else {
      const ends = `${written(column, mean - half)} to ${written(column, mean + half)}`;
      lines.push(`95% t-interval over ${n} seeds: ${ends}`);
    }
  }
  lines.push(...row.notes[index]);
  lines.push(`Run: ${row.runs.map((run) => run.link).join("\n")}`);
  if (row.settings) lines.push(`Settings: ${row.settings}`);
  return [`${row.label}: ${column.label}`, ...lines];
}

function hideTip() {
  if (tipped) tipped.removeAttribute("aria-describedby");
  tipped = null;
  tip.hidden = true;
}

function showTip(cell) {
  if (cell === tipped) return;
  hideTip();
  tipped = cell;
  const [title, ...lines] = tipLines(cell);
  tip.replaceChildren(make("b", {}, [title]), ...lines.map((line) => make("div", {}, [line])));
  tip.hidden = false;
  cell.setAttribute("aria-describedby", "tip");
  const at = cell.getBoundingClientRect();
  const width = document.documentElement.clientWidth;
  const left = Math.min(Math.max(at.left, 8), width - tip.offsetWidth - 8);
  const above = at.bottom + tip.offsetHeight + 8 > window.innerHeight && at.top > tip.offsetHeight + 8;
  tip.style.left = `${left + window.scrollX}px`;
  tip.style.top = `${(above ? at.top - tip.offsetHeight - 4 : at.bottom + 4) + window.scrollY}px`;
}

function cellOf(event) {
  return event.target instanceof Element ? event.target.closest("td[data-c]") : null;
}

function moveTo(cell) {
  for (const other of all('td[tabindex="0"]', cell.closest("table"))) other.tabIndex = -1;
  cell.tabIndex = 0;
  cell.focus();
}

function neighbour(cell, key) {
  const step = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[key];
  if (!step) return null;
  const bodies = all("tbody", cell.closest("table")).filter((body) => !body.hidden);
  const body = bodies[bodies.indexOf(cell.closest("tbody")) + step[0]];
  const found = body && body.rows[0].cells[cell.cellIndex + step[1]];
  return found && found.matches("td[data-c]") ? found : null;
}

for (const table of all("table.results")) {
  const first = table.querySelector("td[data-c]");
  if (first) first.tabIndex = 0;
  table.addEventListener("mouseover", (event) => {
    const cell = cellOf(event);
    if (cell) showTip(cell);
    else if (tipped !== document.activeElement) hideTip();
  });
  table.addEventListener("mouseleave", hideTip);
  table.addEventListener("focusin", (event) => {
    const cell = cellOf(event);
    if (cell) showTip(cell);
  });
  table.addEventListener("focusout", hideTip);
  table.addEventListener("click", (event) => {
    const cell = cellOf(event);
    if (cell) {
      moveTo(cell);
      showTip(cell);
    }
  });
  table.addEventListener("keydown", (event) => {
    const cell = cellOf(event);
    const next = cell && neighbour(cell, event.key);
    if (!next) return;
    event.preventDefault();
    moveTo(next);
  });
}
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") hideTip();
});
