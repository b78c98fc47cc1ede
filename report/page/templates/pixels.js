// Pictures of images: every pixel of the data is a square of as many whole pixels as there is room for.
const LARGEST = 560;

function inWholePixels(image) {
  const place = image.closest("figure");
  const room = Math.min(LARGEST, (place && place.parentElement.clientWidth) || LARGEST);
  const times = Math.max(1, Math.floor(room / image.naturalWidth));
  image.width = image.naturalWidth * times;
  image.height = image.naturalHeight * times;
}

// The samples or reconstructions of all rows, made when their suite is first shown.
function fillTiles(section) {
  const suite = suiteOf(section);
  for (const place of all(".tilegrid", section)) {
    if (place.childElementCount) continue;
    const name = place.dataset.name;
    for (const row of suite.rows.filter((row) => row.tiles[name])) {
      const picture = pictureOf(row, name);
      picture.querySelector("figcaption").textContent = row.label;
      place.append(picture);
    }
  }
}

window.addEventListener("resize", () => {
  for (const image of all("img.whole")) if (image.naturalWidth) inWholePixels(image);
});
