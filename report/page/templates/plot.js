// A line plot as SVG: `lines` are {label, colour, dash, x, mean, least, most}.
function ticks(low, high, count) {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((m) => m * power >= rough);
  const found = [];
  for (let v = Math.ceil(low / step) * step; v <= high + 1e-9 * step; v += step) found.push(Number(v.toPrecision(12)));
  return found;
}

function quantile(values, q) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
}

// From the best value to what most lines reach after a tenth of their points: the first epochs would flatten the rest.
function limits(lines) {
  const low = Math.min(...lines.flatMap((line) => line.least));
  const early = lines.map((line) => line.mean[Math.floor(line.mean.length / 10)]);
  const high = Math.max(quantile(early, 0.9), low + Math.abs(low) * 1e-6 + 1e-9);
  const margin = 0.05 * (high - low);
  return [low - margin, high + margin];
}

function plot(lines, xLabel, yLabel, title, width) {
  const [height, left, bottom, top, right] = [Math.round(width / 3) + 120, 60, 44, 12, 12];
  const svg = draw("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": title });
  if (!lines.length) {
    svg.append(draw("text", { x: left, y: height / 2 }, ["No curve to show."]));
    return svg;
  }
  const xMost = Math.max(...lines.flatMap((line) => line.x));
  const [yLow, yHigh] = limits(lines);
  const x = (v) => left + (v / xMost) * (width - left - right);
  const y = (v) => height - bottom - ((v - yLow) / (yHigh - yLow)) * (height - bottom - top);
  const frame = draw("clipPath", { id: `clip-${plot.count = (plot.count || 0) + 1}` }, [
    draw("rect", { x: left, y: top, width: width - left - right, height: height - top - bottom }),
  ]);
  svg.append(frame);
  for (const v of ticks(yLow, yHigh, 5)) {
    svg.append(draw("line", { class: "grid", x1: left, x2: width - right, y1: y(v), y2: y(v) }));
    svg.append(draw("text", { x: left - 6, y: y(v) + 4, "text-anchor": "end" }, [String(v)]));
  }
  for (const v of ticks(0, xMost, Math.round(width / 100))) {
    svg.append(draw("line", { class: "grid", x1: x(v), x2: x(v), y1: top, y2: height - bottom }));
    svg.append(draw("text", { x: x(v), y: height - bottom + 16, "text-anchor": "middle" }, [String(v)]));
  }
  const inside = draw("g", { "clip-path": `url(#${frame.id})` });
  for (const line of lines) {
    const forth = line.x.map((v, i) => `${x(v)},${y(line.most[i])}`);
    const back = line.x.map((v, i) => `${x(v)},${y(line.least[i])}`).reverse();
    inside.append(draw("polygon", { points: [...forth, ...back].join(" "), fill: line.colour, opacity: 0.15 }));
    const points = line.x.map((v, i) => `${x(v)},${y(line.mean[i])}`).join(" ");
    const stroke = { points, fill: "none", stroke: line.colour, "stroke-width": 1.8, "stroke-dasharray": line.dash };
    inside.append(draw("polyline", stroke, [draw("title", {}, [line.label])]));
  }
  svg.append(inside);
  svg.append(draw("text", { x: (left + width - right) / 2, y: height - 8, "text-anchor": "middle" }, [xLabel]));
  const turn = `translate(14 ${(top + height - bottom) / 2}) rotate(-90)`;
  svg.append(draw("text", { transform: turn, "text-anchor": "middle" }, [yLabel]));
  return svg;
}
