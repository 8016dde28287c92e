// Whether it was right to keep a post: kept with what was shown.
"use strict";
const cards = document.getElementById("posts");
async function judge(button) {
  const card = button.closest(".card"), correct = button.dataset.correct === "yes";
  const shown = { id: card.dataset.id, probability: Number(card.dataset.probability), version: Number(card.dataset.version), label: card.dataset.label, threshold: Number(cards.dataset.threshold) };
  try {
    await change("/feedback", { ...shown, correct });
    for (const each of card.querySelectorAll(".thumb")) { each.disabled = true; each.setAttribute("aria-pressed", String(each === button)); }
  } catch (error) { button.title = error.message; }
}

cards.addEventListener("click", (event) => { const button = event.target.closest(".thumb"); if (button) judge(button); });
