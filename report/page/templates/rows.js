// A model's name opens its runs, settings, command and pictures.
function openRow(button) {
  const body = button.closest("tbody");
  const detail = body.rows[1];
  detail.hidden = !detail.hidden;
  button.setAttribute("aria-expanded", String(!detail.hidden));
  const tiles = detail.querySelector(".tiles");
  if (detail.hidden || tiles.childElementCount) return;
  const row = suiteOf(body).rows[Number(body.dataset.r)];
  const names = Object.keys(row.tiles);
  if (names.length) tiles.append(make("div", { class: "pictures" }, names.map((name) => pictureOf(row, name))));
}

for (const button of all("button.open")) button.addEventListener("click", () => openRow(button));
