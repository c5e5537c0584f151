/**
 * The ways to be told what is published, the best first. Each opens one link and returns when it is over; it throws what
 * went wrong. Which one is used is nobody's business but the connection's.
 */
export const ways = { webSocket, eventStream, jsonStream, longPoll };

function webSocket(link) {
    return new Promise((resolve) => {
        const url = link.url("ws");
        url.protocol = url.protocol.replace("http", "ws");
        // A token in the address would be in the log of every proxy.
        const socket = new WebSocket(url, link.token ? ["perseid", `perseid.bearer.${link.token}`] : "perseid");
        socket.onmessage = ({ data }) => link.hear(JSON.parse(data));
        socket.onclose = resolve;
        link.send = (command) => socket.readyState === 1 && socket.send(JSON.stringify(command));
        link.signal.addEventListener("abort", () => socket.close());
    });
}

/** Read by hand: a browser's `EventSource` shows neither heartbeats nor the status of a refusal, and takes no token. */
function eventStream(link) {
    let data, cursor;
    return link.readLines("sse", (line) => {
        if (line.startsWith("data:")) data = line.slice(5);
        else if (line.startsWith("id:")) cursor = line.slice(3).trim();
        else if (line || !data) link.hear();
        else link.hear(JSON.parse(data), cursor);
        if (!line) data = cursor = undefined;
    });
}

function jsonStream(link) {
    return link.readLines("stream", (line) => {
        const { cursor, ...message } = JSON.parse(line.trim() || "{}");
        link.hear(message, cursor);
    });
}

async function longPoll(link) {
    // The first is answered at once: it tells where the client stands, and that there is a way.
    for (let wait = { wait: 0 }; !link.signal.aborted; wait = {}) {
        const response = await link.fetch("poll", wait);
        const { cursor, gaps = [], publications, recovered } = await response.json();
        const isFirst = !link.isOpen;
        if (isFirst) link.hear({ type: "welcome", session: response.headers.get("Perseid-Session") });
        [...gaps, ...publications].forEach((message) => link.hear(message));
        link.hear(undefined, cursor);
        if (isFirst) link.channels.forEach((channel) => link.hear({ type: "subscribed", channel, recovered }));
    }
}
