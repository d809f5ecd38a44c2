// Times by the server's clock: countdowns, and clock times in UTC or in the reader's zone, as they choose.
let offset = 0;

export function serverTime(iso) {
  offset = Date.parse(iso) - Date.now();
}

export function now() {
  return Date.now() + offset;
}

// ---------------------------------------------------------------- the zone

const KEPT = "hutch-zone";
const HERE = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
const local = () => localStorage.getItem(KEPT) === "local";

const writers = new Map();

function parts(at, zone, options) {
  const key = JSON.stringify([zone, options]);
  if (!writers.has(key)) writers.set(key, new Intl.DateTimeFormat("en-GB", { timeZone: zone, hourCycle: "h23", ...options }));
  return Object.fromEntries(writers.get(key).formatToParts(at).map(({ type, value }) => [type, value]));
}

// As the server writes it: the time, with the day where that is not today's.
function written(at, zone) {
  const all = { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit" };
  const [p, today] = [parts(at, zone, all), parts(now(), zone, all)];
  const time = `${p.hour}:${p.minute}`;
  return p.day === today.day && p.month === today.month ? `${time}:${p.second}` : `${p.day} ${p.month} ${time}`;
}

function full(at, zone) {
  const p = parts(at, zone, { dateStyle: "long", timeStyle: "medium" });
  return `${p.day} ${p.month} ${p.year}, ${p.hour}:${p.minute}:${p.second}`;
}

// The zone in words: "Central European Standard Time".
function words(at, zone) {
  return zone === "UTC" ? "UTC" : (parts(at, zone, { timeZoneName: "long" }).timeZoneName ?? zone);
}

const zone = () => (local() ? HERE : "UTC");

export function clock(at) {
  const p = parts(at, zone(), { hour: "2-digit", minute: "2-digit", second: "2-digit" });
  return `${p.hour}:${p.minute}:${p.second} ${words(at, zone())}`;
}

export function switchZone() {
  localStorage.setItem(KEPT, local() ? "utc" : "local");
  zoned();
}

// Every clock time in the zone that is chosen.
export function zoned() {
  const chosen = zone();
  for (const element of document.querySelectorAll("main time[datetime]")) {
    if (!kind(element)) set(element, written(Date.parse(element.dateTime), chosen));
  }
  for (const element of document.querySelectorAll("main [data-zone]")) set(element, words(now(), chosen));
  for (const element of document.querySelectorAll("main time[datetime]:hover")) whole(element); // it was drawn anew
  const button = document.getElementById("zone");
  if (!button) return;
  button.hidden = HERE === "UTC" && !local();
  button.textContent = local() ? "Show UTC" : `Show ${words(now(), HERE)}`;
  document.getElementById("zone-word").textContent = words(now(), chosen);
}

// Over a time: the whole of it, in both zones.
document.addEventListener("mouseover", (event) => {
  const element = event.target.closest?.("main time[datetime]");
  if (element) whole(element);
});

function whole(element) {
  const at = Date.parse(element.dateTime);
  element.title = [...new Set([zone(), HERE, "UTC"])].map((one) => `${full(at, one)} ${words(at, one)}`).join("\n");
}

addEventListener("storage", (event) => event.key === KEPT && zoned());

// ---------------------------------------------------------------- how far away

const KINDS = { due: owed, countdown, elapsed, ago };

function two(number) {
  return String(number).padStart(2, "0");
}

function exact(seconds) {
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  if (hours >= 48) return `${Math.floor(hours / 24)} d ${hours % 24} h`;
  return hours ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

function rough(seconds) {
  if (seconds < 90) return `${seconds} s`;
  if (seconds < 5400) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.floor(seconds / 3600)} h ${Math.floor(seconds / 60) % 60} min`;
  return `${Math.floor(seconds / 86400)} d`;
}

function owed(gap) {
  return gap >= 0 ? `in ${exact(gap)}` : `overdue by ${rough(-gap)}`;
}

function countdown(gap) {
  return gap >= 0 ? `in ${exact(gap)}` : `${exact(-gap)} ago`;
}

function elapsed(gap) {
  return exact(Math.max(-gap, 0));
}

function ago(gap) {
  return gap > 0 ? `in ${rough(gap)}` : `${rough(-gap)} ago`;
}

function kind(element) {
  return Object.keys(KINDS).find((name) => name in element.dataset);
}

function set(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function tick() {
  for (const element of document.querySelectorAll("time:is([data-due], [data-countdown], [data-elapsed], [data-ago])")) {
    set(element, KINDS[kind(element)](Math.round((Date.parse(element.dateTime) - now()) / 1000)));
  }
}
