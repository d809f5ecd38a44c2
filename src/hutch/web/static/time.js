// Countdowns by the server's clock: the page says what time it was there when it was drawn.
let offset = 0;

export function serverTime(iso) {
  offset = Date.parse(iso) - Date.now();
}

export function now() {
  return Date.now() + offset;
}

export function clock(at) {
  return `${new Date(at).toISOString().slice(11, 19)} UTC`;
}

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

function words(element) {
  const gap = Math.round((Date.parse(element.dateTime) - now()) / 1000);
  if ("countdown" in element.dataset) return gap >= 0 ? `in ${exact(gap)}` : `${exact(-gap)} ago`;
  if ("elapsed" in element.dataset) return exact(Math.max(-gap, 0));
  return gap > 0 ? `in ${rough(gap)}` : `${rough(-gap)} ago`;
}

export function tick() {
  for (const element of document.querySelectorAll("time[data-countdown], time[data-elapsed], time[data-ago]")) {
    const text = words(element);
    if (element.textContent !== text) element.textContent = text;
  }
}
