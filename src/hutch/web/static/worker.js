// One connection to /events for all tabs of this browser. Tabs hear what the server says, and whether it is heard.
import { follow } from "./feed.js";

const ports = new Set();
let last = { type: "down", since: 0 };

// Who comes later hears the last greeting; once something happened it says of no page that it is as it was drawn.
function tell(message) {
  if (["hello", "down"].includes(message.type)) last = message;
  else if (message.type !== "beat") last = { ...last, stand: "" };
  for (const port of ports) port.postMessage(message);
}

self.onconnect = (event) => {
  const port = event.ports[0];
  ports.add(port);
  port.onmessage = (message) => {
    if (message.data === "bye") ports.delete(port);
  };
  port.postMessage(last);
};

follow(tell);
