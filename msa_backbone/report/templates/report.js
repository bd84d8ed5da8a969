"use strict";
const narrow = 560; // pixels of a chart's width under which its legend goes below it
const wrapped = (title, letters) => title.replace(new RegExp(`(.{1,${letters}})(?: |$)`, "g"), "$1<br>").slice(0, -4);
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
  if (layout.title.text) {
    layout.title.text = wrapped(layout.title.text, Math.floor((box.clientWidth - 20) / 8));
    const more = 20 * (layout.title.text.split("<br>").length - 1);
    layout.margin.t += more;
    layout.height += more;
  }
  if (layout.showlegend && box.clientWidth < narrow) {
    const longest = Math.max(...data.map((line) => line.name.length));
    const columns = Math.max(1, Math.floor((box.clientWidth - 60) / (50 + 7 * longest)));
    const height = 22 * Math.ceil(data.length / columns);
    layout.legend = { orientation: "h", x: 0, xanchor: "left", yref: "container", y: 0, yanchor: "bottom", maxheight: 1 };
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
