// A text with the tokens that mattered marked, the weightier the stronger. Words are never read as markup.
"use strict";
const SHADES = 4;
function marked(text, tokens) {
  const letters = [...text], parts = [];
  const heaviest = Math.max(...tokens.map((token) => Math.abs(token.weight)), 1e-9);
  let done = 0;
  for (const token of tokens) {
    const shade = Math.round(SHADES * Math.abs(token.weight) / heaviest);
    if (token.start < done || shade === 0) continue;
    parts.push(letters.slice(done, token.start).join(""));
    const mark = make("mark", { class: `${token.weight > 0 ? "for" : "against"}-${shade}`, title: token.weight.toFixed(3) });
    mark.textContent = letters.slice(token.start, token.end).join("");
    parts.push(mark);
    done = token.end;
  }
  parts.push(letters.slice(done).join(""));
  return parts;
}
