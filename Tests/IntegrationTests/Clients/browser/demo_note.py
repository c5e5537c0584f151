"""The shared note in two browsers that a balancer sends to whichever node.

Each case has both browsers, the cluster and what the test was started with; it raises what is wrong and returns facts worth telling.
"""

import json
import random
import threading
import time

from demo import Demo, at_two_nodes
from selenium.webdriver.common.keys import Keys

NOTE = "return document.getElementById('text').value"


def fresh_note(one, other, facts):
    url = f"{facts['site']}/demo/note#{random.randrange(10**9)}"
    return url, *at_two_nodes(one, other, url)


def agree(*demos):
    """Waits until all show the same, with everything sent, and returns that."""
    end = time.monotonic() + 90
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
            field.send_keys(" " + word)

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def begin(first, second):
    """Gives each writer a line: who types behind a word that somebody else is typing comes into the middle of it."""
    first.element("#text").send_keys("first line:\nsecond line:")
    agree(first, second)


def place_cursor(demo, marker):
    """Puts the cursor behind what is written in a line."""
    demo.run(
        """
        const area = document.getElementById("text");
        const end = area.value.indexOf("\\n", area.value.indexOf(arguments[0]));
        area.focus();
        area.setSelectionRange(...Array(2).fill(end < 0 ? area.value.length : end));
        """,
        marker,
    )


def both_type(first, second, prefix, count=40):
    place_cursor(first, "first line:")
    place_cursor(second, "second line:")
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
    begin(first, second)
    lists = both_type(first, second, "p")
    all_there(agree(first, second), *lists)
    second.cut(times=4)
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
    # Where there is no more room one is told to begin another note, and has an empty one then.
    first.run("const area = document.getElementById('text'); area.value += 'é'.repeat(20000); area.dispatchEvent(new Event('input'))")
    for demo in [first, second]:
        demo.wait("return document.getElementById('text').readOnly && document.getElementById('trouble').textContent")
    assert len(agree(first, second)) > 10_000
    first.element("#new").click()
    first.wait("return document.getElementById('channel').textContent !== arguments[0]", f"demo/note/{url.split('#')[1]}")
    first.wait_until_open()
    assert not first.run(NOTE) and not first.run("return document.getElementById('text').readOnly")
    first.quiet()
    second.quiet()
    return {"characters": len(text)}


def note_goes_on(one, other, cluster, facts):
    """Nodes that die take nothing along; and who comes later has all of it, though the cluster keeps a hundred messages only."""
    url, first, second = fresh_note(one, other, facts)
    begin(first, second)
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
    for number in range(35):
        first.run("const area = document.getElementById('text'); area.value += arguments[0]; area.dispatchEvent(new Event('input'))", f" n{number}")
        time.sleep(0.16)
    text = agree(first, second)
    all_there(text, *lists, [f"n{number}" for number in range(35)])
    cluster.publish(channel, *[{"site": "noise", "operations": []} for _ in range(60)])
    kept = json.loads(cluster.ask("GET", f"/channels/{channel.replace('/', '%2F')}/history?since=0-0")[1])
    assert kept["recovered"] is False, "all of it is kept: that tries nothing"
    assert any("snapshot" in each["data"] for each in kept["publications"]), "it takes a snapshot"
    newcomer = Demo(one, url)
    assert agree(newcomer, second) == text
    # Nobody's snapshot is kept, as after a long pause: whoever has the note is asked.
    cluster.publish(channel, *[{"site": "noise", "operations": []} for _ in range(120)])
    newcomer = Demo(one, url)
    assert agree(newcomer, second) == text
    one.complaints(), other.complaints()
    return {"characters": len(text), "kept": len(kept["publications"])}


ALL = [note, note_goes_on]
