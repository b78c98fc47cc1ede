// Two rows of one suite: paired differences over the seeds that both have, and their pictures next to each other.
const compareSuite = document.getElementById("compare-suite");
const compareA = document.getElementById("compare-a");
const compareB = document.getElementById("compare-b");

function pairedDifference(a, b) {
  const seeds = Object.keys(a).filter((seed) => seed in b);
  return seeds.length ? tInterval(seeds.map((seed) => b[seed] - a[seed])) : null;
}

function verdictOf(column, difference) {
  if (difference.half === null) return ["one seed: no interval", ""];
  if (difference.half === 0 || Math.abs(difference.mean) <= difference.half) return ["not resolved", ""];
  if (!column.sign) return [difference.mean > 0 ? "second is higher" : "second is lower", ""];
  return difference.mean * column.sign > 0 ? ["second is better", "better"] : ["second is worse", "worse"];
}

function meanOf(column, values) {
  const numbers = Object.values(values);
  return numbers.length ? written(column, tInterval(numbers).mean) : "–";
}

function differenceRow(column, a, b) {
  const difference = pairedDifference(a, b);
  const cells = [make("th", { scope: "row" }, [column.label]), meanOf(column, a), meanOf(column, b)];
  if (difference) {
    const finer = { ...column, decimals: column.decimals + (difference.half === null ? 0 : 1) };
    const [said, kind] = verdictOf(column, difference);
    const interval = difference.half === null ? "" : ` ± ${written(finer, difference.half)}`;
    cells.push(written(finer, difference.mean) + interval, String(difference.n), make("span", { class: kind }, [said]));
  } else cells.push("–", "0", "no shared seed");
  const row = make("tr");
  cells.forEach((cell, i) => row.append(i ? make("td", i < 5 ? { class: "n" } : {}, [cell]) : cell));
  return row;
}

function differenceTable(suite, a, b) {
  const heads = ["Metric", "First", "Second", "Second − first", "Seeds", ""];
  const head = make("tr", {}, heads.map((text, i) => make("th", { scope: "col", class: i && i < 5 ? "n" : "" }, [text])));
  const measured = suite.columns.map((column, i) => [column, a.values[i], b.values[i]]);
  const rows = measured.filter(([, x, y]) => Object.keys(x).length || Object.keys(y).length);
  const body = make("tbody", {}, rows.map(([column, x, y]) => differenceRow(column, x, y)));
  const table = make("table", { class: "plain", id: "differences" }, [make("thead", {}, [head]), body]);
  return make("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": "Differences" }, [table]);
}

// Heading, reconstructions, samples and embedding of both rows, kind by kind, so that they stand level.
function sides(rows) {
  const kinds = [
    (row) => make("h4", {}, [row.label]),
    (row) => pictureOf(row, "reconstructions"),
    (row) => pictureOf(row, "samples"),
    embeddingOf,
  ];
  return make("div", { class: "sides" }, kinds.flatMap((kind) => rows.map(kind)));
}

function compare() {
  const suite = DATA.suites[Number(compareSuite.value)];
  const result = document.getElementById("compare-result");
  const [a, b] = [compareA, compareB].map((list) => suite && suite.rows[Number(list.value)]);
  if (!a || !b) {
    result.replaceChildren(make("p", {}, ["There are no two rows to compare."]));
    return;
  }
  const said = "± is the half-width of the paired 95% t-interval over the seeds that both rows have.";
  result.replaceChildren(make("p", { class: "hint" }, [said]), differenceTable(suite, a, b), sides([a, b]));
}

function offerRows() {
  const suite = DATA.suites[Number(compareSuite.value)];
  const rows = suite ? suite.rows : [];
  [compareA, compareB].forEach((list, which) => {
    list.replaceChildren(...rows.map((row, i) => make("option", { value: i }, [row.label])));
    list.selectedIndex = Math.min(which, rows.length - 1);
  });
  compare();
}

compareSuite.addEventListener("change", offerRows);
compareA.addEventListener("change", compare);
compareB.addEventListener("change", compare);
for (const link of all("a.to-compare")) {
  link.addEventListener("click", () => {
    compareSuite.value = link.dataset.s;
    offerRows();
  });
}
offerRows();
