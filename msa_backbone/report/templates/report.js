"use strict";
const narrow = 560; // pixels of a chart's width under which its legend goes below it
const colours = () => {
  const style = getComputedStyle(document.documentElement);
  return { text: style.getPropertyValue("--text").trim(), card: style.getPropertyValue("--card").trim() };
};
const drawn = [...document.querySelectorAll(".chart")].map((box) => {
  const { data, layout } = JSON.parse(box.querySelector("script").textContent);
  if (layout.meta) box.style.minWidth = `${layout.meta.min_width}px`;
  const { text, card } = colours();
  layout.font = { family: getComputedStyle(document.body).fontFamily, size: 13, color: text };
  layout.hoverlabel = { ...layout.hoverlabel, bgcolor: card, font: { color: text } };
  if (layout.showlegend && box.clientWidth < narrow) {
    const longest = Math.max(...data.map((line) => line.name.length));
    const columns = Math.max(1, Math.floor((box.clientWidth - 60) / (50 + 7 * longest)));
    const height = 22 * Math.ceil(data.length / columns);
    layout.legend = { orientation: "h", x: 0, xanchor: "left", yref: "container", y: 0, yanchor: "bottom" };
    layout.margin.b += height + 14;
    layout.height += height;
  }
  return Plotly.newPlot(box, data, layout, { responsive: true, displayModeBar: false });
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  const { text, card } = colours();
  const changes = { "font.color": text, "hoverlabel.bgcolor": card, "hoverlabel.font.color": text };
  document.querySelectorAll(".chart").forEach((box) => Plotly.relayout(box, changes));
});
Promise.all(drawn).then(() => { document.documentElement.dataset.charts = drawn.length; });
