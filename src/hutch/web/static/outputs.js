// Outputs of statements: held while somebody reads, and wrapped where lines are long.
const KEPT = "hutch-wrap";
const root = document.documentElement;
const lines = (text) => text.split("\n").length;

function wrap(on) {
  root.classList.toggle("wraps", on);
}

// A held output stays as it is; how much came since stands on its button.
export function held(old, fresh) {
  if (old.dataset.held === undefined) return false;
  old.dataset.held = Math.max(lines(fresh.textContent) - lines(old.textContent), 0);
  return true;
}

// What the buttons say, after each drawing. An output whose statement ended is held no longer.
export function shown(redraw) {
  for (const bar of document.querySelectorAll(".outbar")) {
    const output = bar.parentElement.querySelector("pre.out");
    const pause = bar.querySelector("[data-hold]");
    if (!pause && output.dataset.held !== undefined) release(output, redraw);
    for (const button of bar.querySelectorAll("button")) button.hidden = false;
    if (pause) pause.textContent = says(output.dataset.held);
    bar.querySelector("[data-wrap]").setAttribute("aria-pressed", String(root.classList.contains("wraps")));
  }
}

function says(more) {
  if (more === undefined) return "Pause";
  return Number(more) ? `Go on: ${more} more line${more === "1" ? "" : "s"}` : "Go on";
}

function release(output, redraw) {
  delete output.dataset.held;
  redraw();
}

export function listenToOutputs(redraw) {
  wrap(localStorage.getItem(KEPT) === "on");
  document.addEventListener("click", (event) => {
    const button = event.target.closest(".outbar button");
    if (!button) return;
    const output = button.closest(".outbar").parentElement.querySelector("pre.out");
    if (button.matches("[data-wrap]")) {
      wrap(!root.classList.contains("wraps"));
      localStorage.setItem(KEPT, root.classList.contains("wraps") ? "on" : "off");
    } else if (output.dataset.held === undefined) output.dataset.held = "0";
    else release(output, redraw);
    shown(redraw);
  });
}
