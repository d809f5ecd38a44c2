// The keyboard. Every key leads somewhere or shows something; none of them approves, sends or ends anything.
import { palette } from "./palette.js";
import { dialog, element } from "./parts.js";

const ROWS = 'main :is(.list, .books, .events, .cards, .hits) > li, main [role="log"] li';
const TYPED = "input, textarea, select, [contenteditable]";
const WITHIN = 1500; // ms between g and the letter of the page
let went = 0;

// ---------------------------------------------------------------- whether they are on

const on = () => localStorage.getItem("hutch-keys") !== "off";

function turn(wanted) {
  localStorage.setItem("hutch-keys", wanted ? "on" : "off");
}

// ---------------------------------------------------------------- what they do

// The next row, or the one before; from nowhere the first that is on the screen.
function step(by) {
  const rows = [...document.querySelectorAll(ROWS)].filter((row) => row.checkVisibility());
  const here = rows.findIndex((row) => row.contains(document.activeElement));
  const first = rows.findIndex((row) => row.getBoundingClientRect().top >= 0);
  const row = rows[here < 0 ? Math.max(first, 0) : here + by];
  if (!row) return;
  const target = row.closest('[role="log"], .events') ? row : (row.querySelector("a[href]") ?? row);
  if (target.tabIndex < 0) target.tabIndex = -1;
  target.focus();
}

function acknowledge() {
  const form = document.getElementById("acknowledge");
  if (form) form.requestSubmit();
  else hint(location.pathname.startsWith("/incidents/") ? "There is nothing to acknowledge." : "Open an incident to acknowledge it.");
}

function search() {
  const field = document.querySelector('main input[type="search"]');
  if (!field) return palette(help);
  field.focus();
  field.select();
}

function go(key) {
  const way = document.querySelector(`.ways [data-key="${CSS.escape(key)}"]`);
  if (way) location.assign(way.href);
  else hint("No page has this letter. ? shows all keys.");
}

function begin() {
  went = Date.now();
}

const KEYS = {
  "?": ["These keys", () => help()],
  "j": ["The next row of a list or timeline", () => step(1)],
  "k": ["The row before", () => step(-1)],
  "a": ["Acknowledge this incident", acknowledge],
  "/": ["Search this page", search],
  "g": ["Go to a page: see beside", begin],
};

// ---------------------------------------------------------------- help

function pairs(title, rows) {
  const list = element("dl", { class: "keys-of" });
  for (const [keys, words] of rows) {
    const term = element("dt");
    term.append(...keys.flatMap((key, i) => [i ? " " : "", element("kbd", {}, key)]));
    list.append(term, element("dd", {}, words));
  }
  const part = element("section");
  part.append(element("h3", {}, title), list);
  return part;
}

function help() {
  const ways = [...document.querySelectorAll(".ways [data-key]")].map((way) => [["g", way.dataset.key], way.textContent]);
  const here = Object.entries(KEYS).map(([key, [words]]) => [[key], words]);
  const box = element("input", { type: "checkbox", ...(on() ? { checked: "" } : {}) });
  box.addEventListener("change", () => turn(box.checked));
  const label = element("label", { class: "check" });
  label.append(box, "Keys without Ctrl are on, in this browser");
  const body = element("div", { class: "two-parts" });
  body.append(pairs("Everywhere", [...here, [["Ctrl", "K"], "Find anything"], [["Esc"], "Close this"]]), pairs("Pages", ways));
  dialog("help", "Keys", [body, label, element("p", { class: "fine" }, "No key approves, sends or ends anything. None works while you type.")]);
}

// ---------------------------------------------------------------- listening

function hint(text) {
  const place = document.getElementById("hint");
  place.textContent = text;
  place.hidden = false;
  clearTimeout(hint.timer);
  hint.timer = setTimeout(() => (place.hidden = true), 4000);
}

function pressed(event) {
  if (event.defaultPrevented || event.isComposing || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.target instanceof Element && event.target.closest(TYPED)) return;
  if (event.ctrlKey || event.metaKey) {
    if (event.key.toLowerCase() !== "k" || event.shiftKey) return;
    event.preventDefault();
    palette(help);
    return;
  }
  if (!on()) return;
  const asked = Date.now() - went < WITHIN;
  went = 0;
  if (asked && event.key.length === 1) go(event.key.toLowerCase());
  else if (!Object.hasOwn(KEYS, event.key) || (event.repeat && !"jk".includes(event.key))) return;
  else KEYS[event.key][1]();
  event.preventDefault();
}

export function listenToKeys() {
  document.addEventListener("keydown", pressed);
  document.getElementById("finder")?.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    palette(help);
  });
}
