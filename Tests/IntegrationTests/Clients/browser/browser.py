"""A real Chromium, as the cases need it."""

import json
import time

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

# What each page has: the client, what it was told, and waiting. `log` is cleared by nobody, so that nothing is overlooked.
PRELUDE = """
    window.told = []; window.states = []; window.errors = [];
    window.open_ = async (addresses, options, channel, handlers = {}) => {
        const { Perseid } = await import(window.script);
        const perseid = window.perseid = new Perseid(addresses, options);
        perseid.addEventListener("state", (event) => states.push([event.state, event.transport, event.node]));
        perseid.addEventListener("error", (event) => errors.push(event.error.message));
        window.room = perseid.subscribe(channel, {
            onMessage: (message) => told.push(message.data),
            onGap: (gap) => told.push({ gap }),
            onSubscribed: () => window.isOpen = true,
            ...handlers,
        });
    };
"""


class Browser:
    """One browser, with a tab for each page. It takes certificates that nobody knows: the node's is made by the test."""

    def __init__(self):
        options = Options()
        for argument in ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--enable-precise-memory-info"]:
            options.add_argument(argument)
        options.accept_insecure_certs = True
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
        self.driver.set_script_timeout(120)

    def page(self, url, script="/perseid.mjs"):
        self.driver.switch_to.new_window("tab")
        page = Page(self.driver, self.driver.current_window_handle)
        page.load(url, script)
        return page

    def complaints(self):
        """What the console says since the last look. These pages have no icon, which is nobody's fault."""
        said = [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]
        return [message for message in said if "favicon.ico" not in message]

    def close(self):
        self.driver.quit()


class Page:
    def __init__(self, driver, handle):
        self.driver, self.handle = driver, handle

    def load(self, url, script):
        self.driver.switch_to.window(self.handle)
        self.driver.get(url)
        self.run(f"window.script = {json.dumps(script)};{PRELUDE}")

    def run(self, code, *arguments):
        """Runs code in the page; its value is that of `return`."""
        self.driver.switch_to.window(self.handle)
        return self.driver.execute_script(code, *arguments)

    def subscribe(self, channel, addresses=None, **options):
        """Subscribes to a channel by the client, and waits until that is open."""
        self.begin(channel, addresses, **options)
        self.wait("return window.isOpen")

    def begin(self, channel, addresses=None, **options):
        self.run("open_(arguments[0] ?? location.origin, arguments[1], arguments[2])", addresses, options, channel)

    def wait(self, code, *arguments, seconds=90):
        """Waits until code has a value that is true, and returns it."""
        end = time.monotonic() + seconds
        while not (value := self.run(code, *arguments)):
            if time.monotonic() > end:
                states = self.run("return [window.states, window.errors, window.told?.slice(-5)]")
                raise AssertionError(f"not within {seconds} s: {code}; {states}")
            time.sleep(0.02)
        return value

    def told(self, count, seconds=90):
        """What handlers were told, once it is so much."""
        self.wait("return told.length >= arguments[0]", count, seconds=seconds)
        return self.run("return told")

    def command(self, name, **parameters):
        """A command of the DevTools protocol."""
        self.driver.switch_to.window(self.handle)
        return self.driver.execute_cdp_cmd(name, parameters)

    def close(self):
        self.driver.switch_to.window(self.handle)
        self.driver.close()
        self.driver.switch_to.window(self.driver.window_handles[0])
