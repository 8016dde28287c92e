// Answers as you type: the newest text is asked about, an older answer that comes late is dropped.
"use strict";
const by = (id) => document.getElementById(id);
let asked = 0, timer = 0, shown = null;

async function ask() {
  const text = by("box").value, mine = ++asked;
  if (!text.trim()) { by("answer").hidden = true; return; }
  by("state").textContent = shown ? "" : "the model is being loaded …";
  try {
    const said = await change("/try/answer", { text });
    if (mine === asked) show(said);
  } catch (error) { if (mine === asked) by("state").textContent = error.message; }
}

function show(said) {
  by("state").textContent = said.problem ?? "";
  by("nobody").hidden = said.version !== null;
  by("answer").hidden = said.version === null;
  if (said.version === null) return;
  shown = said;
  by("percent").replaceChildren(String(Math.floor(said.probability * 100)), make("small", {}, "%"));
  by("meter").value = said.probability;
  by("verdict").textContent = said.kept ? "kept" : "not kept";
  by("details").replaceChildren(...[`model v${said.version}`, `kept from ${said.threshold.toFixed(2)} on`, `likeliest: ${said.label}`, `${(said.seconds * 1000).toFixed(0)} ms`].map((words) => make("span", {}, words)));
  by("tokens").replaceChildren(...marked(said.text, said.tokens));
  const fired = said.rules.filter((rule) => rule.vote !== null);
  by("rules").replaceChildren(...(fired.length ? fired.map((rule) => make("span", { class: "chip" }, `${rule.function}: `, make("b", {}, rule.vote))) : [make("span", { class: "soft" }, "No rule votes on this.")]));
  for (const button of [by("right"), by("wrong")]) { button.setAttribute("aria-pressed", "false"); button.disabled = false; }
}

async function judge(button, correct) {
  try {
    const { text, label, probability, threshold, version } = shown;
    const said = await change("/feedback", { text, label, probability, threshold, version, correct });
    button.setAttribute("aria-pressed", "true");
    for (const each of [by("right"), by("wrong")]) each.disabled = true;
    by("unrated").hidden = true;
    by("rates").replaceChildren(...said.rates.flatMap((rate) => [make("dt", {}, `v${rate.version}, ${rate.place === "try" ? "typed" : "live"}`), make("dd", {}, `${Math.round(100 * rate.right / rate.answers)} % of ${rate.answers.toLocaleString("en")}`)]));
  } catch (error) { by("state").textContent = error.message; }
}

by("box").addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(ask, 150); });
by("right").addEventListener("click", () => judge(by("right"), true));
by("wrong").addEventListener("click", () => judge(by("wrong"), false));
if (by("box").value) ask();
else change("/try/answer", { text: "" }).catch(() => {}); // so that the model is loaded by the time something is typed
