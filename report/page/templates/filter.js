// One suite at a time; words of a model's name or a data set search all of them.
const filterSuite = document.getElementById("filter-suite");
const filterModel = document.getElementById("filter-model");
const filterDataset = document.getElementById("filter-dataset");

function filterTables() {
  const words = filterModel.value.toLowerCase().split(/\s+/).filter(Boolean);
  const searching = words.length > 0 || filterDataset.value !== "";
  let shown = 0;
  let total = 0;
  for (const suite of all("section.suite")) {
    const asked = !filterDataset.value || suite.dataset.dataset === filterDataset.value;
    const fits = searching ? asked : suite.dataset.s === filterSuite.value;
    const bodies = all("table.results > tbody", suite);
    let here = 0;
    for (const body of bodies) {
      const label = body.dataset.label.toLowerCase();
      body.hidden = !words.every((word) => label.includes(word));
      here += !body.hidden;
    }
    suite.hidden = !fits || (words.length > 0 && here === 0);
    if (!suite.hidden) fillTiles(suite);
    total += bodies.length;
    shown += fits ? here : 0;
  }
  document.getElementById("filter-count").textContent = `${shown} of ${total} rows`;
}

// A link to a suite shows it.
function showLinked() {
  const found = /^#suite-(\d+)$/.exec(location.hash);
  if (!found) return;
  filterSuite.value = found[1];
  filterModel.value = filterDataset.value = "";
  filterTables();
  document.getElementById(`suite-${found[1]}`).scrollIntoView();
}

filterModel.addEventListener("input", filterTables);
filterDataset.addEventListener("change", filterTables);
filterSuite.addEventListener("change", () => {
  filterModel.value = filterDataset.value = "";
  filterTables();
});
document.getElementById("filter").addEventListener("submit", (event) => event.preventDefault());
window.addEventListener("hashchange", showLinked);
filterTables();
showLinked();
