// Two charts, and the slider that says what a threshold would bring before it is moved.
"use strict";
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const place = (id) => document.getElementById(id);

const brief = new Intl.NumberFormat("en", { notation: "compact" });
const hour = (second) => new Date(second * 1000).toISOString().slice(11, 16);

function axes(extra = {}) {
  const shared = { stroke: colour("--soft"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line"), width: 1 } };
  return [{ ...shared, ...extra.x }, { ...shared, size: 44, ...extra.y }];
}

function draw(box, data, series, options) {
  const size = () => ({ width: box.clientWidth, height: 170 });
  const chart = new uPlot({ ...size(), legend: { show: false }, cursor: { show: false }, series: [{}, ...series], ...options }, data, box);
  addEventListener("resize", () => chart.setSize(size()));
  return chart;
}

const box = place("arrivals"), points = JSON.parse(box.dataset.points);
function byMinute(found) {
  const counted = new Map(found.map((each) => [each.minute, each.posts])), now = Math.floor(Date.now() / 60000) * 60;
  const minutes = Array.from({ length: 60 }, (_, index) => now - 60 * (59 - index));
  return [minutes, minutes.map((minute) => counted.get(minute) ?? 0)];
}
const arrivals = draw(box, byMinute(points), [{ stroke: colour("--water"), fill: `${colour("--water")}33`, width: 2, paths: uPlot.paths.stepped({ align: 1 }) }],
  { axes: axes({ x: { values: (_, seconds) => seconds.map(hour) }, y: { values: (_, counts) => counts.map((count) => brief.format(count)) } }), scales: { y: { range: (_, low, high) => [0, Math.max(high, 1)] } } });

const form = place("threshold");
if (form) {
  const curve = JSON.parse(place("expected").dataset.curve), slider = place("slider");
  const mark = (chart) => {
    const x = chart.valToPos(Number(slider.value), "x", true), { top, height } = chart.bbox;
    chart.ctx.save();
    chart.ctx.strokeStyle = colour("--gold-fill");
    chart.ctx.setLineDash([]);
    chart.ctx.lineWidth = 2 * devicePixelRatio;
    chart.ctx.beginPath();
    chart.ctx.moveTo(x, top);
    chart.ctx.lineTo(x, top + height);
    chart.ctx.stroke();
    chart.ctx.restore();
  };
  const chart = draw(place("expected"), [curve.threshold, curve.precision, curve.recall],
    [{ stroke: colour("--water"), width: 2 }, { stroke: colour("--warn"), width: 2, dash: [6, 4] }],
    { axes: axes(), scales: { x: { time: false, range: [0, 1] }, y: { range: [0, 1] } }, hooks: { draw: [mark] } });
  const figure = (value) => (value === null || value === undefined ? "–" : value.toFixed(3));
  const show = () => {
    const step = Math.round(Number(slider.value) * 100);
    place("value").textContent = Number(slider.value).toFixed(2);
    place("precision").textContent = figure(curve.precision[step]);
    place("recall").textContent = figure(curve.recall[step]);
    place("would").textContent = Math.round(curve.kept[step]).toLocaleString("en");
    chart.redraw();
  };
  const move = async (threshold) => {
    try {
      const said = await change("/status/threshold", { threshold, why: place("because").value });
      place("moved").textContent = `Moved. ${said.kept.toLocaleString("en")} posts are kept now.`;
      if (threshold === null) location.reload();
    } catch (error) { place("moved").textContent = error.message; }
  };
  slider.addEventListener("input", show);
  form.addEventListener("submit", (event) => { event.preventDefault(); move(Number(slider.value)); });
  place("own").addEventListener("click", () => { if (form.reportValidity()) move(null); });
  show();
}

setInterval(async () => {
  if (document.hidden) return;
  try {
    const answer = await fetch("/status", { headers: { accept: "application/json" } });
    arrivals.setData(byMinute((await answer.json()).arrivals));
  } catch { /* the next try may do */ }
}, 5000);
