// Filter all tables by words in the model's name and by data set.
const filterModel = document.getElementById("filter-model");
const filterDataset = document.getElementById("filter-dataset");

function filterTables() {
  const words = filterModel.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  let total = 0;
  for (const suite of all("section.suite")) {
    const fits = !filterDataset.value || suite.dataset.dataset === filterDataset.value;
    suite.hidden = !fits;
    const bodies = all("table.results > tbody", suite);
    let here = 0;
    for (const body of bodies) {
      const label = body.dataset.label.toLowerCase();
      body.hidden = !words.every((word) => label.includes(word));
      here += !body.hidden;
    }
    total += bodies.length;
    shown += fits ? here : 0;
    const none = suite.querySelector("p.none");
    if (none) none.hidden = here > 0;
  }
  document.getElementById("filter-count").textContent = `${shown} of ${total} rows`;
}

filterModel.addEventListener("input", filterTables);
filterDataset.addEventListener("change", filterTables);
document.getElementById("filter").addEventListener("submit", (event) => event.preventDefault());
filterTables();
