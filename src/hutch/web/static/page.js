// Keeps the page as the server would draw it now, and sends its forms without leaving it. All of it works without.
import { follow } from "./feed.js";
import { listenToKeys } from "./keys.js";
import { morph } from "./morph.js";
import { listenToOutputs, shown } from "./outputs.js";
import { keepReading } from "./reading.js";
import { clock, now, serverTime, switchZone, tick, zoned } from "./time.js";

const WAIT = 80; // ms: several events of one moment are one drawing
const AGAIN = 1500; // ms until a page that could not be had is asked for again
const live = () => document.getElementById("live");
let drawing = false;
let again = false;
let missed = false; // the last drawing could not be had
let timer = 0;
let drawnAt = 0;
let place = location.pathname;

// ---------------------------------------------------------------- drawing

function take(fresh) {
  const news = live().dataset.news;
  keepReading(() => {
    morph(live(), fresh);
    drawn();
  });
  if (live().querySelector("[data-again]")) setTimeout(soon, 1500);
  if (live().dataset.news !== news) document.getElementById("news").textContent = live().dataset.news;
}

function drawn() {
  serverTime(live().dataset.now);
  document.title = live().dataset.title;
  drawnAt = now();
  copyable();
  shown(soon);
  zoned();
  tick();
}

function parse(text) {
  return new DOMParser().parseFromString(text, "text/html");
}

async function draw() {
  if (drawing) {
    again = true;
    return;
  }
  drawing = true;
  try {
    const address = new URL(location.href);
    address.searchParams.set("fragment", "1");
    const answer = await fetch(address, { cache: "no-store" });
    const fresh = parse(await answer.text()).getElementById("live");
    if (answer.status === 401) location.reload();
    if (answer.ok && fresh) take(fresh);
    if (missed && answer.ok) online();
    missed = answer.status === 429 || answer.status >= 500;
  } catch {
    missed = true;
  }
  drawing = false;
  if (missed) {
    offline();
    timer = setTimeout(draw, AGAIN); // nobody may come to tell of this change once more
  } else if (again) {
    again = false;
    soon();
  }
}

function soon() {
  clearTimeout(timer);
  timer = setTimeout(draw, WAIT);
}

// ---------------------------------------------------------------- the feed

function concerns(stream) {
  const streams = live().dataset.streams;
  return streams.split(" ").some((s) => s === stream || (s.endsWith("*") && stream.startsWith(s.slice(0, -1))));
}

function hear(message) {
  if (message.type === "down") {
    if (message.since) offline();
    return;
  }
  online();
  if (message.type === "beat") serverTime(message.now);
  else if (message.type === "hello" && message.stand && message.stand === live().dataset.stand) return;
  else if (message.type !== "change" || concerns(message.stream)) soon();
}

function online() {
  document.getElementById("offline").hidden = true;
  state("on", "live");
}

function offline() {
  const banner = document.getElementById("offline");
  banner.textContent = `Reconnecting: what you see is of ${clock(drawnAt)}. What happens meanwhile is caught up with.`;
  banner.hidden = false;
  state("off", "reconnecting");
}

function state(name, word) {
  const link = document.getElementById("link");
  link.hidden = false;
  link.dataset.state = name;
  document.getElementById("link-word").textContent = word;
}

function listen() {
  if (!window.SharedWorker) {
    follow(hear);
    return;
  }
  const address = document.querySelector("script[data-worker]").dataset.worker;
  const worker = new SharedWorker(address, { type: "module", name: "hutch" });
  worker.port.onmessage = (event) => hear(event.data);
  worker.port.start();
  addEventListener("pagehide", () => worker.port.postMessage("bye"));
  addEventListener("pageshow", (event) => event.persisted && location.reload());
}

// ---------------------------------------------------------------- forms

async function send(form, button) {
  const body = new URLSearchParams(new FormData(form, button));
  const action = button && button.hasAttribute("formaction") ? button.formAction : form.action;
  const buttons = [...form.querySelectorAll("button")];
  buttons.forEach((b) => (b.disabled = true));
  try {
    const answer = await fetch(action, { method: "POST", body });
    const page = parse(await answer.text());
    document.getElementById("notice").replaceChildren(...page.getElementById("notice").childNodes);
    if (answer.ok) {
      if (page.querySelector("#notice .good")) form.reset();
      turn(new URL(answer.url));
      take(page.getElementById("live"));
      for (const part of [".me", ".ways"]) morph(document.querySelector(part), page.querySelector(part));
    }
  } catch {
    offline();
  }
  buttons.forEach((b) => (b.disabled = false));
}

// A form may lead to another page: it is shown here, under its own address, and going back draws what was.
function turn(address) {
  if (address.pathname === location.pathname) return;
  history.pushState(null, "", address.pathname);
  place = address.pathname;
  scrollTo(0, 0);
}

addEventListener("popstate", () => location.pathname !== place && location.reload());

document.addEventListener("submit", (event) => {
  if (event.target.method !== "post" || event.target.hasAttribute("data-plain")) return;
  event.preventDefault();
  send(event.target, event.submitter);
});

// What a person opened or closed stays so, whatever is drawn.
document.addEventListener("click", (event) => {
  const summary = event.target.closest("summary");
  if (summary) summary.parentElement.dataset.touched = "";
});

// What loses data asks once more: there Cancel has the focus, and closes the question.
document.addEventListener("toggle", (event) => {
  if (event.target.matches("details.harmful[open][data-touched]")) event.target.querySelector("[data-cancel]").focus();
}, true);

document.addEventListener("click", (event) => {
  const asked = event.target.closest("[data-cancel]")?.closest("details");
  if (!asked) return;
  event.preventDefault();
  asked.open = false;
  asked.querySelector("summary").focus();
});

// ---------------------------------------------------------------- printing

// On paper nothing can be opened: what tells something is open there.
const folded = () => document.querySelectorAll("main details:not([open]):is(.remedy > details, :not(:has(> form)))");

function print(on) {
  if (on) folded().forEach((part) => part.toggleAttribute("data-printed", (part.open = true)));
  else document.querySelectorAll("[data-printed]").forEach((part) => part.toggleAttribute("data-printed", (part.open = false)));
}

matchMedia("print").addEventListener("change", (event) => print(event.matches));

// ---------------------------------------------------------------- copying

// A statement, or the address of the row in which the button stands.
function copied(button) {
  const link = button.dataset.copy === "link" && button.parentElement.querySelector("a.at");
  return link ? link.href : button.parentElement.querySelector("pre").textContent;
}

function copyable() {
  for (const button of document.querySelectorAll("[data-copy]")) button.hidden = !navigator.clipboard;
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(copied(button));
  button.classList.add("done");
  document.getElementById("news").textContent = "Copied";
  setTimeout(() => button.classList.remove("done"), 1500);
});

const address = new URL(location.href);
address.searchParams.delete("said");
if (address.href !== location.href) history.replaceState(null, "", address);

// An event further back than the page tells: the page that tells it.
function turnTo(seq) {
  const address = new URL(location.href);
  if (address.searchParams.has("upto")) return;
  address.search = `?upto=${seq}`;
  location.replace(address);
}

// A step that is linked to shows what it said, and stays so.
function opened(step) {
  if (step) step.open = step.dataset.touched = true;
}

// DOC#anchor as documents and the command line write it: the runbook's page, or the heading on this one.
function anchored() {
  const anchor = decodeURIComponent(location.hash.slice(1));
  const found = anchor && document.getElementById(anchor);
  if (found) return opened(found.querySelector(":scope.step > details"));
  if (!anchor) return;
  const heading = document.getElementById(`doc-${anchor}`);
  const page = document.querySelector("[data-document]");
  const older = /^incident:(INC-[0-9-]+)#([0-9]+)$/.exec(anchor);
  if (older && location.pathname === `/incidents/${older[1]}`) return turnTo(Number(older[2]));
  if (heading) heading.scrollIntoView();
  else if (page) location.replace(`${page.dataset.document}/${anchor}`);
}

anchored();
document.querySelector(".ways [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
listenToOutputs(soon);
drawn();
listenToKeys();
if (live().querySelector("[data-again]")) setTimeout(soon, 1500);
setInterval(tick, 1000);
document.getElementById("zone").addEventListener("click", switchZone);
if (!document.querySelector("[data-outside]")) listen();
