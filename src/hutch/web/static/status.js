// Keeps the page true while it is open: the whole is fetched again, and taken over where it changed.
const EVERY = 60_000;

async function look() {
  if (document.hidden) return;
  try {
    const answer = await fetch(location.href, { cache: "no-cache" });
    if (!answer.ok) return;
    const found = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of ["main", "footer"]) {
      const [old, fresh] = [document.querySelector(part), found.querySelector(part)];
      if (old && fresh && old.innerHTML !== fresh.innerHTML) old.replaceWith(document.adoptNode(fresh));
    }
    document.title = found.title;
  } catch {
    // away for now: what is shown says of when it is
  }
}

setInterval(look, EVERY);
document.addEventListener("visibilitychange", look);
