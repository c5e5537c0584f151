"""The chat room in two browsers that a balancer sends to whichever node.

Each case has both browsers, the cluster and what the test was started with; it raises what is wrong and returns facts worth telling.
"""

import random
import time

from demo import at_two_nodes, say
from selenium.webdriver.common.keys import Keys

SAID = "return [...document.querySelectorAll('#messages li:not(.by)')].map((line) => line.textContent)"


def fresh_chat(one, other, cluster, facts):
    """A room whose history is of this case, as far as it is looked at: what is behind a line that no other case has."""
    first, second = at_two_nodes(one, other, facts["site"] + "/demo/chat")
    mark = f"mark {random.random()}"
    say(first, mark)
    for demo in [first, second]:
        demo.wait(f"{SAID}.includes(arguments[0])", mark)
    return first, second, said_after(mark)


def said_after(mark):
    """What is said behind a line; nothing where that is not there yet, as in a page that has just been opened."""

    def said(demo):
        lines = demo.run(SAID)
        return lines[lines.index(mark) + 1 :] if mark in lines else []

    return said


def wait_for_said(demo, said, expected):
    end = time.monotonic() + 90
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

    second.cut(times=4)
    say_some()
    wait_for_said(first, said, expected)
    assert not said(second)
    wait_for_said(second, said, expected)
    second.wait("return document.querySelector('.state').textContent === 'Live, 4 caught up'")
    # A page that is cut off may say something, too; and one that comes into sight meanwhile, as after another tab, is there again.
    second.cut()
    second.run("dispatchEvent(new Event('pageshow'))")
    expected.append("cut")
    say(second, "cut")
    for demo in [first, second]:
        wait_for_said(demo, said, expected)
    second.wait("return document.querySelector('.state').dataset.state === 'open'")
    for transport in ["eventStream", "jsonStream", "longPoll", "webSocket", ""]:
        second.choose(transport)
        say_some()
        wait_for_said(second, said, expected)
    # What is not kept any more is told: the cluster keeps a hundred, and a node for a while what has not too many bytes.
    second.cut(times=4)
    cluster.publish("demo/chat", *[{"id": "eve", "name": "Eve", "text": f"e{number}", "rest": "x" * 30_000} for number in range(150)])
    kept = [f"e{number}" for number in range(50, 150)]
    wait_for_said(second, lambda demo: demo.run(SAID)[-101:], ["What was said in between is not kept any more.", *kept])
    say(second, mark := f"mark {random.random()}")
    for demo in [first, second]:
        demo.wait(f"{SAID}.includes(arguments[0])", mark)
        demo.quiet()
    said = said_after(mark)
    expected.clear()
    for _ in range(2):
        place = "abc".index(second.node)
        cluster.kill(place)
        say_some()
        wait_for_said(second, said, expected)
        wait_for_said(first, said, expected)
        assert second.node != "abc"[place]
        cluster.start(place)
    one.complaints(), other.complaints()


ALL = [chat, chat_goes_on]
