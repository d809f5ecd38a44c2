// Elements made here: text stays text.
export function element(name, attributes = {}, text = "") {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text) made.textContent = text;
  return made;
}

// A dialog over the page, gone for good once it is closed. The browser keeps the focus in it and gives it back.
export function dialog(name, title, parts) {
  const made = element("dialog", { class: name, "aria-labelledby": `${name}-title` });
  const head = element("header");
  const close = element("button", { type: "button", class: "small" }, "Close");
  close.addEventListener("click", () => made.close());
  head.append(element("h2", { id: `${name}-title` }, title), close);
  made.append(head, ...parts);
  made.addEventListener("close", () => made.remove());
  made.addEventListener("click", (event) => event.target === made && made.close());
  document.body.append(made);
  made.showModal();
  return made;
}
