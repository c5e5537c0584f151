"""A demo in a browser, as the cases need it."""

import subprocess
import sys
import threading
import time

PAGES = ["", "/chat", "/note", "/ticker", "/assistant"]


class Demo:
    """A demo in a browser."""

    def __init__(self, browser, url, is_open=True):
        self.browser, self.driver = browser, browser.driver
        self.driver.get("about:blank")
        self.driver.get(url)
        if is_open:
            self.wait_until_open()

    def run(self, code, *arguments):
        return self.driver.execute_script(code, *arguments)

    def wait(self, code, *arguments, seconds=90):
        end = time.monotonic() + seconds
        while not (value := self.run(code, *arguments)):
            if time.monotonic() > end:
                shown = self.run("return document.body.innerText")
                raise AssertionError(f"not within {seconds} s: {code} {arguments}; {shown[-1500:]}; {self.browser.complaints()}")
            time.sleep(0.02)
        return value

    def element(self, selector):
        return self.driver.find_element("css selector", selector)

    def wait_until_open(self):
        self.wait("return document.querySelector('.state')?.dataset.state === 'open'")

    @property
    def node(self):
        return self.run("return document.querySelector('.facts dd').textContent")

    def choose(self, transport):
        self.run(
            "const all = document.querySelector('.facts select'); all.value = arguments[0]; all.dispatchEvent(new Event('change'))",
            transport,
        )
        self.wait_until_open()

    def cut(self, times=1):
        """Cuts the connection for five seconds, or for so many times as long: what is done meanwhile takes a busy machine its time."""
        slowly = "window.usual = setInterval; window.setInterval = (tick, milliseconds) => usual(tick, times * milliseconds)"
        self.run(f"const times = arguments[0]; {slowly}", times)
        self.element(".facts button").click()
        self.wait("return document.querySelector('.state').dataset.state === 'cut'")
        self.run("window.setInterval = usual")

    def reload(self):
        self.driver.refresh()

    def quiet(self):
        complaints = self.browser.complaints()
        assert not complaints, complaints


def at_two_nodes(one, other, url):
    """A page in each browser, at two nodes: a balancer gives each connection to the next one, so it takes some attempts at most."""
    demos = [Demo(one, url), Demo(other, url)]
    for _ in range(20):
        if demos[0].node != demos[1].node:
            return demos
        demos[1] = Demo(other, url)
    raise AssertionError(f"both are at {demos[0].node}")


class Feed:
    """The program that publishes what the demos show, while a case lasts."""

    def __init__(self, facts):
        self.command = [sys.executable, facts["feed"], "--url", facts["site"]]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        threading.Thread(target=lambda: [None for _ in self.process.stdout], daemon=True).start()

    def __exit__(self, *_):
        self.process.terminate()
        assert self.process.wait(60) == 0


def kill_node_of(demo, cluster):
    """Kills the node that a page is at, and starts it once the page is at another one."""
    place = "abc".index(demo.node)
    cluster.kill(place)
    demo.wait("return document.querySelector('.state').dataset.state === 'open' && document.querySelector('.facts dd').textContent !== arguments[0]", "abc"[place])
    return place


def say(demo, text):
    field = demo.element("#text")
    field.send_keys(text)
    field.submit()
