// Whoever reads further down in the timeline stays where they are: what is new is counted, and shown when they ask.
const NEAR = 8; // px from the top that still are the top
let unread = 0;

const log = () => document.querySelector('main [role="log"]');
const lines = (place) => [...place.querySelectorAll("li[id]")];

// Draws anew around what is being read.
export function keepReading(draw) {
  const old = log();
  if (!old) return draw();
  const known = new Set(lines(old).map((line) => line.id));
  const edge = old.getBoundingClientRect().top;
  const away = old.scrollTop > NEAR || old.querySelector("li:focus");
  const line = away && lines(old).find((one) => one.getBoundingClientRect().bottom > edge);
  const stood = line && line.getBoundingClientRect().top;
  draw();
  const fresh = log();
  if (!fresh || !line || !line.isConnected) return forget();
  fresh.scrollTop += line.getBoundingClientRect().top - stood;
  const at = lines(fresh).findIndex((one) => known.has(one.id));
  unread += lines(fresh).slice(0, Math.max(at, 0)).length;
  tell();
}

function forget() {
  unread = 0;
  tell();
}

function tell() {
  const button = document.getElementById("newer");
  if (!button) return;
  button.hidden = !unread;
  button.textContent = `${unread} new`;
}

document.addEventListener("scroll", (event) => event.target === log() && event.target.scrollTop <= NEAR && unread && forget(), true);

document.addEventListener("click", (event) => {
  if (!event.target.closest("#newer")) return;
  const place = log();
  place.scrollTop = 0;
  place.focus({ preventScroll: true });
  forget();
});
