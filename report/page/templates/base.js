// Shared by the scripts below: the data of the page, and makers of elements that take text, never markup.
const DATA = JSON.parse(document.getElementById("data").textContent);
const SVG = "http://www.w3.org/2000/svg";

function all(selector, root) {
  return Array.from((root || document).querySelectorAll(selector));
}

function make(name, attributes, children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) element.setAttribute(key, value);
  for (const child of children || []) element.append(child);
  return element;
}

function draw(name, attributes, children) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes || {})) element.setAttribute(key, value);
  for (const child of children || []) element.append(child);
  return element;
}

function suiteOf(element) {
  return DATA.suites[Number(element.closest("[data-s]").dataset.s)];
}

function written(column, value) {
  const sign = value < 0 ? "−" : "";
  const size = Math.abs(value);
  const options = { minimumFractionDigits: column.decimals, maximumFractionDigits: column.decimals };
  return sign + size.toLocaleString("en", options) + (column.percent ? "%" : "");
}

// Mean and half-width of the 95% t-interval; null where one value has none.
function tInterval(values) {
  const n = values.length;
  const mean = values.reduce((sum, v) => sum + v, 0) / n;
  if (n < 2) return { mean, half: null, n };
  const square = values.reduce((sum, v) => sum + (v - mean) ** 2, 0);
  const half = (DATA.t[n - 2] * Math.sqrt(square / (n - 1))) / Math.sqrt(n);
  return { mean, half: half > 1e-12 * Math.abs(mean) ? half : 0, n };
}

function pictureOf(row, name) {
  const tile = row.tiles[name];
  if (!tile) return make("p", { class: "hint" }, [`No ${name} stored.`]);
  const image = make("img", { class: "whole", alt: `${name} of ${row.label}` });
  image.addEventListener("load", () => inWholePixels(image));
  image.src = tile[0] || tile[1];
  const title = name[0].toUpperCase() + name.slice(1);
  return make("figure", {}, [make("a", { href: tile[1] }, [image]), make("figcaption", {}, [title])]);
}
