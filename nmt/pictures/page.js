"use strict";
const tip = document.getElementById("tip"), said = document.getElementById("said");

const REACH = 40;  // pixels from a spot at which its text still shows

/* The text at a share of the drawing's width and height, which are given in pixels. */
function textAt(chart, x, y, width, height) {
  if (chart.values) {
    const [left, top, right, bottom] = chart.box;
    return cell(chart, Math.floor((y - top) / (bottom - top) * chart.rows.length),
      Math.floor((x - left) / (right - left) * chart.columns.length));
  }
  let best = "", nearest = REACH;
  chart.spots.forEach(([spotX, spotY], i) => {
    const distance = Math.hypot((spotX - x) * width, (spotY - y) * height);
    if (distance < nearest) { nearest = distance; best = rowText(chart, i); }
  });
  return best;
}

/* A spot's row of the table: a curve's name, x and y; a box's name and what it is. */
function rowText({ kind, header, table }, i) {
  const [name, ...more] = table[i];
  return kind === "lines" ? [name, ...more.map((text, k) => `${header[k + 1]}: ${text}`)].join("\n") : more[0] || name;
}

function cell(chart, row, column) {
  const value = chart.values[row]?.[column];
  return value === undefined ? "" : `${chart.rows[row]} · ${chart.columns[column]}\n${value}`;
}

function show(text, x, y) {
  tip.hidden = !text;
  tip.textContent = text;
  tip.style.left = `${Math.max(4, Math.min(x + 14, innerWidth - tip.offsetWidth - 4))}px`;
  tip.style.top = `${Math.min(y + 14, innerHeight - tip.offsetHeight - 4)}px`;
}

/* The keyboard's position in a chart: an index in the list of its spots, or a row and a column. */
function moved(chart, at, key) {
  const [rows, columns] = chart.values ? [chart.rows.length, chart.columns.length] : [1, chart.spots.length];
  let [row, column] = at ?? [0, -1];
  if (key === "ArrowRight" || (key === "ArrowDown" && rows === 1)) column += 1;
  else if (key === "ArrowLeft" || (key === "ArrowUp" && rows === 1)) column -= 1;
  else if (key === "ArrowDown") row += 1;
  else if (key === "ArrowUp") row -= 1;
  else if (key === "Home") column = 0;
  else if (key === "End") column = columns - 1;
  else return null;
  return [Math.min(rows - 1, Math.max(0, row)), Math.min(columns - 1, Math.max(0, column))];
}

function placeOf(chart, [row, column]) {
  if (!chart.values) return [...chart.spots[column], rowText(chart, column)];
  const [left, top, right, bottom] = chart.box;
  return [left + (column + 0.5) / chart.columns.length * (right - left),
    top + (row + 0.5) / chart.rows.length * (bottom - top), cell(chart, row, column)];
}

function tableOf(chart, title) {
  const [head, rows] = chart.values
    ? [["", ...chart.columns], chart.rows.map((name, i) => [name, ...chart.values[i]])]
    : [chart.header, chart.table];
  const made = document.createElement("table");
  made.createCaption().textContent = title;
  const line = (parent, cells, names) => {
    const row = parent.insertRow();
    cells.forEach((text, i) => {
      const one = document.createElement(names && (i === 0 || names === "col") && text !== "" ? "th" : "td");
      if (one.tagName === "TH") one.scope = names === "col" ? "col" : "row";
      one.dir = "auto";
      one.textContent = text;
      row.append(one);
    });
  };
  line(made.createTHead(), head, "col");
  const body = made.createTBody();
  for (const row of rows) line(body, row, "row");
  return made;
}

function listen(figure, chart) {
  const drawing = figure.querySelector(".drawing"), svg = drawing.firstElementChild, details = figure.querySelector("details");
  const mark = document.createElement("div");
  let at = null;
  mark.className = "at";
  const leave = () => { tip.hidden = true; mark.remove(); at = null; };
  figure.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    const x = (event.clientX - box.left) / box.width, y = (event.clientY - box.top) / box.height;
    show(textAt(chart, x, y, box.width, box.height), event.clientX, event.clientY);
  });
  figure.addEventListener("pointerleave", () => { tip.hidden = true; });
  drawing.addEventListener("keydown", (event) => {
    const next = event.key === "Escape" ? null : moved(chart, at, event.key);
    if (event.key === "Escape") leave();
    if (!next || !(chart.values ?? chart.spots).length) return;
    event.preventDefault();
    at = next;
    const [x, y, text] = placeOf(chart, at);
    mark.style.left = `${x * svg.clientWidth}px`;
    mark.style.top = `${y * svg.clientHeight}px`;
    drawing.append(mark);
    mark.scrollIntoView({ block: "nearest", inline: "nearest" });
    const box = svg.getBoundingClientRect();
    show(text, box.left + x * box.width, box.top + y * box.height);
    said.textContent = text;
  });
  drawing.addEventListener("blur", leave);
  details.addEventListener("toggle", () => {
    if (!details.open || details.children.length > 1) return;
    const scrolled = document.createElement("div");
    scrolled.tabIndex = 0;
    scrolled.role = "group";
    scrolled.ariaLabel = details.firstElementChild.textContent;
    scrolled.append(tableOf(chart, details.querySelector(".hidden").textContent.slice(2)));
    details.append(scrolled);
  });
}

/* JSON, compressed and in base64. */
function unpacked(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new Response(new Response(bytes).body.pipeThrough(new DecompressionStream("deflate"))).json();
}

unpacked(document.getElementById("data").textContent).then((charts) => {
  document.querySelectorAll("figure").forEach((figure, i) => listen(figure, charts[i]));
  document.documentElement.dataset.ready = String(charts.length);
});
