// What pages that change something share: JSON to the server, and an element without its markup being read as HTML.
"use strict";
async function change(path, data) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json" },
    body: JSON.stringify(data),
  });
  const said = answer.headers.get("content-type")?.startsWith("application/json") ? await answer.json() : { detail: await answer.text() };
  if (!answer.ok) throw Object.assign(new Error(said.detail || said.title || answer.statusText), { status: answer.status });
  return said;
}

function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) if (value !== null && value !== undefined) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

function linkTo(link) {
  return link.href ? make("a", { href: link.href, rel: "noopener nofollow noreferrer", target: "_blank" }, link.text) : make("span", {}, link.text);
}

const pages = document.querySelector(".top nav"), here = pages?.querySelector("[aria-current]");
if (here) pages.scrollLeft = here.offsetLeft - pages.offsetLeft - 20;
