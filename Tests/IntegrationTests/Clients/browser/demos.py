"""The demos, in two browsers that a balancer sends to whichever node.

Each case has both browsers, the cluster and what the test was started with; it raises what is wrong and returns facts worth telling.
"""

import json
import os
import random
import subprocess
import sys
import threading
import time

import page_checks
from selenium.webdriver.common.keys import Keys

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

    def wait(self, code, *arguments, seconds=30):
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

    def cut(self):
        self.element(".facts button").click()
        self.wait("return document.querySelector('.state').dataset.state === 'cut'")

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
        assert self.process.wait(10) == 0


def kill_node_of(demo, cluster):
    """Kills the node that a page is at, and starts it once the page is at another one."""
    place = "abc".index(demo.node)
    cluster.kill(place)
    demo.wait("return document.querySelector('.state').dataset.state === 'open' && document.querySelector('.facts dd').textContent !== arguments[0]", "abc"[place])
    return place


# --- Chat ---


SAID = "return [...document.querySelectorAll('#messages li:not(.by)')].map((line) => line.textContent)"


def say(demo, text):
    field = demo.element("#text")
    field.send_keys(text)
    field.submit()


def fresh_chat(one, other, cluster, facts):
    """A room whose history is of this case, as far as it is looked at: what is behind a line that no other case has."""
    first, second = at_two_nodes(one, other, facts["site"] + "/demo/chat")
    mark = f"mark {random.random()}"
    say(first, mark)
    for demo in [first, second]:
        demo.wait(f"{SAID}.includes(arguments[0])", mark)
    return first, second, lambda demo: (said := demo.run(SAID))[said.index(mark) + 1 :]


def wait_for_said(demo, said, expected):
    end = time.monotonic() + 30
    while said(demo) != expected:
        assert time.monotonic() < end, f"{said(demo)}, not {expected}; {demo.run('return document.body.innerText')[:300]}"
        time.sleep(0.05)


def chat(one, other, cluster, facts):
    """What one says the other sees, as text; who is here and who types is shown; who comes later has what was said before."""
    first, second, said = fresh_chat(one, other, cluster, facts)
    for demo, name in [(first, "Ada"), (second, "Bob")]:
        demo.element("#name").send_keys(Keys.CONTROL + "a" + Keys.NULL + name + Keys.TAB)
    for demo, names in [(first, ["Ada (you)", "Bob"]), (second, ["Bob (you)", "Ada"])]:
        demo.wait("return [...document.querySelectorAll('#people span')].map((name) => name.textContent).join() === arguments[0]", ",".join(names))
        assert demo.run("return document.getElementById('here-title').textContent") == "Here: 2"
    first.element("#text").send_keys("H")
    second.wait("return document.getElementById('typing').textContent === 'Ada types …'")
    second.wait("return document.getElementById('typing').textContent === ''")
    first.element("#text").clear()
    texts = ["<img src=x onerror=alert(1)>", "<b>bold</b> & {}", "‮back 🌠", "x" * 500]
    for text in texts:
        first.run("document.getElementById('text').value = arguments[0]; document.getElementById('form').requestSubmit()", text)
        wait_for_said(second, lambda demo: said(demo)[-1:], [text])
    for demo in [first, second]:
        wait_for_said(demo, said, texts)
        assert not demo.run("return document.querySelector('#messages img, #messages b')")
    assert second.run("return document.querySelector('#messages li:not(.own).by:nth-last-child(5)').textContent").startswith("Ada, ")
    first.reload()
    first.wait_until_open()
    wait_for_said(first, said, texts)
    # Who closes the page is gone.
    second.driver.get("about:blank")
    first.wait("return document.getElementById('here-title').textContent === 'Here: 1'")
    first.wait("return document.querySelectorAll('#people li').length === 1")
    first.quiet()
    second.quiet()


def chat_goes_on(one, other, cluster, facts):
    """One that is cut off, that changes its transport, or whose node is killed, has each message once and in order."""
    first, second, said = fresh_chat(one, other, cluster, facts)
    expected = []

    def say_some():
        for _ in range(4):
            expected.append(f"{len(expected)}")
            say(first, expected[-1])

    second.cut()
    say_some()
    wait_for_said(first, said, expected)
    assert not said(second)
    wait_for_said(second, said, expected)
    second.wait("return document.querySelector('.state').textContent === 'Live, 4 caught up'")
    # A page that is cut off may say something, too.
    second.cut()
    expected.append("cut")
    say(second, "cut")
    for demo in [first, second]:
        wait_for_said(demo, said, expected)
    for transport in ["eventStream", "jsonStream", "longPoll", "webSocket", ""]:
        second.choose(transport)
        say_some()
        wait_for_said(second, said, expected)
    first.quiet()
    second.quiet()
    for _ in range(2):
        place = "abc".index(second.node)
        cluster.kill(place)
        say_some()
        wait_for_said(second, said, expected)
        wait_for_said(first, said, expected)
        assert second.node != "abc"[place]
        cluster.start(place)
    one.complaints(), other.complaints()


# --- Note ---


NOTE = "return document.getElementById('text').value"


def fresh_note(one, other, facts):
    url = f"{facts['site']}/demo/note#{random.randrange(10**9)}"
    return url, *at_two_nodes(one, other, url)


def agree(*demos):
    """Waits until all show the same, with everything sent, and returns that."""
    end = time.monotonic() + 30
    while True:
        texts = {demo.run(NOTE) for demo in demos}
        states = [demo.run("return document.getElementById('status').textContent") for demo in demos]
        if len(texts) == 1 and all(state.startswith("All with the cluster") for state in states):
            # What is shown is what each page holds, and nothing more comes.
            time.sleep(0.3)
            if {demo.run(NOTE) for demo in demos} == texts:
                return texts.pop()
        assert time.monotonic() < end, (texts, states)
        time.sleep(0.05)


def typing(demo, words):
    """Types words one after the other, in a thread of its own: keys as they are pressed, each at where the cursor is."""

    def work():
        field = demo.element("#text")
        for word in words:
            field.send_keys(word + " ")

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def both_type(first, second, prefix, count=40):
    words = [[f"{prefix}{letter}{number}" for number in range(count)] for letter in "xy"]
    threads = [typing(demo, each) for demo, each in zip([first, second], words)]
    for thread in threads:
        thread.join()
    return words


def all_there(text, *lists):
    """Each writer's words are there, each once, whole, and in the writer's order."""
    words = text.split()
    for each in lists:
        assert [word for word in words if word in set(each)] == each, text


def note(one, other, cluster, facts):
    """Two that type at once lose no keystroke; one that is cut off keeps on typing, and they agree once it is back."""
    url, first, second = fresh_note(one, other, facts)
    lists = both_type(first, second, "p")
    all_there(agree(first, second), *lists)
    second.cut()
    lists += both_type(first, second, "q", 20)
    assert "q" in second.run(NOTE) and "qx19" not in second.run(NOTE)
    text = agree(first, second)
    all_there(text, *lists)
    # In the middle of words: both at once, where the other one has just removed something.
    for demo, start in [(first, 3), (second, 5)]:
        demo.run("const area = document.getElementById('text'); area.focus(); area.setSelectionRange(arguments[0], arguments[0] + 4)", start)
    threads = [threading.Thread(target=lambda demo=demo, key=key: demo.element("#text").send_keys(key)) for demo, key in [(first, "🌠"), (second, Keys.BACKSPACE)]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    text = agree(first, second)
    assert "🌠" in text
    # The last keystrokes before a page is closed are not lost.
    first.element("#text").send_keys(" last")
    first.driver.get("about:blank")
    second.wait(f"{NOTE}.includes(' last')")
    text = agree(second)
    first = Demo(one, url)
    assert agree(first, second) == text
    first.quiet()
    second.quiet()
    return {"characters": len(text)}


def note_goes_on(one, other, cluster, facts):
    """Nodes that die take nothing along; and who comes later has all of it, though the cluster keeps a hundred messages only."""
    url, first, second = fresh_note(one, other, facts)
    lists = []
    for round in range(2):
        place = "abc".index(second.node)
        killing = threading.Timer(0.3, cluster.kill, [place])
        killing.start()
        lists += both_type(first, second, f"k{round}", 40)
        killing.join()
        all_there(agree(first, second), *lists)
        cluster.start(place)
    channel = first.run("return document.getElementById('channel').textContent")
    for number in range(150):
        first.run("const area = document.getElementById('text'); area.value += arguments[0]; area.dispatchEvent(new Event('input'))", f"n{number} ")
        time.sleep(0.16)
    text = agree(first, second)
    all_there(text, *lists, [f"n{number}" for number in range(150)])
    kept = json.loads(cluster.ask("GET", f"/channels/{channel.replace('/', '%2F')}/history?since=0-0")[1])
    assert kept["recovered"] is False, "all of it is kept: that tries nothing"
    newcomer = Demo(one, url)
    assert agree(newcomer, second) == text
    # Nobody's snapshot is kept, as after a long pause: whoever has the note is asked.
    for number in range(120):
        cluster.publish(channel, {"site": "noise", "operations": []})
    newcomer = Demo(one, url)
    assert agree(newcomer, second) == text
    one.complaints(), other.complaints()
    return {"characters": len(text), "kept": len(kept["publications"])}


# --- Ticker ---


PRICES = "return Object.fromEntries([...document.querySelectorAll('#board li')].map((tile) => [tile.querySelector('b').textContent, tile.querySelector('.price').textContent]))"


def ticker(one, other, cluster, facts):
    """Both show the same prices, catch up once they are cut off, and go on at another node."""
    url = facts["site"] + "/demo/ticker"
    nobody = Demo(one, url)
    nobody.wait("return document.getElementById('silent').textContent.includes('deploy/feed')")
    with Feed(facts):
        first, second = at_two_nodes(one, other, url)
        for demo in [first, second]:
            demo.wait("return document.querySelectorAll('#board li').length === 36")
            assert demo.run("return document.getElementById('silent').hidden")
        second.wait("return parseInt(document.getElementById('rate').textContent) > 5")
        second.cut()
        before = second.run(PRICES)
        time.sleep(2)
        assert second.run(PRICES) == before
        second.wait("return /caught up/.test(document.querySelector('.state').textContent)")
        place = kill_node_of(second, cluster)
        second.run("window.before = document.querySelector('.position').textContent")
        second.wait("return document.querySelector('.position').textContent !== before")
        cluster.start(place)
    # Now that nobody publishes any more both have the last prices.
    end = time.monotonic() + 10
    while first.run(PRICES) != second.run(PRICES):
        assert time.monotonic() < end
        time.sleep(0.1)
    order = "return [...document.querySelectorAll('#board .change')].map((change) => parseFloat(change.textContent.slice(2)) * (change.textContent[0] === '▼' ? -1 : 1))"
    first.run("document.getElementById('order').value = 'best'; document.getElementById('order').dispatchEvent(new Event('change'))")
    first.wait(f"const all = (() => {{ {order} }})(); return all.every((each, place) => !place || each <= all[place - 1])")
    # Paused is paused, and what came meanwhile is there afterwards.
    first.element("#pause").click()
    cluster.publish("demo/ticker", {"quotes": [{"symbol": "<b>", "name": "<i>x</i>", "price": 2, "open": 1}]})
    second.wait("return [...document.querySelectorAll('#board b')].some((symbol) => symbol.textContent === '<b>')")
    assert first.run("return document.querySelectorAll('#board li').length") == 36
    first.element("#pause").click()
    first.wait("return document.querySelectorAll('#board li').length === 37 && document.querySelector('#board .change').textContent === '▲ 100.00%'")
    one.complaints(), other.complaints()


# --- Assistant ---


ANSWER = "return document.querySelector('.answer')?.textContent ?? ''"


def composed(facts, question):
    """What the feed answers, by its own code."""
    sys.path.insert(0, os.path.dirname(facts["feed"]))
    from feeding import assistant

    return assistant.composed(question)


def assistant(one, other, cluster, facts):
    """Reloaded in the middle of a sentence, cut off, and with its node killed, a page has each word once; so has one that comes later."""
    question = "What happens if I reload this page?"
    url = facts["site"] + "/demo/assistant"
    nobody = Demo(one, url)
    say(nobody, question)
    nobody.wait("return document.getElementById('status').textContent.includes('deploy/feed')")
    lengths = []
    with Feed(facts):
        time.sleep(1)
        first = Demo(one, url)
        say(first, question)

        def reach(length):
            first.wait(f"return (() => {{ {ANSWER} }})().length >= arguments[0]", length)
            text = first.run(ANSWER)
            assert expected.startswith(text) and text != expected, text
            lengths.append(len(text))

        expected = composed(facts, question)
        reach(40)
        first.reload()
        first.wait_until_open()
        # What was shown is there again at once, and it goes on.
        assert len(first.run(ANSWER)) >= lengths[-1]
        second = Demo(other, first.driver.current_url)
        reach(90)
        place = kill_node_of(first, cluster)
        reach(130)
        first.reload()
        for demo in [first, second]:
            demo.wait("return document.querySelector('.answer') && !document.querySelector('.isOpen')")
            assert demo.run(ANSWER) == expected, demo.run(ANSWER)
            assert demo.run("return document.querySelectorAll('.answer').length") == 1
        cluster.start(place)
        # The next question, cut off in the middle of its answer.
        say(first, "And what is <b>Comet</b>?")
        first.wait("return document.querySelectorAll('.answer')[1]?.textContent.length > 20")
        first.cut()
        first.wait("return !document.querySelector('.isOpen')")
        for demo in [first, second]:
            demo.wait("return document.querySelectorAll('.answer').length === 2 && !document.querySelector('.isOpen')")
            assert demo.run("return document.querySelectorAll('.answer')[1].textContent") == composed(facts, "And what is <b>Comet</b>?")
            assert demo.run("return document.querySelectorAll('.question')[1].textContent") == "And what is <b>Comet</b>?"
    one.complaints(), other.complaints()
    return {"lengths": lengths, "whole": len(expected)}


def two_who_answer(one, other, cluster, facts):
    """Two feeds answer the same question word by word, and the page has each word once."""
    question = "What is a node?"
    with Feed(facts), Feed(facts):
        time.sleep(1)
        demo = Demo(one, facts["site"] + "/demo/assistant")
        say(demo, question)
        demo.wait("return document.querySelector('.answer') && !document.querySelector('.isOpen')")
        assert demo.run(ANSWER) == composed(facts, question)
        channel = demo.run("return document.getElementById('channel').textContent").replace("/", "%2F")
        kept = json.loads(cluster.ask("GET", f"/channels/{channel}/history?since=0-0")[1])["publications"]
        numbers = [each["data"].get("number") for each in kept][1:]
        assert numbers == list(range(len(numbers))), numbers
    one.complaints()


# --- Host ---


def host(one, other, cluster, facts):
    """What this machine does, live and from before the page was opened; and at another node once its own is gone."""
    url = facts["site"] + "/demo"
    nobody = Demo(one, url)
    nobody.wait("return document.getElementById('silent').textContent.includes('deploy/feed')")
    with Feed(facts):
        first, second = at_two_nodes(one, other, url)
        for demo in [first, second]:
            demo.wait("return ['cpu', 'memory', 'load', 'network'].every((id) => /[0-9]/.test(document.getElementById(id).textContent))")
        cluster.publish("host/log", {"time": 1, "line": "<b>a line</b>"})
        first.wait("return [...document.querySelectorAll('#log span')].some((line) => line.textContent === '<b>a line</b>')")
        first.quiet()
        second.quiet()
        place = kill_node_of(first, cluster)
        first.run("window.before = document.querySelector('.position').textContent")
        first.wait("return document.querySelector('.position').textContent > before")
        cluster.start(place)
    one.complaints(), other.complaints()


# --- All of them ---


def links(one, other, cluster, facts):
    """From each demo one comes to each other one, by the keyboard alone, and the chosen transport stays."""
    demo = Demo(one, facts["site"] + "/demo")
    demo.choose("longPoll")
    for page in PAGES[1:] + PAGES[:1]:
        link = demo.element(f"nav a[href='/demo{page}']")
        assert link.get_attribute("aria-current") is None
        link.send_keys(Keys.ENTER)
        demo.wait("return location.pathname === arguments[0]", "/demo" + page)
        demo.wait_until_open()
        assert demo.run("return document.querySelector('.facts select').value") == "longPoll"
        assert demo.element(f"nav a[href='/demo{page}']").get_attribute("aria-current") == "page"
    demo.choose("")
    demo.quiet()


def keyboard(one, other, cluster, facts):
    """The tabulator reaches each control once, in the order in which they stand, and one sees where one is."""
    for page in PAGES:
        demo = Demo(one, facts["site"] + "/demo" + page)
        time.sleep(0.5)
        controls = demo.run(
            "window.controls = [...document.querySelectorAll(arguments[0])].filter((each) => each.checkVisibility() && !each.disabled && each.tabIndex >= 0);"
            "document.activeElement.blur(); getSelection().removeAllRanges(); return controls.length",
            page_checks.CONTROLS,
        )
        reached = []
        for _ in range(controls):
            demo.driver.switch_to.active_element.send_keys(Keys.TAB)
            reached.append(demo.run("return controls.indexOf(document.activeElement)"))
            assert demo.run("const style = getComputedStyle(document.activeElement); return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2")
        assert reached == list(range(controls)), (page, reached)


def rules(one, other, cluster, facts):
    """Where rules keep the demos from a page it says so, in words."""
    for page in PAGES:
        demo = Demo(one, facts["closed"] + "/demo" + page, is_open=False)
        notice = demo.wait("return document.querySelector('.notice')?.textContent")
        assert notice.startswith("This cluster does not let the page have ") and f'"{"demo" if page else "host"}/**"' in notice, notice
        assert not page_checks.faults(demo.driver)
    one.complaints()


def policy(one, other, cluster, facts):
    """What somebody else puts into a page does not run, and does not call elsewhere."""
    for page in PAGES:
        demo = Demo(one, facts["site"] + "/demo" + page)
        demo.run(
            """
            document.body.insertAdjacentHTML("beforeend", "<img src=/nothing onerror='window.hit = 1'>");
            document.body.append(Object.assign(document.createElement("script"), { textContent: "window.hit = 2" }));
            document.body.append(Object.assign(document.createElement("script"), { src: arguments[0] + "/perseid.js" }));
            window.away = fetch(arguments[0] + "/healthz").then(() => "there", () => "refused");
            """,
            facts["closed"],
        )
        assert demo.driver.execute_async_script("away.then(arguments[0])") == "refused"
        time.sleep(0.3)
        assert demo.run("return [window.hit, window.Perseid]") == [None, None]
    assert one.complaints()


def floods(one, other, cluster, facts):
    """Ten thousand messages, and all sorts of rubbish, hold up no page, and its lists stay short."""
    channels = {"": "host/log", "/chat": "demo/chat", "/note": "demo/note/flood", "/ticker": "demo/ticker", "/assistant": "demo/assistant/flood"}
    worst = {}
    for page, channel in channels.items():
        demo = Demo(one, f"{facts['site']}/demo{page}#flood")
        demo.run(
            """
            window.longest = 0; let last = performance.now();
            requestAnimationFrame(function draw(now) { longest = Math.max(longest, now - last); last = now; requestAnimationFrame(draw); });
            """
        )
        rubbish = [None, 0, "", [], {}, {"quotes": 7}, {"quotes": [None, {"symbol": 1}]}, {"operations": [None]}, {"snapshot": 7}, {"name": {}}, {"text": {}}]
        rubbish += [{"question": ["x"]}, {"answer": 7, "text": "x"}, {"line": {}}, {"wants": True}, {"site": {}, "operations": {}}, {"text": None, "id": []}]
        text = "flood " * 20
        for start in range(0, 10_000, 500):
            values = [
                {
                    "name": f"n{number}", "id": f"i{number}", "text": text, "line": text, "question": f"{number}", "site": f"s{number}",
                    "operations": [{"insert": "x", "id": [number + 1, "eve"], "after": [number + 1, "nobody"]}],
                    "quotes": [{"symbol": f"S{number}", "name": text, "price": number + 1, "open": 1}],
                }
                for number in range(start, start + 500)
            ]
            cluster.publish(channel, *values, *rubbish)
        cluster.publish(channel, {"text": "the end", "line": "the end"})
        position = json.loads(cluster.ask("GET", f"/channels/{channel.replace('/', '%2F')}")[1])["position"]
        demo.wait("return document.querySelector('.position').textContent === arguments[0]", position)
        time.sleep(0.3)
        worst[channel] = round(demo.run("return longest"))
        assert demo.run("return document.querySelectorAll('*').length") < 1500
        assert demo.run("return document.querySelector('.state').textContent").startswith("Live")
        demo.quiet()
        # The page still does what it is for.
        if page == "/chat":
            say(demo, "after the flood")
            demo.wait(f"{SAID}.at(-1) === 'after the flood'")
    # A machine that runs other tests as well draws a picture late now and then.
    assert max(worst.values()) < 2000, worst
    return worst


def calm(one, other, cluster, facts):
    """Who wants less motion has none: nothing is animated, and the sky stands still."""
    with Feed(facts):
        for page in PAGES:
            demo = Demo(one, facts["site"] + "/demo" + page)
            one.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-reduced-motion", "value": "reduce"}]})
            demo.reload()
            demo.wait_until_open()
            sky = "return document.querySelector('header > canvas').toDataURL()"
            time.sleep(0.5)
            before = demo.run(sky)
            end = time.monotonic() + 1.5
            while time.monotonic() < end:
                assert demo.run("return document.getAnimations().length") == 0
            assert demo.run(sky) == before
    one.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    one.complaints()


def fill(demo, page, cluster):
    """Gives a page something to show."""
    if page == "/chat":
        for name, text in [("Ada", "Did you see the meteors last night?"), ("Ada", "One a second, at two o'clock."), ("Bob", "I slept. Are there pictures?")]:
            cluster.publish("demo/chat", {"id": name, "name": name, "text": text})
        say(demo, "Here they come, one after the other.")
        cluster.publish("demo/chat/typing", {"id": "Ada", "name": "Ada"})
    elif page == "/note":
        demo.element("#text").send_keys("Perseids, the night of 12 August\n\n– blankets, a thermos, no torch\n– look to the north-east, after midnight\n– count for an hour, then compare")
    elif page == "/assistant":
        say(demo, "What happens when I reload this page?")
        demo.wait("return document.querySelector('.answer')?.textContent.length > 220")
    elif page == "/ticker":
        demo.wait("return document.querySelectorAll('#board li').length >= 36")
        demo.wait("return /[0-9]/.test(document.getElementById('rate').textContent)")


def checks(one, other, cluster, facts):
    """The checks of pages find what they are for, and nothing where nothing is."""

    def faults(body):
        one.driver.get(f"data:text/html,<!doctype html><html><body style='background: white; margin: 0'>{body}")
        return page_checks.faults(one.driver)

    right = "<p>text</p><button>name</button><label>name <input placeholder=text></label><input aria-label=name>"
    assert not faults(right), faults(right)
    wrong = [
        "<p style='color: silver'>text</p>", "<p style='opacity: .3'>text</p>", "<p style='background: linear-gradient(black, white)'>text</p>",
        "<input aria-label=name placeholder=text style='color: silver'>", "<button></button>", "<a href=x style='display: block; height: 9px'></a>", "<div tabindex=0 style='height: 9px'></div>",
        "<p style='width: 3000px'>text</p>", "<div style='background: black'><p>text</p></div>",
    ]
    for body in wrong:
        assert len(faults(body)) == 1 or "3000" in body and faults(body), (body, faults(body))


def looks(one, other, cluster, facts):
    """At the widths of a phone and of a desktop, light and dark: nothing too faint, unnamed or too wide, no complaints; and pictures."""
    faults = {}
    with Feed(facts):
        # The host comes last: its charts then have something to draw.
        for page in PAGES[1:] + PAGES[:1]:
            page_checks.set_screen(one.driver, 1280, 800, False)
            demo = Demo(one, facts["site"] + "/demo" + page)
            reader = Demo(other, demo.driver.current_url)
            fill(demo, page, cluster)
            for width, height in [(1280, 800), (390, 844)]:
                for is_dark in [False, True]:
                    page_checks.set_screen(one.driver, width, height, is_dark)
                    one.driver.execute_cdp_cmd("Emulation.setScrollbarsHidden", {"hidden": True})
                    time.sleep(0.6)
                    name = f"{page[1:] or 'host'}-{width}-{'dark' if is_dark else 'light'}"
                    demo.driver.save_screenshot(os.path.join(facts["pictures"], f"{name}.png"))
                    if found := page_checks.faults(demo.driver):
                        faults[name] = found
            demo.quiet()
            reader.quiet()
    one.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    one.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    assert not faults, faults


ALL = [
    host, chat, chat_goes_on, note, note_goes_on, ticker, assistant, two_who_answer, links, keyboard, rules, policy, floods, calm, checks, looks,
]
