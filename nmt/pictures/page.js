"use strict";
const tip = document.getElementById("tip");
const data = JSON.parse(document.getElementById("data").textContent);

function textAt(chart, x, y) {
  if (chart.values) {
    const [left, top, right, bottom] = chart.box;
    const column = Math.floor((x - left) / (right - left) * chart.columns.length);
    const row = Math.floor((y - top) / (bottom - top) * chart.rows.length);
    const value = chart.values[row]?.[column];
    return value === undefined ? "" : `${chart.rows[row]} · ${chart.columns[column]}\n${value}`;
  }
  let best = "", nearest = 0.04;
  for (const [spotX, spotY, text] of chart.spots) {
    const distance = Math.hypot(spotX - x, spotY - y);
    if (distance < nearest) { nearest = distance; best = text; }
  }
  return best;
}

for (const figure of document.querySelectorAll("figure[data-chart]")) {
  const chart = data[Number(figure.dataset.chart)];
  const drawing = figure.querySelector("svg");
  figure.addEventListener("pointermove", (event) => {
    const box = drawing.getBoundingClientRect();
    const text = textAt(chart, (event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
    tip.hidden = !text;
    tip.textContent = text;
    tip.style.left = `${Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 4)}px`;
    tip.style.top = `${event.clientY + 14}px`;
  });
  figure.addEventListener("pointerleave", () => { tip.hidden = true; });
}
document.documentElement.dataset.ready = String(data.length);
