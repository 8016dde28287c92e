// One post per screen. The next ones are fetched ahead, answers are sent behind: nobody waits for the server.
"use strict";
const at = (id) => document.getElementById(id);
const desk = at("desk"), naming = at("naming");
const AHEAD = 5, SWIPE = 70, SLOW_S = 180;

naming?.addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    await change("/annotate/name", { name: at("who").value });
    location.reload();
  } catch (error) {
    at("wrong").textContent = error.message;
    at("wrong").hidden = false;
  }
});
at("who")?.focus();

if (desk) {
  const labels = JSON.parse(desk.dataset.labels), keep = desk.dataset.keep;
  const queue = [], unsent = new Map();
  let current = null, since = 0, asking = false, sending = Promise.resolve(), answered = 0, began = 0;
  let blind = (localStorage.getItem("blind") ?? desk.dataset.blind) === "yes";

  function state(name, words) {
    at("state").dataset.state = name;
    at("state").textContent = words;
  }

  async function fill() {
    if (asking || queue.length >= AHEAD) return;
    asking = true;
    let wait = null;
    try {
      const have = [...queue.map((question) => question.id), ...unsent.keys(), ...(current ? [current.id] : [])];
      const found = await change("/annotate/next", { have, limit: AHEAD });
      const known = new Set(have);
      queue.push(...found.questions.filter((question) => !known.has(question.id)));
      if (!unsent.size) state("on", "saved");
      if (!current && !queue.length) { nothing(found); wait = found.drawing ? 600 : 4000; }
    } catch (error) {
      state("away", "goldstream does not answer, trying again");
      wait = 2000;
    }
    asking = false;
    if (!current && queue.length) next();
    if (wait !== null) setTimeout(fill, wait);
  }

  function nothing(found) {
    at("question").hidden = true;
    at("nothing").hidden = false;
    at("nothing-title").textContent = found.drawing ? "Looking for posts to ask about …" : found.title;
    at("nothing-detail").textContent = found.drawing ? "This takes a moment the first time." : found.detail;
  }

  function next() {
    current = queue.shift() ?? null;
    if (current) show(); else { at("question").hidden = true; at("nothing").hidden = false; }
    fill();
  }

  function show() {
    at("nothing").hidden = true;
    at("question").hidden = false;
    const post = current;
    at("text").textContent = post.text + (post.cut ? " …" : "");
    if (post.tongue) at("text").lang = post.tongue; else at("text").removeAttribute("lang");
    at("links").replaceChildren(...post.links.map((link) => make("li", {}, linkTo(link))));
    at("links").hidden = !post.links.length;
    const details = [make("span", { class: "author", dir: "auto" }, post.author ?? "unknown author")];
    const when = post.created_at ?? post.seen_at;
    if (when) details.push(make("time", { datetime: when }, new Date(when).toISOString().slice(0, 16).replace("T", " ")));
    details.push(make("span", {}, post.source));
    if (post.lang) details.push(make("span", {}, post.lang));
    if (post.strategy) details.push(make("span", {}, `asked: ${post.strategy}`));
    details.push(make("a", { href: post.page }, "details"));
    at("meta").replaceChildren(...details);
    at("remark").value = "";
    openNote(false);
    narrow("");
    suggest();
    at("post").focus({ preventScroll: true });
    scrollTo(0, 0);
    since = performance.now();
  }

  const best = () => (blind || !current ? null : current.suggestions.champion ?? current.suggestions.rules);

  function suggest() {
    const chips = blind ? [] : Object.entries(current?.suggestions ?? {}).filter(([, said]) => said).map(([who, said]) => {
      const name = who === "champion" && current.version !== null ? `model v${current.version}` : who;
      return make("span", { class: "chip" }, `${name}: `, make("b", {}, said.label), ` ${Math.round(said.probability * 100)} %`);
    });
    if (blind) chips.push(make("span", { class: "soft" }, "Suggestions are hidden."));
    else if (!chips.length) chips.push(make("span", { class: "soft" }, "No suggestion: neither model nor rules say anything of this post."));
    at("suggestions").replaceChildren(...chips);
    at("accept").disabled = !best();
    at("blind").setAttribute("aria-pressed", String(blind));
    for (const button of document.querySelectorAll(".answer")) button.classList.toggle("likely", best()?.label === button.dataset.label);
  }

  function say(act, label) {
    if (!current) return;
    const seconds = Math.min((performance.now() - since) / 1000, SLOW_S);
    const given = { id: current.id, revision: current.revision, act, label, note: at("remark").value, seconds, suggested: !blind };
    unsent.set(current.id, given);
    state("paused", "saving");
    if (act === "answer") { answered += 1; began ||= performance.now() - seconds * 1000; }
    progress();
    sending = sending.then(() => send(given));
    next();
  }

  async function send(given) {
    for (let tries = 0; ; tries += 1) {
      try {
        await change("/annotate/answer", given);
        break;
      } catch (error) {
        if (error.status && error.status < 500 && error.status !== 429) { warn(error.message); break; }
        state("away", "not saved yet, trying again");
        await new Promise((resume) => setTimeout(resume, Math.min(500 * 2 ** tries, 8000)));
      }
    }
    unsent.delete(given.id);
    if (!unsent.size) state("on", "saved");
  }

  function warn(message) { state("away", message); }

  function undo() {
    state("paused", "taking back");
    sending = sending.then(async () => {
      try {
        const back = await change("/annotate/undo", {});
        if (!back.questions.length) { warn(back.posts.length ? "the post is not here any more" : "nothing to undo"); return; }
        if (current) queue.unshift(current);
        queue.unshift(...back.questions.slice(1));
        current = back.questions[0];
        answered = Math.max(0, answered - back.posts.length);
        progress();
        show();
        state("on", "taken back");
      } catch (error) { warn(error.message); }
    });
  }

  function progress() {
    const hours = (performance.now() - began) / 3_600_000;
    const pace = answered > 2 && hours > 0 ? ` · ${Math.round(answered / hours).toLocaleString("en")} an hour` : "";
    const before = Number(desk.dataset.answered);
    at("progress").textContent = `${answered.toLocaleString("en")} answered now${pace} · ${(before + answered).toLocaleString("en")} in all`;
  }

  function openNote(open) {
    at("note").hidden = !open;
    at("noting").setAttribute("aria-expanded", String(open));
    if (open) at("remark").focus();
  }

  function hide() {
    blind = !blind;
    localStorage.setItem("blind", blind ? "yes" : "no");
    suggest();
  }

  function narrow(letters) {
    if (!at("find")) return;
    at("find").value = letters;
    for (const button of document.querySelectorAll(".answer")) button.hidden = !button.dataset.label.toLowerCase().includes(letters.toLowerCase());
  }

  at("find")?.addEventListener("input", (event) => narrow(event.target.value));
  at("find")?.addEventListener("keydown", (event) => {
    if (event.key === "Enter") document.querySelector(".answer:not([hidden])")?.click();
    if (event.key === "Escape") narrow("");
  });

  const accept = () => { const said = best(); if (said) say("answer", said.label); };
  for (const button of document.querySelectorAll(".answer")) button.addEventListener("click", () => say("answer", button.dataset.label));
  at("accept").addEventListener("click", accept);
  at("skip").addEventListener("click", () => say("skip", null));
  at("undo").addEventListener("click", undo);
  at("blind").addEventListener("click", hide);
  at("noting").addEventListener("click", () => openNote(at("note").hidden));
  at("keys").addEventListener("click", () => at("help").showModal());
  at("rename")?.addEventListener("click", async () => { await change("/annotate/name", { name: "" }); location.reload(); });

  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || at("help").open) return;
    if (event.target.matches("textarea, input")) {
      if (event.key === "Escape") at("post").focus();
      return;
    }
    const pressed = event.target.matches("button, a, summary");
    const acts = { s: () => say("skip", null), u: undo, b: hide, n: () => openNote(true), "?": () => at("help").showModal(), "/": () => at("find")?.focus() };
    const number = /^[1-9]$/.test(event.key) ? labels[Number(event.key) - 1] : undefined;
    if (number !== undefined) say("answer", number);
    else if (event.key === " " || event.key === "Enter") { if (pressed) return; accept(); }
    else if (event.key === "Backspace") undo();
    else if (acts[event.key]) acts[event.key]();
    else return;
    event.preventDefault();
  });

  let touch = null;
  const card = at("post");
  card.addEventListener("touchstart", (event) => { touch = event.touches.length === 1 ? event.touches[0] : null; }, { passive: true });
  card.addEventListener("touchmove", (event) => {
    if (!touch || labels.length !== 2) return;
    const across = event.touches[0].clientX - touch.clientX, down = event.touches[0].clientY - touch.clientY;
    card.style.transform = Math.abs(across) > Math.abs(down) ? `translateX(${across}px)` : "";
  }, { passive: true });
  card.addEventListener("touchend", (event) => {
    card.style.transform = "";
    if (!touch || labels.length !== 2) return;
    const across = event.changedTouches[0].clientX - touch.clientX, down = event.changedTouches[0].clientY - touch.clientY;
    touch = null;
    if (Math.abs(across) > SWIPE && Math.abs(across) > 2 * Math.abs(down)) say("answer", across > 0 ? keep : labels.find((label) => label !== keep));
  });
  addEventListener("beforeunload", (event) => { if (unsent.size) event.preventDefault(); });

  progress();
  suggest();
  fill();
}
