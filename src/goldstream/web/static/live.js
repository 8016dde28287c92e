// Keeps the counters and the list of kept posts up to date, by server-sent events. Cards come rendered and escaped.
"use strict";

const MOST = 200;
const list = document.getElementById("posts");
const state = document.getElementById("state");
const pause = document.getElementById("pause");
const held = [];
let paused = false;

function shown(key, value) {
  if (value === null) return "–";
  return key === "posts_per_second" ? value.toFixed(1) : value.toLocaleString("en");
}

function add(html) {
  const parsed = new DOMParser().parseFromString(html, "text/html").querySelector("article");
  parsed.classList.add("new");
  list.prepend(parsed);
  document.getElementById("empty").hidden = true;
  while (list.children.length > MOST) list.lastElementChild.remove();
}

function toggle() {
  paused = !paused;
  pause.setAttribute("aria-pressed", String(paused));
  pause.textContent = paused ? "Go on" : "Pause";
  if (!paused) held.splice(0).forEach(add);
  state.textContent = "";
}

function follow() {
  const after = list ? list.dataset.after : "9007199254740991";
  const events = new EventSource(`/events?after=${after}`);
  events.addEventListener("counters", (event) => {
    for (const [key, value] of Object.entries(JSON.parse(event.data))) {
      const place = document.querySelector(`[data-counter="${key}"]`);
      if (place) place.textContent = shown(key, value);
    }
    if (state && !paused) state.textContent = "";
  });
  events.addEventListener("away", () => { if (state) state.textContent = "The database can’t be reached just now; trying again …"; });
  events.addEventListener("error", () => { if (state) state.textContent = "goldstream has stopped, or can’t be reached; trying again …"; });
  if (!list || list.dataset.live !== "yes") return;
  events.addEventListener("post", (event) => {
    if (!paused) return add(JSON.parse(event.data));
    held.push(JSON.parse(event.data));
    if (held.length > MOST) held.shift();
    state.textContent = `${held.length} new, held back`;
  });
}

if (pause) {
  pause.addEventListener("click", toggle);
  document.addEventListener("keydown", (event) => {
    if (event.key === "p" && !event.target.matches("input")) toggle();
  });
}
if (document.querySelector("[data-counter]")) follow();
const retry = document.querySelector("[data-retry]");
if (retry) setTimeout(() => location.reload(), 1000 * Number(retry.dataset.retry));
