"""What pages do with the client that nodes serve, and with the transports that a browser has by itself.

Each case has the browser, the cluster and what the test was started with; it raises what is wrong and returns facts worth telling.
"""

import statistics
import struct
import time
import zlib

from cluster import Publisher
from proxy import Proxy


def each_transport(browser, cluster, facts):
    for transport in ["webSocket", "eventStream", "jsonStream", "longPoll"]:
        page = browser.page(cluster.url() + "/healthz")
        page.subscribe(f"each/{transport}", transports=[transport])
        cluster.publish(f"each/{transport}", *range(10), node=1)
        assert page.told(10) == list(range(10)), page.run("return told")
        # What the page publishes comes back to it, bytes as bytes.
        page.run("room.publish({ text: 'hello' }); room.publish(new Uint8Array([0, 255]))")
        assert page.told(12)[10] == {"text": "hello"}
        assert page.run("return told[11] instanceof Uint8Array && told[11][1]") == 255
        assert page.run("return perseid.transport") == transport
        page.run("perseid.close()")
        page.close()
    complaints = browser.complaints()
    assert not complaints, complaints


def classic_script(browser, cluster, facts):
    page = browser.page(cluster.url() + "/healthz")
    page.run("const script = document.createElement('script'); script.src = '/perseid.js'; document.body.append(script)")
    page.wait("return typeof Perseid === 'function'")
    page.run("window.room = new Perseid().subscribe('classic', { onMessage: ({ data }) => told.push(data), onSubscribed: () => window.isOpen = true })")
    page.wait("return window.isOpen")
    cluster.publish("classic", 1)
    assert page.told(1) == [1]
    page.close()
    assert not browser.complaints()


def blocked_websocket(browser, cluster, facts):
    """A proxy refuses WebSockets, or lets them hang: the event stream takes their place, and is remembered."""
    seconds = {}
    for how in ["refuse", "hang"]:

        def newcomer():
            # At a port of its own: for another site nothing is remembered.
            proxy = Proxy(cluster.ports[0], websocket=how)
            page = browser.page(f"http://127.0.0.1:{proxy.port}/healthz")
            taken = first_message(page, cluster, f"blocked/{how}/{proxy.port}")
            assert page.run("return perseid.transport") == "eventStream"
            # Nobody asks for a WebSocket again.
            count = proxy.websocket_count
            assert count > 0
            page.load(f"http://127.0.0.1:{proxy.port}/healthz", "/perseid.mjs")
            first_message(page, cluster, f"blocked/{how}/{proxy.port}/again")
            assert proxy.websocket_count == count, "not remembered"
            page.close()
            return taken

        seconds[how] = fastest(5, newcomer)
    browser.complaints()
    assert max(seconds.values()) <= 5, seconds
    return seconds


def fastest(bar, measure):
    """The best of three runs in seconds, where other tests take the processors in the midst of the first; one that is good enough is enough."""
    best = measure()
    for _ in range(2):
        if best < bar:
            break
        best = min(best, measure())
    return best


def buffering_proxy(browser, cluster, facts):
    """A proxy lets no WebSocket through and holds back what has no end: a long poll is what is left."""

    def newcomer():
        proxy = Proxy(cluster.ports[0], websocket="hang", buffers=True)
        page = browser.page(f"http://127.0.0.1:{proxy.port}/healthz")
        taken = first_message(page, cluster, f"buffered/{proxy.port}")
        assert page.run("return perseid.transport") == "longPoll"
        page.close()
        return taken

    seconds = fastest(5, newcomer)
    browser.complaints()
    assert seconds <= 5, seconds
    return {"seconds": round(seconds, 2)}


def first_message(page, cluster, channel):
    publisher = Publisher(cluster, channel, 100)
    start = time.monotonic()
    page.begin(channel)
    page.told(1)
    seconds = time.monotonic() - start
    publisher.stop()
    return seconds


def killed_nodes(browser, cluster, facts):
    """The page's node is killed again and again: time to the next message, and each message once and in order."""
    page = browser.page(facts["site"])
    page.load(facts["site"], cluster.url() + "/perseid.mjs")
    page.subscribe("killed", [cluster.url(0), cluster.url(1)])
    publisher = Publisher(cluster, "killed")
    page.told(1)
    # The best of three series: where other tests take the processors the first may be late.
    series = [milliseconds := []]
    while len(milliseconds) < facts["kills"]:
        node = page.wait("return perseid.state === 'open' && perseid.node")
        # A link that held for two seconds was a good one: of one that did not the client would wait longer.
        time.sleep(2.1)
        number = ["a", "b"].index(node)
        cluster.kill(number)
        had = page.run("window.killed = performance.now(); return told.length")
        page.wait("return told.length > arguments[0]", had)
        milliseconds.append(page.run("return performance.now() - killed"))
        cluster.start(number)
        page.wait("return told.length > arguments[0] + 20", had)
        if len(milliseconds) == facts["kills"] and statistics.median(milliseconds) > 1500 and len(series) < 3:
            series.append(milliseconds := [])
    count = publisher.stop()
    told = page.told(count)
    assert told == list(range(told[0], count)), f"{told[:3]} … {[b for a, b in zip(told, told[1:]) if b != a + 1]}"
    page.close()
    browser.complaints()
    middle = statistics.median(milliseconds)
    assert middle <= 1500, series
    return {"kills": len(milliseconds), "p50": round(middle), "max": round(max(milliseconds))}


def workers(browser, cluster, facts):
    """The client in workers of a page of another site: by each transport, and going on when its node is killed."""
    script = """
        window.work = (kind, addresses, channel, transport) => {
            const begin = `
                const begin = (port) => {
                    const perseid = new Perseid(${JSON.stringify(addresses)}, { transports: ["${transport}"] });
                    perseid.addEventListener("state", ({ state, node }) => port.postMessage({ state, node }));
                    perseid.subscribe("${channel}", {
                        onMessage: ({ data }) => port.postMessage({ data }),
                        onGap: (gap) => port.postMessage({ data: gap }),
                        onSubscribed: () => port.postMessage({ isOpen: true }),
                    });
                };
                if ("onconnect" in self) onconnect = ({ ports: [port] }) => begin(port);
                else begin(self);`;
            const isModule = kind !== "classic";
            const load = isModule ? `import { Perseid } from "${addresses[0]}/perseid.mjs";` : `importScripts("${addresses[0]}/perseid.js");`;
            const file = URL.createObjectURL(new Blob([load, begin], { type: "text/javascript" }));
            const options = { type: isModule ? "module" : "classic" };
            const worker = kind === "shared" ? new SharedWorker(file, options).port : new Worker(file, options);
            worker.onmessage = ({ data: said }) => {
                if ("data" in said) told.push(said.data);
                if (said.isOpen) window.isOpen = true;
                if (said.state) window.now = said;
            };
        };
    """
    addresses = [cluster.url(0), cluster.url(1)]
    for kind in ["dedicated", "classic", "shared"]:
        for transport in ["webSocket", "eventStream", "jsonStream", "longPoll"]:
            channel = f"workers/{kind}/{transport}"
            page = browser.page(facts["site"])
            page.run(script)
            page.run("work(...arguments)", kind, addresses, channel, transport)
            page.wait("return window.isOpen")
            cluster.publish(channel, *range(10), node=1)
            assert page.told(10) == list(range(10)), page.run("return told")
            if transport == "webSocket":
                dead = ["a", "b"].index(page.run("return now.node"))
                cluster.kill(dead)
                cluster.publish(channel, *range(10, 20), node=1 - dead)
                assert page.told(20) == list(range(20)), page.run("return told")
                cluster.start(dead)
            page.close()
    browser.complaints()


def no_presence(browser, cluster, facts):
    """Where nobody tells who is present, the page is told so, and reads on."""
    for transport in ["webSocket", "eventStream", "longPoll"]:
        page = browser.page(cluster.url() + "/healthz")
        page.run(
            """
            window.refusals = [];
            const onError = ({ code, channel }) => refusals.push([code, channel]);
            open_(location.origin, { transports: [arguments[0]] }, arguments[1], { onPresence() {}, onError });
            """,
            transport,
            f"alone/{transport}",
        )
        page.wait("return window.isOpen && refusals.length")
        page.run("return room.publish('still here')")
        assert page.told(1) == ["still here"]
        assert page.run("return refusals") == [[404, f"$presence/alone/{transport}"]]
        page.close()
    browser.complaints()


def frozen_page(browser, cluster, facts):
    page = browser.page(cluster.url() + "/healthz")
    page.subscribe("frozen")
    other = browser.page("about:blank")
    cluster.publish("frozen", 1)
    page.told(1)
    page.command("Page.setWebLifecycleState", state="frozen")
    cluster.wait_for_subscribers("frozen", 0)
    cluster.publish("frozen", *range(2, 20), node=1)
    page.command("Page.setWebLifecycleState", state="active")
    assert page.told(19) == list(range(1, 20)), page.run("return told")
    states = [state for state, _, _ in page.run("return states")]
    assert states == ["connecting", "open", "waiting", "connecting", "open"], states
    other.close()
    page.close()
    assert not browser.complaints()


def frozen_tabs(browser, cluster, facts):
    """Of two tabs that share, the one that has the connection is frozen, and then the other one: each says truly how it is."""
    pages = [browser.page(cluster.url() + "/healthz") for _ in range(2)]
    for page in pages:
        page.subscribe("frozen/shared", share=True)
    cluster.publish("frozen/shared", 0)
    count = 1
    for page, other in [pages, reversed(pages)]:
        for each in pages:
            each.told(count)
        other.command("Page.bringToFront")
        page.command("Page.setWebLifecycleState", state="frozen")
        cluster.publish("frozen/shared", *range(count, count + 10), node=1)
        count += 10
        other.told(count)
        page.command("Page.setWebLifecycleState", state="active")
        page.wait("return perseid.state === 'open'")
        assert page.told(count) == list(range(count)), page.run("return told")
        states = [state for state, _, _ in page.run("return states")]
        assert "waiting" in states and states[-1] == "open" and None not in states, states
    cluster.publish("frozen/shared", count)
    for page in pages:
        assert page.told(count + 1) == list(range(count + 1)), page.run("return told")
        page.run("perseid.close()")
    cluster.wait_for_subscribers("frozen/shared", 0)
    for page in pages:
        page.close()
    complaints = browser.complaints()
    assert not complaints, complaints


def page_left_and_come_back_to(browser, cluster, facts):
    """The way back shows the page as it was, if the browser kept it: then it goes on where it was."""
    page = browser.page(cluster.url() + "/healthz")
    page.subscribe("left")
    cluster.publish("left", 1)
    page.told(1)
    page.driver.get(facts["site"])
    cluster.wait_for_subscribers("left", 0)
    cluster.publish("left", 2, 3)
    page.driver.back()
    is_kept = page.run("return typeof told === 'object'")
    if is_kept:
        assert page.told(3) == [1, 2, 3], page.run("return told")
    page.close()
    browser.complaints()
    return {"kept": is_kept}


def offline_and_back(browser, cluster, facts):
    network = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    for transport in ["webSocket", "eventStream", "longPoll"]:
        page = browser.page(cluster.url() + "/healthz")
        page.command("Network.enable")
        page.subscribe(f"offline/{transport}", transports=[transport])
        cluster.publish(f"offline/{transport}", 1)
        page.told(1)
        count = 1

        def away():
            nonlocal count
            page.command("Network.emulateNetworkConditions", offline=True, **network)
            page.wait("return !navigator.onLine")
            cluster.publish(f"offline/{transport}", *range(count + 1, count + 19), node=1)
            count += 18
            time.sleep(0.5)
            page.command("Network.emulateNetworkConditions", offline=False, **network)
            start = time.monotonic()
            assert page.told(count) == list(range(1, count + 1)), page.run("return told")
            return time.monotonic() - start

        assert fastest(5, away) < 5
        page.close()
    browser.complaints()


def two_tabs(browser, cluster, facts):
    """Tabs that share have one connection; when the one that has it is closed, the next goes on without a loss."""
    pages = [browser.page(cluster.url() + "/healthz") for _ in range(3)]
    for page in pages:
        page.subscribe("shared", share=True)
    cluster.wait_for_subscribers("shared", 1)
    cluster.publish("shared", *range(10))
    for page in pages:
        assert page.told(10) == list(range(10)), page.run("return told")
    publisher = Publisher(cluster, "shared/more")
    for page in pages:
        page.run("perseid.subscribe('shared/more', { onMessage: ({ data }) => told.push(data + 10) })")
    for page in pages:
        page.told(15)
    # The first has the lock.
    pages[0].close()
    time.sleep(1)
    count = publisher.stop()
    for page in pages[1:]:
        page.wait("return told.at(-1) === arguments[0] + 9", count)
        told = page.run("return told.slice(10)")
        assert told == list(range(told[0], count + 10)), told
    cluster.wait_for_subscribers("shared", 1)
    pages[1].run("return room.publish('from a tab')")
    pages[2].wait("return told.at(-1) === 'from a tab'")
    pages[1].run("perseid.close()")
    pages[2].run("perseid.close()")
    cluster.wait_for_subscribers("shared", 0)
    complaints = browser.complaints()
    assert not complaints, complaints
    for page in pages[1:]:
        page.close()


def other_sites(browser, cluster, facts):
    """The script may be had by all pages; what it is for only by those whose site is listed."""
    page = browser.page(facts["site"], cluster.url() + "/perseid.mjs")
    for transport in ["webSocket", "eventStream", "jsonStream", "longPoll"]:
        page.load(facts["site"], cluster.url() + "/perseid.mjs")
        page.subscribe(f"listed/{transport}", cluster.url(), transports=[transport])
        page.run("room.publish(1)")
        assert page.told(1) == [1]
    complaints = browser.complaints()
    assert not complaints, complaints
    page.load(facts["foreign"], cluster.url() + "/perseid.mjs")
    page.begin("foreign", cluster.url())
    page.wait("return window.errors.length > 0")
    cluster.publish("foreign", 1)
    time.sleep(1)
    assert page.run("return [told.length, perseid.state === 'open', typeof perseid]") == [0, False, "object"]
    page.close()
    browser.complaints()


def plain_event_source(browser, cluster, facts):
    """A browser's own EventSource, without a library, goes on at another node by Last-Event-ID."""
    proxy = Proxy(cluster.ports[0])
    page = browser.page(f"http://127.0.0.1:{proxy.port}/healthz")
    page.run("""
        window.source = new EventSource("/sse?channel=plain&session=none");
        source.onmessage = ({ data }) => told.push(JSON.parse(data).data);
        source.addEventListener("welcome", ({ data }) => states.push(JSON.parse(data).node));
        source.addEventListener("subscribed", () => window.isOpen = true);
    """)
    page.wait("return window.isOpen")
    cluster.publish("plain", 0, 1, 2)
    page.told(3)
    proxy.turn(cluster.ports[1])
    cluster.publish("plain", *range(3, 20))
    assert page.told(20) == list(range(20)), page.run("return told")
    assert page.run("return states") == ["a", "b"]
    page.close()
    browser.complaints()


def forever_frame(browser, cluster, facts):
    page = browser.page(cluster.url() + "/healthz")
    page.run("""
        window.hear = (message) => message.type === "message" ? told.push(message.data) : window.isOpen ||= message.type === "subscribed";
        const frame = document.createElement("iframe");
        frame.src = "/frame?channel=frame&callback=hear";
        document.body.append(frame);
    """)
    page.wait("return window.isOpen")
    cluster.publish("frame", *range(20), "</script><!--")
    assert page.told(21) == [*range(20), "</script><!--"]
    page.close()
    complaints = browser.complaints()
    assert not complaints, complaints


def multipart_image(browser, cluster, facts):
    page = browser.page(cluster.url() + "/healthz")
    page.run("""
        window.image = document.createElement("img");
        image.src = "/multipart?channel=image&format=raw";
        document.body.append(image);
    """)
    cluster.wait_for_subscribers("image", 1)
    headers = {"Content-Type": "image/png"}
    for width in [1, 2, 3]:
        # An image is shown when the next one begins.
        for _ in range(2):
            cluster.ask("POST", "/channels/image", picture(width), headers=headers)
        page.wait("return image.naturalWidth === arguments[0]", width)
    page.close()
    complaints = browser.complaints()
    assert not complaints, complaints


def picture(width):
    """A black PNG, one pixel high."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, 1, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(width + 1))) + chunk(b"IEND", b"")


def memory(browser, cluster, facts):
    """Ten thousand messages leave nothing behind."""
    grown = {}
    for transport in ["webSocket", "eventStream"]:
        page = browser.page(cluster.url() + "/healthz")
        page.command("HeapProfiler.enable")
        page.run("open_(location.origin, { transports: [arguments[0]] }, arguments[1], { onMessage: () => window.count = (window.count ?? 0) + 1 })", transport, f"memory/{transport}")
        page.wait("return window.isOpen")

        def used(count):
            for _ in range(count // 1000):
                cluster.publish(f"memory/{transport}", *[{"text": "x" * 100}] * 1000)
            page.wait("return window.count === arguments[0]", used.count + count)
            used.count += count
            page.command("HeapProfiler.collectGarbage")
            return page.command("Runtime.getHeapUsage")["usedSize"]

        used.count = 0
        before = used(2000)
        grown[transport] = used(10000) - before
        page.close()
    assert max(grown.values()) < 200_000, grown
    return grown


def tls(browser, cluster, facts):
    """A page of the node's own listener for TLS: each transport, and the browser has nothing to say against it."""
    for transport in ["webSocket", "eventStream", "jsonStream", "longPoll"]:
        page = browser.page(facts["secure"] + "/healthz")
        page.subscribe(f"tls/{transport}", transports=[transport])
        page.run("room.publish({ n: 1 })")
        assert page.told(1) == [{"n": 1}]
        assert page.run("return [isSecureContext, location.protocol]") == [True, "https:"]
        page.run("perseid.close()")
        page.close()
    complaints = browser.complaints()
    assert not complaints, complaints


def expiring_token(browser, cluster, facts):
    """A token that ends soon is replaced while the connection stays; what an event stream reads goes on with another connection."""
    pages = {}
    for transport in ["webSocket", "eventStream"]:
        page = pages[transport] = browser.page(facts["guarded"] + "/healthz")
        page.run(
            """
            window.tokens = arguments[1]; window.shown = 0;
            open_(location.origin, { transports: [arguments[0]], token: async () => tokens[shown++] }, "room/" + arguments[0]);
            """,
            transport,
            facts["tokens"](),
        )
        page.wait("return window.isOpen")
    end = time.monotonic() + facts["shortSeconds"] + 1
    count = 0
    while time.monotonic() < end:
        for page in pages.values():
            page.run("room.publish(arguments[0])", count)
        count += 1
        time.sleep(0.1)
    for page in pages.values():
        assert page.told(count) == list(range(count)), page.run("return told")
        assert page.run("return shown") >= 2
    states = pages["webSocket"].run("return states")
    assert [state for state, _, _ in states].count("open") == 1, states
    for page in pages.values():
        page.close()
    complaints = browser.complaints()
    assert not complaints, complaints


ALL = [
    each_transport, classic_script, blocked_websocket, buffering_proxy, killed_nodes, workers, no_presence, frozen_page, frozen_tabs,
    page_left_and_come_back_to, offline_and_back, two_tabs, other_sites, plain_event_source, forever_frame, multipart_image, memory, tls, expiring_token,
]
