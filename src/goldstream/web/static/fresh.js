// Keeps a page that has no stream fresh: every few seconds its content (or what is marked so) is asked for again, unless somebody
// is at it.
"use strict";
async function refresh() {
  if (document.hidden || document.activeElement?.closest("main :is(a, button, input, select, textarea, [tabindex])") || String(getSelection())) return;
  try {
    const answer = await fetch(location.href, { headers: { accept: "text/html" } });
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    const marked = [...document.querySelectorAll("[data-fresh]")].map((part) => `#${part.id}`);
    for (const part of [".counts", ...(marked.length ? marked : ["main"])]) {
      const old = document.querySelector(part), now = fresh.querySelector(part);
      const scrolled = [...document.querySelectorAll(".table")].map((table) => table.scrollLeft);
      if (old && now && old.innerHTML !== now.innerHTML) old.replaceChildren(...now.childNodes);
      document.querySelectorAll(".table").forEach((table, index) => { table.scrollLeft = scrolled[index] ?? 0; });
    }
  } catch { /* the next try may do */ }
}
setInterval(refresh, 4000);
