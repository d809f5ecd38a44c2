// Keeps the page as the server would draw it now, and sends its forms without leaving it. All of it works without.
import { follow } from "./feed.js";
import { morph } from "./morph.js";
import { clock, now, serverTime, tick } from "./time.js";

const WAIT = 80; // ms: several events of one moment are one drawing
const live = () => document.getElementById("live");
let drawing = false;
let again = false;
let timer = 0;
let drawnAt = 0;

// ---------------------------------------------------------------- drawing

function take(fresh) {
  const news = live().dataset.news;
  morph(live(), fresh);
  drawn();
  if (live().dataset.news !== news) document.getElementById("news").textContent = live().dataset.news;
}

function drawn() {
  serverTime(live().dataset.now);
  document.title = live().dataset.title;
  drawnAt = now();
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
    const answer = await fetch(`${location.pathname}?fragment=1`, { cache: "no-store" });
    const fresh = parse(await answer.text()).getElementById("live");
    if (answer.ok && fresh) take(fresh);
  } catch {
    offline();
  }
  drawing = false;
  if (again) {
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
  return streams === "*" || streams.split(" ").includes(stream);
}

function hear(message) {
  if (message.type === "down") {
    if (message.since) offline();
    return;
  }
  online();
  if (message.type === "beat") serverTime(message.now);
  else if (message.type !== "change" || concerns(message.stream)) soon();
}

function online() {
  document.getElementById("offline").hidden = true;
  state("on", "live");
}

function offline() {
  const banner = document.getElementById("offline");
  banner.textContent = `Disconnected: this is the state of ${clock(drawnAt)}. Trying again.`;
  banner.hidden = false;
  state("off", "disconnected");
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
      form.reset();
      take(page.getElementById("live"));
      morph(document.querySelector(".me"), page.querySelector(".me"));
    }
  } catch {
    offline();
  }
  buttons.forEach((b) => (b.disabled = false));
}

document.addEventListener("submit", (event) => {
  if (event.target.method !== "post") return;
  event.preventDefault();
  send(event.target, event.submitter);
});

// What a person opened or closed stays so, whatever is drawn.
document.addEventListener("click", (event) => {
  const summary = event.target.closest("summary");
  if (summary) summary.parentElement.dataset.touched = "";
});

if (location.search) history.replaceState(null, "", location.pathname + location.hash);
drawn();
setInterval(tick, 1000);
listen();
