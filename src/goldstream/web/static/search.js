// Ticks posts and gives them all one label; the newest batch can be undone.
"use strict";
const picks = () => [...document.querySelectorAll(".pick")], every = document.getElementById("all"), back = document.getElementById("undo");
let batch = null, taken = [];

function count() {
  const ticked = picks().filter((pick) => pick.checked).length;
  document.getElementById("ticked").textContent = ticked ? `${ticked} ticked; they are:` : "none ticked";
  for (const button of document.querySelectorAll(".many")) button.disabled = !ticked;
  every.checked = ticked > 0 && ticked === picks().length;
}
const state = (words) => { document.getElementById("state").textContent = words; };

async function label(name) {
  const chosen = picks().filter((pick) => pick.checked);
  try {
    const said = await change("/search/label", { ids: chosen.map((pick) => pick.value), label: name });
    batch = said.batch;
    taken = chosen.map((pick) => pick.closest(".card"));
    for (const card of taken) card.hidden = true;
    for (const pick of chosen) { pick.checked = false; pick.classList.remove("pick"); }
    back.hidden = batch === null;
    state(`${said.labelled.toLocaleString("en")} labelled ${name}.`);
    count();
    if (picks().length) return;
    state(`${said.labelled.toLocaleString("en")} labelled ${name}. Load the page again for more.`);
  } catch (error) { state(error.message); }
}

if (every) {
  every.addEventListener("change", () => { for (const pick of picks()) pick.checked = every.checked; count(); });
  document.getElementById("found").addEventListener("change", count);
  for (const button of document.querySelectorAll(".many")) button.addEventListener("click", () => label(button.dataset.label ?? document.getElementById("which").value));
  back.addEventListener("click", async () => {
    try {
      const said = await change("/search/undo", { batch });
      for (const card of taken) { card.hidden = false; card.querySelector("input").classList.add("pick"); }
      back.hidden = true;
      state(`${said.taken_back.toLocaleString("en")} taken back.`);
      count();
    } catch (error) { state(error.message); }
  });
  count();
}
document.querySelector("select[name=rule]").addEventListener("change", (event) => { document.getElementById("q").value = ""; event.target.form.submit(); });
