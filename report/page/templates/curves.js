// Training curves of a suite: which models, against time or epochs. Drawn when opened.
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"]; // Okabe and Ito's
const DASHES = ["none", "6 3", "2 2", "8 3 2 3", "1 3"];
const FIRST = 4; // models shown at first

function lineOf(row, index, axis) {
  const colour = COLOURS[index % COLOURS.length];
  const dash = DASHES[Math.floor(index / COLOURS.length) % DASHES.length];
  const kept = row.curve[axis].map((v, i) => i).filter((i) => row.curve[axis][i] !== null);
  const pick = (name) => kept.map((i) => row.curve[name][i]);
  return { label: row.label, colour, dash, x: pick(axis), mean: pick("mean"), least: pick("least"), most: pick("most") };
}

function swatch(line) {
  const stroke = { x1: 0, x2: 28, y1: 6, y2: 6, stroke: line.colour, "stroke-width": 2.5, "stroke-dasharray": line.dash };
  return draw("svg", { width: 28, height: 12, "aria-hidden": "true" }, [draw("line", stroke)]);
}

function drawCurves(details) {
  const suite = suiteOf(details);
  const axis = details.querySelector("select.axis").value;
  const chosen = all("fieldset input:checked", details).map((box) => Number(box.value));
  const lines = chosen.map((i) => lineOf(suite.rows[i], i, axis)).filter((line) => line.x.length);
  const longest = Math.max(0, ...lines.flatMap((line) => line.x));
  const minutes = axis === "seconds" && longest > 180;
  for (const line of minutes ? lines : []) line.x = line.x.map((v) => v / 60);
  const xLabel = axis === "epoch" ? "epoch" : minutes ? "minutes of training" : "seconds of training";
  const kinds = new Set(chosen.map((i) => suite.rows[i].curve.loss[0].replace("_", " ")));
  const title = `Training curves of ${suite.name}: ${lines.map((line) => line.label).join(", ")}`;
  const place = details.querySelector(".plot");
  const width = Math.min(Math.max(place.clientWidth, 300), 800);
  place.replaceChildren(plot(lines, xLabel, [...kinds].join(" or "), title, width));
}

function prepareCurves(details) {
  const fieldset = details.querySelector("fieldset");
  if (fieldset.querySelector("input")) return;
  const rows = suiteOf(details).rows;
  const timed = rows.some((row) => row.curve && row.curve.seconds.some((v) => v !== null));
  details.querySelector("select.axis").value = timed ? "seconds" : "epoch";
  rows.forEach((row, i) => {
    if (!row.curve) return;
    const box = make("input", { type: "checkbox", value: i });
    box.checked = fieldset.querySelectorAll("input").length < FIRST;
    fieldset.append(make("label", {}, [box, swatch(lineOf(row, i, "epoch")), row.label]));
  });
  details.addEventListener("change", () => drawCurves(details));
  drawCurves(details);
}

for (const details of all("details.curves")) {
  details.addEventListener("toggle", () => {
    if (details.open) prepareCurves(details);
  });
}
