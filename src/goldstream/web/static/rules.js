// Tries a rule on collected posts. Nothing is written: the code stands there to be pasted.
"use strict";
const form = document.getElementById("scratch");
const part = (id) => document.getElementById(id);
const whole = (value) => value.toLocaleString("en");

function listed(posts, none) {
  if (!posts.length) return [make("li", { class: "soft" }, none)];
  return posts.map((post) => make("li", {}, make("span", { dir: "auto" }, post.text), " ", make("a", { href: `/post/${encodeURI(post.id).replace(/[?#]/g, encodeURIComponent)}` }, post.gold ? `gold: ${post.gold}` : "details")));
}

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  part("state").textContent = "trying …";
  try {
    const said = await change("/rules/try", Object.fromEntries(new FormData(form)));
    part("state").textContent = said.posts ? `tried on ${whole(said.posts)} posts` : "no dataset has been split yet, so there is nothing to try it on";
    const figures = said.posts ? [["matches", whole(said.matched)], ["coverage", said.coverage.toFixed(3)], ["overlaps", whole(said.overlaps)], ["conflicts", whole(said.conflicts)], ["correct", whole(said.correct)], ["incorrect", whole(said.incorrect)], ["accuracy", said.accuracy === null ? "–" : said.accuracy.toFixed(3)]] : [];
    part("figures").replaceChildren(...figures.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value))));
    part("code").textContent = said.code;
    part("examples").replaceChildren(...listed(said.examples, "Nothing."));
    part("wrong").replaceChildren(...listed(said.wrong, "Nowhere, where it is known."));
    part("found").hidden = false;
  } catch (error) {
    part("found").hidden = true;
    part("state").textContent = error.message;
  }
});
