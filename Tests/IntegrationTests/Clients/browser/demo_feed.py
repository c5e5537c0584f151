"""The demos that show what a feed publishes, the host, prices and answers, in two browsers that a balancer sends to whichever node.

Each case has both browsers, the cluster and what the test was started with; it raises what is wrong and returns facts worth telling.
"""

import json
import os
import random
import sys
import time

from demo import Demo, Feed, at_two_nodes, kill_node_of, say

def nobody_publishes(one, other, cluster, facts):
    """Where no feed runs, and none ever did, the pages that want one say what to start."""
    for page, place in [("", "silent"), ("/ticker", "silent"), ("/assistant", "status")]:
        demo = Demo(one, facts["site"] + "/demo" + page)
        if page == "/assistant":
            say(demo, "Is anybody there?")
        demo.wait("return document.getElementById(arguments[0]).textContent.includes('deploy/feed --url ' + location.origin)", place)
        demo.quiet()


def host(one, other, cluster, facts):
    """What this machine does, live and from before the page was opened; and at another node once its own is gone."""
    url = facts["site"] + "/demo"
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


PRICES = "return Object.fromEntries([...document.querySelectorAll('#board li')].map((tile) => [tile.querySelector('b').textContent, tile.querySelector('.price').textContent]))"


def ticker(one, other, cluster, facts):
    """Both show the same prices, catch up once they are cut off, and go on at another node."""
    url = facts["site"] + "/demo/ticker"
    with Feed(facts):
        first, second = at_two_nodes(one, other, url)
        for demo in [first, second]:
            demo.wait("return document.querySelectorAll('#board li').length === 36")
            assert demo.run("return document.getElementById('silent').hidden")
        second.wait("return parseInt(document.getElementById('rate').textContent) > 5")
        # Not for as long as the cluster keeps prices.
        second.cut(times=2)
        before = second.run(PRICES)
        time.sleep(2)
        assert second.run(PRICES) == before
        second.wait("return /caught up/.test(document.querySelector('.state').textContent)")
        place = kill_node_of(second, cluster)
        second.run("window.before = document.querySelector('.position').textContent")
        second.wait("return document.querySelector('.position').textContent !== before")
        cluster.start(place)
    # Now that nobody publishes any more both have the last prices.
    end = time.monotonic() + 60
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


ANSWER = "return document.querySelector('.answer')?.textContent ?? ''"


def composed(facts, question):
    """What the feed answers, by its own code."""
    sys.path.insert(0, os.path.dirname(facts["feed"]))
    from feeding import assistant

    return assistant.composed(question)


def wait_for_answers(cluster):
    """Until a feed hears what is asked: a question that came before that is never answered."""
    channel = f"demo/assistant/{random.randrange(10**9)}"
    end = time.monotonic() + 90
    while not any("answer" in each["data"] for each in kept(cluster, channel)):
        assert time.monotonic() < end, "no feed answers"
        cluster.publish(channel, {"question": "Is anybody there?"})
        time.sleep(0.5)


def kept(cluster, channel):
    path = f"/channels/{channel.replace('/', '%2F')}/history?since=0-0"
    return json.loads(cluster.ask("GET", path)[1])["publications"]


def assistant(one, other, cluster, facts):
    """Reloaded in the middle of a sentence, cut off, and with its node killed, a page has each word once; so has one that comes later."""
    question = "What happens if I reload this page?"
    url = facts["site"] + "/demo/assistant"
    lengths = []
    with Feed(facts):
        wait_for_answers(cluster)
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
        wait_for_answers(cluster)
        # The other one, too.
        time.sleep(1)
        demo = Demo(one, facts["site"] + "/demo/assistant")
        say(demo, question)
        demo.wait("return document.querySelector('.answer') && !document.querySelector('.isOpen')")
        assert demo.run(ANSWER) == composed(facts, question)
        channel = demo.run("return document.getElementById('channel').textContent")
        numbers = [each["data"].get("number") for each in kept(cluster, channel)][1:]
        assert numbers == list(range(len(numbers))), numbers
    one.complaints()


ALL = [nobody_publishes, host, ticker, assistant, two_who_answer]
