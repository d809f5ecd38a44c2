// Ctrl-K: the field of /find over any page. The server finds; here is only where the focus goes.
import { dialog, element } from "./parts.js";

const WAIT = 120; // ms after the last letter
let asking = null;

export function palette(help) {
  const field = element("input", { type: "text", enterkeyhint: "go", "aria-label": "Find incidents, runbooks, runs, services and pages", placeholder: "Incident, runbook, run, service, page", maxlength: "200", autocomplete: "off", spellcheck: "false" });
  const list = element("ul", { class: "hits" });
  const said = element("p", { class: "unseen", role: "status" });
  const keys = element("button", { type: "button", class: "small" }, "Keys");
  const foot = element("footer");
  foot.append(element("p", { class: "fine" }, "Arrows choose, Enter opens"), keys);
  const made = dialog("palette", "Find", [field, list, said, foot]);
  keys.addEventListener("click", () => {
    made.close();
    help();
  });
  let timer = 0;
  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => ask(field.value, list, said), WAIT);
  });
  made.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.target !== field || event.isComposing) return move(event, field, list);
    event.preventDefault();
    clearTimeout(timer);
    ask(field.value, list, said).then((found) => found && list.querySelector("a") && location.assign(list.querySelector("a").href));
  });
  field.focus();
  ask("", list, said);
}

// What there is for these words; true once it is shown, not if something else was asked for meanwhile.
async function ask(words, list, said) {
  asking?.abort();
  const mine = (asking = new AbortController());
  try {
    const answer = await fetch(`/find?fragment=1&q=${encodeURIComponent(words)}`, { cache: "no-store", signal: mine.signal });
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("found");
    if (!answer.ok || !fresh) throw new Error(String(answer.status));
    list.replaceChildren(...fresh.childNodes);
    said.textContent = `${list.querySelectorAll("a").length} found`;
    return true;
  } catch (error) {
    if (error.name !== "AbortError") list.replaceChildren(element("li", { class: "none quiet" }, "The server does not answer."));
    return false;
  }
}

function move(event, field, list) {
  const links = [...list.querySelectorAll("a")];
  const here = links.indexOf(document.activeElement);
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (by) {
    event.preventDefault();
    (links[here + by] ?? (here + by < 0 ? field : links[here]))?.focus();
  } else if (here >= 0 && event.key.length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey) {
    field.focus(); // typing goes on where it began
  }
}
