"use strict";
const narrow = 560; // pixels of a chart's width under which its legend goes below it
const pen = document.createElement("canvas").getContext("2d");
const family = getComputedStyle(document.body).fontFamily;
// Lines of at most so many pixels, broken at blanks, or anywhere in a word that is longer.
const wrapped = (text, size, width) => {
  pen.font = `${size}px ${family}`;
  const lines = [];
  let line = "";
  for (const letter of text.match(/&\w+;|./gu)) {
    if (line && pen.measureText(line + letter).width > width) {
      const end = line.lastIndexOf(" ") > 0 ? line.lastIndexOf(" ") : line.length;
      lines.push(line.slice(0, end));
      line = line.slice(end).trimStart();
    }
    line += letter;
  }
  return [...lines, line];
};
const colours = () => {
  const style = getComputedStyle(document.documentElement);
  return { text: style.getPropertyValue("--text").trim(), card: style.getPropertyValue("--card").trim() };
};
const plot = (box, data, layout) => Plotly.newPlot(box, data, layout, { responsive: true, displayModeBar: false });
const drawn = [...document.querySelectorAll(".chart")].map((box) => {
  const { data, layout } = JSON.parse(box.querySelector("script").textContent);
  if (layout.meta) box.style.minWidth = `${layout.meta.min_width}px`;
  const { text, card } = colours();
  layout.font = { family, size: 13, color: text };
  layout.hoverlabel = { ...layout.hoverlabel, bgcolor: card, font: { color: text } };
  if (layout.title.text) {
    const lines = wrapped(layout.title.text, 15, box.clientWidth - 24);
    layout.title.text = lines.join("<br>");
    const more = 20 * (lines.length - 1);
    layout.margin.t += more;
    layout.height += more;
  }
  if (layout.showlegend) {
    const below = box.clientWidth < narrow;
    const names = data.map((line) => wrapped(line.name, 13, below ? box.clientWidth - 80 : box.clientWidth / 3));
    data.forEach((line, index) => { line.name = names[index].join("<br>"); });
    if (!below) return plot(box, data, layout);
    const longest = Math.max(...names.flat().map((text) => pen.measureText(text).width));
    const columns = Math.max(1, Math.floor((box.clientWidth - 60) / (50 + longest)));
    let height = 0;
    for (let first = 0; first < names.length; first += columns) {
      height += 5 + 17 * Math.max(...names.slice(first, first + columns).map((lines) => lines.length));
    }
    layout.legend = { orientation: "h", x: 0, xanchor: "left", yref: "container", y: 0, yanchor: "bottom", maxheight: 1 };
    layout.margin.b += height + 14;
    layout.height += height;
  }
  return plot(box, data, layout);
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  const { text, card } = colours();
  const changes = { "font.color": text, "hoverlabel.bgcolor": card, "hoverlabel.font.color": text };
  document.querySelectorAll(".chart").forEach((box) => Plotly.relayout(box, changes));
});
Promise.all(drawn).then(() => { document.documentElement.dataset.charts = drawn.length; });
