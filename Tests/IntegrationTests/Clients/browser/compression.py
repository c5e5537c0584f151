"""What a browser's own transports make of what is compressed; the nodes' rules let it be."""

from proxy import Proxy

READ = """
    window.read = { webSocket: [], eventStream: [], fetch: [] };
    window.agreed = {};
    const take = (list, text) => {
        const message = JSON.parse(text);
        if (message.type === "message") list.push(message.data.number);
        if (message.type === "subscribed") window.openCount = (window.openCount ?? 0) + 1;
    };
    const socket = new WebSocket(location.origin.replace("http", "ws") + "/ws?channel=ticks");
    socket.onopen = () => {
        agreed.webSocket = socket.extensions;
        socket.send(JSON.stringify({ type: "ping", id: "x".repeat(2000) }));
    };
    socket.onmessage = (event) => take(read.webSocket, event.data);
    const events = new EventSource("/sse?channel=ticks");
    events.onmessage = (event) => take(read.eventStream, event.data);
    events.addEventListener("subscribed", (event) => take(read.eventStream, event.data));
    fetch("/stream?channel=ticks").then(async (answer) => {
        agreed.fetch = answer.headers.get("Content-Encoding");
        const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
        for (let rest = "";;) {
            const { value, done } = await reader.read();
            if (done) return;
            const lines = (rest + value).split("\\n");
            rest = lines.pop();
            for (const line of lines) if (line) take(read.fetch, line);
        }
    });
"""


def own_transports(browser, cluster, facts):
    come_and_read(browser, cluster, cluster.url(), "gzip")


def own_transports_for_which_deflate_is_asked(browser, cluster, facts):
    """A browser lets no page choose `Accept-Encoding`, and likes gzip as much: a proxy chooses for it."""
    proxy = Proxy(facts["nodes"][0], accepts="deflate")
    come_and_read(browser, cluster, f"http://127.0.0.1:{proxy.port}", "deflate")


def come_and_read(browser, cluster, url, coding):
    """Pages that come one after the other, and read on together."""
    pages, firsts = [], []
    for round in range(3):
        page = browser.page(url + "/healthz")
        page.run(READ)
        page.wait("return window.openCount === 3")
        pages.append(page)
        firsts.append(round * 200)
        for number in range(round * 200, round * 200 + 200, 10):
            ticks = [{"number": each, "symbol": "EURUSD", "bid": each * 7919 % 9973, "venue": "XNAS"} for each in range(number, number + 10)]
            cluster.publish("ticks", *ticks)
    for page, first in zip(pages, firsts):
        page.wait("return Object.values(read).every((list) => list.at(-1) === 599)")
        for name, numbers in page.run("return read").items():
            assert numbers == list(range(first, 600)), (name, first, numbers)
        agreed = page.run("return agreed")
        assert agreed["webSocket"].startswith("permessage-deflate") and agreed["fetch"] == coding, agreed
        page.close()
    complaints = browser.complaints()
    assert not complaints, complaints


ALL = [own_transports, own_transports_for_which_deflate_is_asked]
