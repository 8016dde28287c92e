// A file of answers, read here and sent as text; the page then shows what it brought.
"use strict";
const importing = document.getElementById("importing");
importing?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const state = document.getElementById("imported");
  state.textContent = "reading …";
  try {
    const content = await document.getElementById("file").files[0].text();
    const said = await change("/people/import", { format: document.getElementById("format").value, content });
    state.textContent = `${said.added.toLocaleString("en")} added, ${said.known.toLocaleString("en")} known before, ${said.without_post.toLocaleString("en")} about posts that are not here.`;
  } catch (error) { state.textContent = error.message; }
});
