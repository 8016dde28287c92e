// A decision closes a dispute; the next ones are a page away.
"use strict";
for (const button of document.querySelectorAll(".decide")) {
  button.addEventListener("click", async () => {
    const dispute = button.closest(".dispute"), state = document.getElementById("state");
    try {
      await change("/annotate/answer", { id: dispute.dataset.id, revision: Number(dispute.dataset.revision), act: "adjudicate", label: button.dataset.label });
      const after = dispute.nextElementSibling?.querySelector(".decide");
      dispute.remove();
      state.textContent = `decided: ${button.dataset.label}`;
      if (!document.querySelector(".dispute")) location.reload(); else (after ?? document.querySelector(".decide")).focus();
    } catch (error) { state.textContent = error.message; }
  });
}
