// A post's story: which tokens mattered, and an answer right here.
"use strict";
const story = document.getElementById("story");

async function tokens() {
  const place = document.getElementById("tokens");
  try {
    const said = await change("/try/answer", { id: story.dataset.id });
    if (said.version === null) place.textContent = said.problem;
    else if (!said.tokens.length) place.textContent = "This model can't tell.";
    else place.replaceChildren(...marked(said.text, said.tokens));
  } catch (error) { place.textContent = error.message; }
}

for (const button of document.querySelectorAll(".decide")) {
  button.addEventListener("click", async () => {
    const state = document.getElementById("state");
    try {
      await change("/annotate/answer", { id: story.dataset.id, revision: Number(story.dataset.revision), label: button.dataset.label });
      location.reload();
    } catch (error) { state.textContent = error.message; }
  });
}
if (story) tokens();
