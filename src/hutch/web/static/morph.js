// Makes one element like another without losing what a person does in it: focus, open details, typed text, scrolling.
import { held } from "./outputs.js";

const KEPT = new Set(["open"]);

export function morph(old, fresh) {
  attributes(old, fresh);
  children(old, fresh);
}

function attributes(old, fresh) {
  const keep = old.localName === "details" && old.dataset.touched !== undefined;
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && name !== "data-touched" && !(keep && KEPT.has(name))) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value && !(keep && KEPT.has(name))) old.setAttribute(name, value);
  }
}

function children(old, fresh) {
  let here = old.firstChild;
  for (const wanted of [...fresh.childNodes]) {
    const found = match(here, wanted);
    if (!found) {
      old.insertBefore(document.importNode(wanted, true), here);
      continue;
    }
    if (found === here) here = here.nextSibling;
    else old.insertBefore(found, here);
    if (wanted.nodeType === Node.ELEMENT_NODE) element(found, wanted);
    else if (found.nodeValue !== wanted.nodeValue) found.nodeValue = wanted.nodeValue;
  }
  while (here) {
    const next = here.nextSibling;
    here.remove();
    here = next;
  }
}

function element(old, fresh) {
  if (held(old, fresh)) return;
  const atEnd = old.dataset.tail !== undefined && old.scrollHeight - old.scrollTop - old.clientHeight < 8;
  morph(old, fresh);
  if (atEnd) old.scrollTop = old.scrollHeight;
}

// The element of the same id, or else the next one of the same sort without an id.
function match(here, wanted) {
  for (let node = here; node; node = node.nextSibling) {
    if (node.nodeType !== wanted.nodeType || node.nodeName !== wanted.nodeName) continue;
    if (node.nodeType !== Node.ELEMENT_NODE || node.id === wanted.id) return node;
  }
  return null;
}
