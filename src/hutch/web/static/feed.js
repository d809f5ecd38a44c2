// Follows /events for good: reconnects from the last position, and notices when nothing is heard any more.
const SILENCE = 25000; // ms: the server speaks every 10 s

export function follow(tell) {
  let position = null;
  let source = null;
  let timer = 0;
  let pause = 500;

  function heard() {
    clearTimeout(timer);
    timer = setTimeout(lost, SILENCE);
  }

  function lost() {
    tell({ type: "down", since: Date.now() });
    if (source) source.close();
    clearTimeout(timer);
    timer = setTimeout(open, pause);
    pause = Math.min(pause * 1.5, 5000);
  }

  function open() {
    source = new EventSource(position === null ? "/events" : `/events?after=${position}`);
    for (const kind of ["hello", "change", "reset", "state", "beat"]) {
      source.addEventListener(kind, (event) => {
        if (event.lastEventId) position = Number(event.lastEventId);
        if (kind === "hello") pause = 500;
        heard();
        tell({ type: kind, ...JSON.parse(event.data) });
      });
    }
    source.onerror = lost;
    heard();
  }

  open();
}
