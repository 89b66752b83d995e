"use strict";
(() => {
  const cells = [...document.querySelectorAll("button.cell")];
  const lines = document.getElementById("lines").content;

  const close = (line) => {
    const panel = line.nextElementSibling;
    if (!panel || !panel.classList.contains("panel")) return null;
    const owner = line.querySelector('[aria-expanded="true"]');
    owner.setAttribute("aria-expanded", "false");
    owner.removeAttribute("aria-controls");
    panel.remove();
    return owner;
  };

  const open = (cell) => {
    const line = cell.closest("tr");
    if (close(line) === cell) return;
    const panel = document.createElement("tr");
    panel.className = "panel";
    panel.id = "rows-of:" + cell.id;
    const box = document.createElement("div");
    const rows = document.querySelector('template[data-rows="' + CSS.escape(cell.id) + '"]');
    box.append(rows.content.cloneNode(true));
    const alone = rows.dataset.lines.split(" ").filter(Boolean).map((line) => lines.getElementById("line:" + line).cloneNode(true));
    for (const line of alone) line.removeAttribute("id");
    box.querySelector("thead").after(...alone);
    const slot = document.createElement("td");
    slot.colSpan = line.cells.length;
    slot.append(box);
    panel.append(slot);
    line.after(panel);
    cell.setAttribute("aria-expanded", "true");
    cell.setAttribute("aria-controls", panel.id);
  };

  const go = (cell, across, down) => {
    const slot = cell.closest("td");
    let line = slot.parentElement;
    let index = slot.cellIndex;
    const lines = [...line.closest("table").querySelectorAll("tbody tr:not(.panel)")];
    let at = lines.indexOf(line);
    do {
      index += across;
      at += down;
      line = lines[at];
      const next = line && line.cells[index] && line.cells[index].querySelector("button.cell");
      if (next) return next.focus();
    } while (line && index > 0 && index < line.cells.length + 1);
  };

  const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  for (const cell of cells) {
    cell.addEventListener("click", () => open(cell));
    cell.addEventListener("keydown", (event) => {
      if (moves[event.key]) {
        event.preventDefault();
        go(cell, ...moves[event.key]);
      } else if (event.key === "Escape") {
        close(cell.closest("tr"));
      }
    });
  }

  const reveal = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    if (target.matches("button.cell") && target.getAttribute("aria-expanded") === "false") open(target);
    const details = target.closest("details");
    if (details) details.open = true;
    target.scrollIntoView({ block: target.matches("button.cell") ? "center" : "start" });
  };
  addEventListener("hashchange", reveal);
  reveal();

  addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll("details:not(.hex)")) details.open = true;
  });
})();
