"""What a page has of HTTP/2 in front of the nodes: more than six event streams of one site, and a WebSocket beside them."""

import json
import threading

STREAMS = 20

# The browser's own EventSource, without a library. `most` is how many were open at the same time.
OPEN = """
    window.read = {}; window.nodes = {}; window.openCount = 0; window.most = 0; window.gaps = [];
    window.sources = Array.from({ length: arguments[0] }, (_, number) => {
        const channel = `front/${number}`;
        read[channel] = [];
        const source = new EventSource(`/sse?channel=${channel}`);
        source.addEventListener("welcome", ({ data }) => nodes[channel] = JSON.parse(data).node);
        source.addEventListener("subscribed", () => {
            openCount++;
            most = Math.max(most, sources.filter((each) => each.readyState === EventSource.OPEN).length);
        });
        source.addEventListener("gap", ({ data }) => gaps.push(data));
        source.onmessage = ({ data }) => read[channel].push(JSON.parse(data).data);
        return source;
    });
"""

PROTOCOL = "return performance.getEntriesByType('navigation')[0].nextHopProtocol"


class Rounds(threading.Thread):
    """Publishes a number to each channel, then the next, at one node, until it is stopped. That node lives: nothing is published twice."""

    def __init__(self, cluster, channels, node):
        super().__init__()
        self.cluster, self.channels, self.node = cluster, channels, node
        self.count = 0
        self.is_over = threading.Event()
        self.start()

    def run(self):
        while not self.is_over.is_set():
            lines = "".join(json.dumps({"channel": each, "data": self.count}) + "\n" for each in self.channels)
            _, text = self.cluster.ask("POST", "/publish", lines, self.node)
            assert text.count('"position"') == len(self.channels), text
            self.count += 1
            self.is_over.wait(0.02)

    def stop(self):
        self.is_over.set()
        self.join()
        return self.count


def twenty_streams(browser, cluster, facts):
    """All are open and a WebSocket with them; the node of most is killed; each is told each message once and in order."""
    page = browser.page(facts["secure"] + "/healthz")
    page.run(OPEN, STREAMS)
    page.wait("return openCount === arguments[0]", STREAMS)
    page.subscribe("front/socket", transports=["webSocket"])
    assert page.run(PROTOCOL) == "h2"
    nodes = list(page.run("return nodes").values())
    if facts["isSpread"]:
        assert len(set(nodes)) >= 2, nodes
    killed = max(set(nodes), key=nodes.count)
    number = ["a", "b", "c"].index(killed)
    publisher = Rounds(cluster, [f"front/{each}" for each in range(STREAMS)] + ["front/socket"], (number + 1) % 3)
    page.wait("return Object.values(read).every((list) => list.length > 20) && told.length > 20")
    cluster.kill(number)
    page.wait("return Object.values(nodes).every((each) => each !== arguments[0])", killed)
    page.wait("return perseid.state === 'open' && perseid.node !== arguments[0]", killed)
    before = publisher.count
    page.wait("return Object.values(read).every((list) => list.length > arguments[0]) && told.length > arguments[0]", before + 20)
    count = publisher.stop()
    page.wait("return Object.values(read).every((list) => list.length >= arguments[0]) && told.length >= arguments[0]", count)
    for channel, numbers in page.run("return read").items():
        assert numbers == list(range(count)), (channel, count, numbers)
    assert page.run("return told") == list(range(count))
    assert page.run("return [gaps.length, perseid.transport]") == [0, "webSocket"]
    cluster.start(number)
    moved = page.run("return openCount") - STREAMS
    page.close()
    browser.complaints()
    return {"messages": count, "moved": moved}


def six_streams(browser, cluster, facts):
    """By HTTP/1.1 six are open, and the others wait, each until one of these is closed."""
    page = browser.page(facts["plain"] + "/healthz")
    page.run(OPEN, STREAMS)
    page.wait("return openCount === 6")
    assert page.run(PROTOCOL) == "http/1.1"
    for closed in range(STREAMS - 6):
        page.run("sources.find((each) => each.readyState === EventSource.OPEN).close()")
        page.wait("return openCount === arguments[0]", 7 + closed)
    assert page.run("return most") == 6
    page.close()
    browser.complaints()


ALL = [twenty_streams, six_streams]
