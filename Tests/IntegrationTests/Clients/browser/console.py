"""The console, in a browser at one of two nodes, as an operator has it.

Each case has the browser, the cluster and what the test was started with; it raises what is wrong and returns facts worth telling.
"""

import http.client
import json
import os
import threading
import time

import page_checks
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.keys import Keys

VIEWS = {
    "overview": "#/",
    "node": "#/nodes/a",
    "channels": "#/channels",
    "channel": "#/channels/room%2F1",
    "clients": "#/clients",
    "client": "#/clients/addresses/127.0.0.1",
}


class Console:
    """The page in a tab of its own, which is closed behind it."""

    def __init__(self, browser, address, view="#/"):
        self.browser, self.driver = browser, browser.driver
        self.driver.switch_to.new_window("tab")
        self.handle = self.driver.current_window_handle
        self.driver.get(f"{address}/{view}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.driver.switch_to.window(self.handle)
        self.driver.close()
        self.driver.switch_to.window(self.driver.window_handles[0])

    def run(self, code, *arguments):
        self.driver.switch_to.window(self.handle)
        return self.driver.execute_script(code, *arguments)

    def wait(self, code, *arguments, seconds=90):
        end = time.monotonic() + seconds
        while not (value := self.run(code, *arguments)):
            if time.monotonic() > end:
                shown = self.run("return document.body.innerText")
                raise AssertionError(f"not within {seconds} s: {code} {arguments}; {shown[:2500]}; {self.browser.complaints()}")
            time.sleep(0.05)
        return value

    def element(self, selector):
        self.driver.switch_to.window(self.handle)
        return self.driver.find_element("css selector", selector)

    def go(self, view):
        self.run("location.hash = arguments[0]", view)

    def headline(self, text, seconds=90):
        self.wait("return document.querySelector('h1')?.textContent.includes(arguments[0])", text, seconds=seconds)

    def wait_until_open(self):
        self.wait("return document.getElementById('link').dataset.state === 'open'")

    def table(self, caption):
        """Rows of the table of a name, each by its columns' titles."""
        return self.run(
            """
            const table = [...document.querySelectorAll('table')].find((each) => each.caption.textContent === arguments[0]);
            if (!table || table.closest('[hidden]')) return [];
            const titles = [...table.tHead.rows[0].cells].map((cell) => cell.textContent);
            return [...table.tBodies[0].rows].map((row) => Object.fromEntries([...row.cells].map((cell, place) => [titles[place], cell.innerText])));
            """,
            caption,
        )

    def wait_for_rows(self, caption, is_so, seconds=90):
        end = time.monotonic() + seconds
        while not is_so(rows := self.table(caption)):
            assert time.monotonic() < end, f"{caption}: {rows}; {self.browser.complaints()}"
            time.sleep(0.1)
        return rows

    def press(self, text):
        """Presses the button, or the link, that says so."""
        self.driver.switch_to.window(self.handle)
        # As one script: rows come and go meanwhile.
        each = self.run(
            "return [...document.querySelectorAll('button, a')].find((each) => each.checkVisibility() && each.innerText.trim() === arguments[0])", text
        )
        assert each, f"no button {text}: {self.run('return document.body.innerText')}"
        each.click()

    def quiet(self, allowed=""):
        complaints = [each for each in self.browser.complaints() if not allowed or allowed not in each]
        assert not complaints, complaints


class Readers:
    """Event streams that are read by nobody who looks, until they are closed."""

    def __init__(self, cluster, channels, node=0):
        self.connections = []
        for channel in channels:
            connection = http.client.HTTPConnection("127.0.0.1", cluster.ports[node], timeout=60)
            connection.request("GET", f"/sse?channel={channel}")
            self.connections.append((connection, connection.getresponse()))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for connection, _ in self.connections:
            connection.close()


class Traffic:
    """Publications, some each second, while a case lasts."""

    def __init__(self, cluster, channel):
        self.cluster, self.channel, self.is_over = cluster, channel, threading.Event()

    def __enter__(self):
        self.thread = threading.Thread(target=self._run)
        self.thread.start()
        return self

    def _run(self):
        number = 0
        while not self.is_over.wait(0.1):
            self.cluster.publish(self.channel, {"number": number, "text": "how it goes on"})
            number += 1

    def __exit__(self, *_):
        self.is_over.set()
        self.thread.join()


# MARK: Nodes


def overview(browser, cluster, facts):
    """Both nodes are there, whichever the page is from, with what they do; the busiest channels, and who is connected how."""
    with Readers(cluster, ["room/1", "room/1", "room/2"]), Readers(cluster, ["room/1"], node=1), Traffic(cluster, "room/1"):
        with Console(browser, cluster.url(1)) as console:
            console.wait_until_open()
            rows = console.wait_for_rows("Nodes", lambda rows: len(rows) == 2)
            assert [row["Node"].split()[0] for row in rows] == ["a", "b"], rows
            assert all(row["Version"] and row["Up"] != "–" for row in rows), rows
            console.headline("All is well on 2 nodes")
            console.wait_for_rows("Nodes", lambda rows: all(row["Deliveries"] not in ["–", "0/s"] for row in rows))
            busiest = console.wait_for_rows("Busiest channels", lambda rows: rows and rows[0]["Channel"] == "room/1")
            assert not any(row["Channel"].startswith("$") for row in busiest), busiest
            transports = {row["Name"]: int(row["Count"]) for row in console.table("Connections by transport")}
            # Four readers and the console itself.
            assert transports["eventstream"] == 5, transports
            assert console.run("return document.querySelectorAll('.tile:not([hidden])').length") == 6
            console.wait("return document.querySelector('.tile .line').getAttribute('d').length > 20")
            console.press("a")
            console.headline("Node a")
            console.wait_for_rows("Now", lambda rows: any(row["What"] == "Backplane" and row["How much"] == "reached" for row in rows))
            console.wait_for_rows("Since it was started", lambda rows: any(row["What"] == "Deliveries" and row["All"] != "0" for row in rows))
            console.quiet()


def killed_node(browser, cluster, facts):
    """A node that falls silent is marked and named above all else; when it is back, all is well."""
    with Console(browser, cluster.url(0)) as console:
        console.wait_for_rows("Nodes", lambda rows: len(rows) == 2)
        start = time.monotonic()
        cluster.kill(1)
        # On a busy machine there may be more: that the other node is late.
        console.wait("return document.querySelector('.problems')?.textContent.includes('b is silent')")
        console.headline("to look at")
        seconds = time.monotonic() - start
        assert console.run("return document.querySelector('.verdict').dataset.level") == "bad"
        assert "b is silent" in console.element(".problems").text
        row = console.table("Nodes")[1]
        assert "silent" in row["Node"] and row["Connections"] == "–", row
        cluster.start(1)
        console.headline("All is well on 2 nodes")
        console.quiet()
        return {"seconds": round(seconds, 1)}


def own_node_killed(browser, cluster, facts):
    """The page says that it hears nothing any more, and goes on once it does."""
    with Console(browser, cluster.url(1)) as console:
        console.wait_until_open()
        console.wait_for_rows("Nodes", lambda rows: len(rows) == 2)
        cluster.kill(1)
        console.wait("return document.getElementById('link').dataset.state !== 'open'")
        cluster.start(1)
        console.wait_until_open()
        console.headline("All is well on 2 nodes")
        browser.complaints()


# MARK: Channels


def channel(browser, cluster, facts):
    """What is published by the form appears in the tail; who is there is listed; what is hostile is shown as text."""
    name = "room/<b id=evil>&amp;"
    with Console(browser, cluster.url(0)) as console, Readers(cluster, ["room/%3Cb%20id=evil%3E%26amp;"], node=1):
        cluster.publish(name, "from before")
        console.go("#/channels")
        console.element("#channel-match").send_keys("room/**" + Keys.ENTER)
        console.wait_for_rows("Channels", lambda rows: any(row["Channel"] == name for row in rows))
        console.press(name)
        console.headline(name)
        assert console.run("return !document.getElementById('evil') && decodeURIComponent(location.hash).endsWith(arguments[0])", name)
        console.wait("return document.querySelector('.tail').innerText.includes('from before')")
        console.wait_for_rows("Who is present", lambda rows: any(row["Node"] == "b" for row in rows))
        console.wait("return document.querySelector('.lead').innerText.includes('on 2 nodes')")
        hostile = "<img src=x onerror=\"document.title = 'evil'\">"
        console.element("#payload").send_keys(json.dumps({"text": hostile}))
        console.press("Publish")
        console.wait("return document.querySelector('.tail li code').textContent === arguments[0]", json.dumps({"text": hostile}, separators=(",", ":")))
        console.wait("return document.querySelector('.publish').innerText.includes('Published at')")
        assert not console.run("return document.querySelector('.tail img')") and console.run("return document.title") != "evil"
        console.element("#payload").send_keys("}")
        console.press("Publish")
        console.wait("return document.querySelector('.publish').innerText.includes('Not JSON')")
        console.press("Pause")
        cluster.publish(name, *range(5))
        console.wait("return document.body.innerText.includes('5 messages came meanwhile')")
        assert "\n4" not in console.element(".tail").text
        console.press("Go on")
        # A flood is bounded: the newest are shown, each once.
        cluster.publish(name, *range(100, 1100))
        console.wait("return document.querySelector('.tail li code').textContent === '1099'")
        shown = console.run("return [...document.querySelectorAll('.tail code')].map((code) => code.textContent)")
        assert len(shown) == 200 and shown == [str(number) for number in range(1099, 899, -1)], shown[:5]
        console.go("#/channels/room%2F**")
        console.headline("room/**")
        cluster.publish("room/by-a-pattern", "heard by a pattern")
        console.quiet()


def pages_of_channels(browser, cluster, facts):
    """More than a page of them is shown by and by, each once."""
    names = [f"many/{number}" for number in range(130)]
    for name in names:
        cluster.publish(name, 1)
    with Console(browser, cluster.url(0), "#/channels") as console:
        console.element("#channel-match").send_keys("many/*" + Keys.ENTER)
        # Before that there are all channels, of which it would show more.
        console.wait_for_rows("Channels", lambda rows: rows and all(row["Channel"].startswith("many/") for row in rows))
        while True:
            time.sleep(0.3)
            more = console.element("section button.quiet")
            if not more.is_displayed():
                break
            more.click()
        rows = console.wait_for_rows("Channels", lambda rows: len(rows) >= 130)
        assert sorted(row["Channel"] for row in rows) == sorted(names), len(rows)
        console.quiet()


# MARK: Clients


def client(browser, cluster, facts):
    """A client is found by its session and its address, with what it reads and where it stands, and is cut off once that is confirmed."""
    page = browser.page(cluster.url(0) + "/healthz")
    page.subscribe("room/1", transports=["webSocket"])
    cluster.publish("room/1", "something")
    page.told(1)
    session = page.run("return perseid.session").split(".")[0]
    with Console(browser, cluster.url(1), "#/clients") as console:
        console.wait_for_rows("Sessions", lambda rows: any(row["Session"] == session for row in rows))
        console.run("document.getElementById('client-kind').value = 'sessions'")
        console.element("#client-name").send_keys(session + ".a-secret" + Keys.ENTER)
        console.headline(session)
        assert "a-secret" not in console.run("return location.href")
        row = console.wait_for_rows("Connections", lambda rows: len(rows) == 1)[0]
        assert row["Transport"] == "websocket" and row["Node"] == "a" and row["Address"] == "127.0.0.1" and row["Reads"] == "room/1", row
        console.wait_for_rows("Channels of the session", lambda rows: rows and rows[0]["Channel"] == "room/1")
        console.press("Cut off")
        console.press("Leave it")
        time.sleep(0.5)
        assert page.run("return perseid.state") == "open"
        console.press("Cut off")
        assert session in console.element("#question").text
        console.driver.find_element("id", "question-yes").click()
        console.wait("return document.querySelector('.lead').textContent.includes('There is no such session')")
        page.wait("return perseid.state === 'closed'")
        # By its address the console finds itself, and comes back when it is told to.
        console.go("#/clients/addresses/127.0.0.1")
        console.wait_for_rows("Connections", lambda rows: any("$nodes" in row["Reads"] for row in rows))
        console.press("Have it reconnect")
        console.driver.find_element("id", "question-yes").click()
        console.wait("return document.querySelector('.lead').textContent.includes('ended')")
        console.wait_until_open()
        # Whoever is told not to come back asks before it does.
        console.press("Cut off")
        console.driver.find_element("id", "question-yes").click()
        console.wait("return document.getElementById('link').dataset.state === 'over'")
        console.press("Connect again")
        console.wait_until_open()
        console.go("#/clients/users/nobody%2Fof%20that%20name")
        console.wait("return document.querySelector('.lead').textContent.includes('0 connections')")
        console.go("#/clients/sessions/short")
        console.wait("return document.querySelector('.lead').textContent.includes('name of a session')")
    page.close()
    browser.complaints()


# MARK: Keys


def keys(browser, cluster, facts):
    """Where it must, the console asks for a key, says of a wrong one that it is, and keeps a right one in its tab alone."""
    with Console(browser, facts["guarded"]) as console:
        console.wait("return document.getElementById('key-dialog').open")
        assert "api-keys" in console.run("return document.getElementById('key-dialog').textContent")
        for key in ["a-wrong-key", facts["reader"]]:
            console.element("#key-field").send_keys(key + Keys.ENTER)
            console.wait("return document.getElementById('key-dialog').open && document.getElementById('key-reason').textContent.includes('not')")
            assert not console.table("Nodes")
        console.element("#key-field").send_keys(facts["key"] + Keys.ENTER)
        console.headline("All is well on 1 node")
        assert not console.run("return document.getElementById('key-dialog').open")
        addresses = console.run("return [location.href, ...performance.getEntriesByType('resource').map(({ name }) => name)]")
        assert not any(facts["key"] in address for address in addresses), addresses
        assert facts["key"] not in console.run("return JSON.stringify({ ...localStorage }) + document.cookie")
        console.run("location.reload()")
        console.headline("All is well on 1 node")
        console.go("#/channels/public%2Fa")
        console.element("#payload").send_keys("1")
        console.press("Publish")
        console.wait("return document.querySelector('.tail li code')?.textContent === '1'")
        with Console(browser, facts["guarded"]) as other:
            other.wait("return document.getElementById('key-dialog').open")
    browser.complaints()


# MARK: Looks


def faults_of(driver):
    """Looks once more where a row went away while it was looked at: a channel that is no longer busy is not shown."""
    for _ in range(10):
        try:
            return page_checks.faults(driver)
        except StaleElementReferenceException:
            continue
    raise AssertionError("rows come and go without end")


def screens(browser, cluster, facts):
    """On a phone and on a desk, light and dark: nothing is faint, without a name or wider than the screen."""
    os.makedirs(facts["pictures"], exist_ok=True)
    with Readers(cluster, ["room/1"] * 5 + ["room/2"] * 3 + ["room/a-name-that-is-rather-long-as-such-names-may-be/and-goes-on"]):
        with Traffic(cluster, "room/1"), Traffic(cluster, "room/2"), Console(browser, cluster.url(0)) as console:
            console.wait_for_rows("Nodes", lambda rows: len(rows) == 2)
            faults = []
            try:
                for name, view in VIEWS.items():
                    for width, height in [(1280, 800), (390, 844)]:
                        for is_dark in [False, True]:
                            page_checks.set_screen(console.driver, width, height, is_dark)
                            console.go(view)
                            time.sleep(1.2)
                            picture = f"console-{name}-{width}-{'dark' if is_dark else 'light'}"
                            faults += [f"{picture}: {fault}" for fault in faults_of(console.driver)]
                            console.driver.save_screenshot(f"{facts['pictures']}/{picture}.png")
            finally:
                console.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
                console.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
            assert not faults, faults
            console.quiet()


def keyboard(browser, cluster, facts):
    """All of it can be done without a mouse, and who goes somewhere is there."""
    with Console(browser, cluster.url(0)) as console:
        console.wait_for_rows("Nodes", lambda rows: len(rows) == 2)
        active = "const { activeElement: at } = document; return at.textContent.trim() || at.id"
        body = console.element("body")
        body.send_keys(Keys.TAB)
        assert console.run(active) == "Skip to content"
        seen = []
        for _ in range(8):
            console.driver.switch_to.active_element.send_keys(Keys.TAB)
            seen.append(console.run(active))
        assert seen[:5] == ["Perseid", "Overview", "Channels", "Clients", "Key"] and "a" in seen, seen
        # What is drawn anew each second leaves the focus where it is.
        console.run("document.querySelector('tbody a').focus()")
        time.sleep(2.5)
        assert console.run(active) == "a"
        console.driver.switch_to.active_element.send_keys(Keys.ENTER)
        console.headline("Node a")
        console.wait("return document.activeElement.localName === 'h1'")
        console.element("#key").send_keys(Keys.ENTER)
        console.wait("return document.getElementById('key-dialog').open && document.activeElement.id === 'key-field'")
        console.driver.switch_to.active_element.send_keys(Keys.ESCAPE)
        console.wait("return !document.getElementById('key-dialog').open && document.activeElement.id === 'key'")
        console.quiet()


def reckoning(browser, cluster, facts):
    """Rates, shares and troubles are right, and what is no facts, or lies, does no harm."""
    with Console(browser, cluster.url(0)) as console:
        outcome = console.run(RECKONING)
        assert outcome == "well", outcome
        # Anybody who may publish in Redis may say anything there.
        console.quiet()


RECKONING = """
    return Promise.all([import("/console/facts.mjs"), import("/console/problems.mjs")]).then(([{ Cluster, quantile }, { problems }]) => {
        const facts = (node, second, more = {}) => ({
            node, version: "1", time: second * 1000, uptimeSeconds: second, state: "ready", backplane: "redis",
            connections: { websocket: 2 }, gauges: { reactors: 1, loopLagMicroseconds: 0, backplaneUp: 1 },
            counters: { deliveries: second * 50, disconnects: 0 }, fanoutMilliseconds: { bounds: [1, 10], counts: [second, 0, 0] }, busiest: [],
            ...more,
        });
        const wrong = [];
        const same = (what, value, expected) => {
            if (JSON.stringify(value) !== JSON.stringify(expected)) wrong.push(`${what}: ${JSON.stringify(value)}, not ${JSON.stringify(expected)}`);
        };
        const cluster = new Cluster();
        for (let second = 1; second <= 200; second++) cluster.take(facts("a", second), second * 1000);
        const node = cluster.nodes.get("a");
        same("rate", node.rate("deliveries"), 50);
        same("increase", node.increase("deliveries", 60), 3000);
        same("samples", [node.samples.length, node.points.deliveries.length], [120, 120]);
        same("latency", node.latency(0.99), 1);
        same("well", problems(cluster, 200_000), []);
        same("silent", problems(cluster, 204_000).map(({ level }) => level), ["bad"]);
        const cut = new Cluster();
        cut.take(facts("a", 1), 1_000);
        cut.take(facts("b", 9, { state: "hindered", reason: "why", gauges: { reactors: 1, loopLagMicroseconds: 0, backplaneUp: 0 } }), 9_000);
        same("cut off", problems(cut, 9_000).map(({ level, node }) => [level, node]), [["bad", "b"], ["warning", "a"]]);
        same("nothing to tell", [cut.totals(20_000).latency, cut.totals(20_000).connections], [null, 0]);
        cluster.take(facts("a", 201, { counters: { deliveries: 0, disconnects: 4 }, state: "overloaded", reason: "why" }), 201_000);
        same("troubles", problems(cluster, 201_000).map(({ level, text }) => [level, text]), [["bad", "why"], ["warning", "sent away 4 slow readers"]]);
        cluster.take(facts("a", 1), 202_000);
        same("anew", [node.rate("deliveries"), node.increase("deliveries")], [null, 0]);
        same("quantiles", [quantile([1, 10], [90, 9, 1], 0.5), quantile([1, 10], [90, 9, 1], 0.95), String(quantile([1, 10], [90, 9, 1], 0.999)), quantile([1], [0, 0], 1)], [1, 10, "Infinity", null]);
        const other = new Cluster();
        for (const lie of [null, 7, "x", [], {}, facts(7, 1), facts("x", "1"), facts("x", 1, { gauges: { a: "1" } }), facts("x", 1, { gauges: null }),
            facts("x", 1, { busiest: [{}] }), facts("x", 1, { busiest: 1 }), facts("x", 1, { fanoutMilliseconds: {} }), facts("x".repeat(300), 1)]) other.take(lie, 0);
        same("lies", other.nodes.size, 0);
        for (let number = 0; number < 1000; number++) other.take(facts(`n${number}`, 1), 0);
        same("names without end", other.nodes.size, 256);
        other.tick(1e9);
        same("gone", other.nodes.size, 0);
        return wrong.join("; ") || "well";
    });
"""

ALL = [overview, killed_node, own_node_killed, channel, pages_of_channels, client, keys, screens, keyboard, reckoning]
