// Promote and roll back, each with a reason.
"use strict";
const dialog = document.getElementById("moving"), reason = document.getElementById("reason");
let path = "", data = {};

function open(title, detail, where, what) {
  document.getElementById("moving-title").textContent = title;
  document.getElementById("moving-detail").textContent = detail;
  document.getElementById("moving-wrong").hidden = true;
  [path, data] = [where, what];
  dialog.showModal();
  document.getElementById("why").focus();
}

for (const button of document.querySelectorAll(".promote")) {
  const version = Number(button.dataset.version);
  button.addEventListener("click", () => open(`Make version ${version} champion`, "It is loaded and checked first; then it decides from the next batch on.", "/model/promote", { version }));
}
document.getElementById("rollback")?.addEventListener("click", () => open("Roll back the last move", "The version before decides again. Twice goes back two steps.", "/model/rollback", {}));
document.getElementById("rather-not")?.addEventListener("click", () => dialog.close());
reason?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const wrong = document.getElementById("moving-wrong"), go = reason.querySelector("[type=submit]");
  go.disabled = true;
  try {
    await change(path, { ...data, why: document.getElementById("why").value });
    location.reload();
  } catch (error) {
    wrong.textContent = error.message;
    wrong.hidden = false;
  }
  go.disabled = false;
});
