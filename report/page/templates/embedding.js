// A t-SNE of latent means, from three bytes a point.
function embeddingOf(row) {
  if (!row.tsne) return make("p", { class: "hint" }, ["No t-SNE stored."]);
  const { n, data, classes, seed } = row.tsne;
  const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
  const size = 480;
  const canvas = make("canvas", { width: size, height: size, role: "img" });
  canvas.setAttribute("aria-label", `t-SNE of the latent means of ${row.label}, ${n} test images, coloured by class`);
  const context = canvas.getContext("2d");
  const place = (value) => 12 + (value / 255) * (size - 24);
  const middles = new Map();
  context.globalAlpha = 0.75;
  for (let i = 0; i < n; i += 1) {
    const [x, y, label] = [place(bytes[i]), size - place(bytes[n + i]), bytes[2 * n + i]];
    context.fillStyle = DATA.classColours[label % DATA.classColours.length];
    context.beginPath();
    context.arc(x, y, 3, 0, 2 * Math.PI);
    context.fill();
    if (!middles.has(label)) middles.set(label, [[], []]);
    middles.get(label)[0].push(x);
    middles.get(label)[1].push(y);
  }
  context.globalAlpha = 1;
  context.font = "bold 17px sans-serif";
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.lineWidth = 4;
  context.strokeStyle = "#ffffff";
  context.fillStyle = "#1b1b1b";
  const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];
  for (const [label, [xs, ys]] of middles) {
    context.strokeText(String(label), median(xs), median(ys));
    context.fillText(String(label), median(xs), median(ys));
  }
  const named = classes.filter((name, k) => name !== String(k));
  const legend = named.length ? `: ${classes.map((name, k) => `${k} ${name}`).join(", ")}` : "";
  return make("figure", {}, [canvas, make("figcaption", {}, [`Latent t-SNE, seed ${seed}${legend}`])]);
}
