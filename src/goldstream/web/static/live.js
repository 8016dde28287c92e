// The live page: numbers and kept posts as they arrive. Cards come rendered and escaped from the server.
"use strict";
const MOST = 120;
const byId = (id) => document.getElementById(id);
const posts = byId("posts"), pulse = byId("pulse"), pause = byId("pause"), waiting = byId("waiting"), filter = byId("filter");
const held = [];
let paused = false, away = false, version = byId("model").dataset.version;

const words = (value) => value.toLocaleString("en");

function show(counts) {
  for (const place of document.querySelectorAll("[data-count]")) {
    const value = counts[place.dataset.count];
    place.textContent = value === null ? "–" : place.dataset.count === "version" ? `v${value}` : words(Math.round(value));
  }
  document.querySelector("[data-count=dead_letters]").parentElement.classList.toggle("warn", counts.dead_letters > 0);
  showStep(counts.step);
  if (String(counts.version ?? "") !== version) showModel(String(counts.version ?? ""));
  byId("readers").replaceChildren(...counts.readers.flatMap((reader) => {
    const name = document.createElement("dt"), state = document.createElement("dd");
    name.textContent = reader.reader;
    state.textContent = reader.posts === null ? "–" : reader.posts === 0 ? "up to date" : `${words(reader.posts)} behind${reader.seconds >= 1 ? `, ${reader.seconds.toFixed(1)} s` : ""}`;
    return [name, state];
  }));
}

async function showModel(now) {
  version = now;
  const answer = await fetch("/", { headers: { accept: "text/html" } });
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("model");
  if (fresh) byId("model").replaceChildren(...fresh.childNodes);
}

function showStep(step) {
  for (const place of document.querySelectorAll("[data-step]")) {
    const value = step[place.dataset.step];
    if (place.dataset.step !== "share") place.textContent = value;
    else if ((place.hidden = value === null) === false) place.value = value;
  }
  for (const place of document.querySelectorAll("[data-steps]")) {
    if (place.dataset.steps.split(" ").includes(step.name)) place.setAttribute("aria-current", "step");
    else place.removeAttribute("aria-current");
  }
}

function matches(card) {
  return card.textContent.toLowerCase().includes(filter.value.trim().toLowerCase());
}

function add(html) {
  const cards = [...new DOMParser().parseFromString(html, "text/html").querySelectorAll("article")];
  for (const card of cards) {
    for (const old of posts.querySelectorAll(".card")) if (old.dataset.id === card.dataset.id) old.remove();
    card.classList.add("new");
    card.hidden = !matches(card);
  }
  posts.prepend(...cards);
  while (posts.children.length > MOST) posts.lastElementChild.remove();
  byId("empty").hidden = posts.children.length > 0;
}

function say() {
  pulse.dataset.state = away ? "away" : paused ? "paused" : "on";
  pulse.textContent = away ? "the database is away, trying again" : paused ? "paused" : "live";
  const count = held.reduce((sum, part) => sum + part.posts, 0);
  waiting.hidden = count === 0;
  waiting.textContent = `${words(count)} new ${count === 1 ? "post waits" : "posts wait"}: show`;
}

function flush() {
  for (const part of held.splice(0)) add(part.html);
  say();
}

function toggle() {
  paused = !paused;
  pause.setAttribute("aria-pressed", String(paused));
  pause.textContent = paused ? "Go on" : "Pause";
  if (!paused) flush();
  say();
}

function listen() {
  const query = new URLSearchParams(posts.dataset.query);
  query.set("after", posts.dataset.after);
  const events = new EventSource(`/events?${query}`);
  const on = (name, act) => events.addEventListener(name, (event) => act(JSON.parse(event.data)));
  on("counts", show);
  on("posts", (part) => {
    if (part.more) byId("missed").hidden = false;
    held.push(part);
    if (held.length > MOST) held.shift();
    if (paused) say(); else flush();
  });
  on("gone", ({ ids }) => {
    for (const card of posts.querySelectorAll(".card")) if (ids.includes(card.dataset.id)) card.remove();
  });
  on("away", () => { away = true; say(); });
  on("back", () => { away = false; say(); });
  events.onopen = () => { away = false; say(); };
  events.onerror = () => {
    pulse.dataset.state = "away";
    pulse.textContent = "goldstream does not answer, trying again";
    if (events.readyState === EventSource.CLOSED) setTimeout(() => { posts.dataset.after = posts.firstElementChild?.dataset.position ?? posts.dataset.after; listen(); }, 3000);
  };
  addEventListener("pagehide", () => events.close());
}

for (const choice of document.querySelectorAll("#filters select")) choice.addEventListener("change", () => choice.form.submit());
filter.addEventListener("input", () => { for (const card of posts.children) card.hidden = !matches(card); });
if (posts.dataset.live === "yes") {
  pause.addEventListener("click", toggle);
  waiting.addEventListener("click", flush);
  addEventListener("keydown", (event) => {
    if (event.target.matches("input, button, a, select")) return;
    if (event.key === "p" && !event.ctrlKey && !event.metaKey && !event.altKey) toggle();
    if (event.key === "/") { event.preventDefault(); filter.focus(); }
  });
  listen();
}
