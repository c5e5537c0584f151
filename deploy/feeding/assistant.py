"""Answers what is asked on /demo/assistant, a word at a time, as assistants do. No model: a text that is put together here.

Each conversation is a channel. A question in it is `{"question": "…"}`, and each word of its answer `{"answer": <the question's
position>, "number": n, "text": "…"}`, the last one with `"isLast": true`.
"""

import collections
import http.client
import json
import random
import threading
import time
import urllib.parse
import zlib

from feeding.publisher import Publisher, Refused, say

CHANNELS = "demo/assistant/*"
QUESTION_LENGTH_MAX = 200
ANSWERS_MAX = 16  # at the same time: whoever floods is not answered
SILENCE_SECONDS_MAX = 60  # a node gives a sign of life every 25 seconds
PAUSE_SECONDS = 1
RETRY_SECONDS = 0.1

PARAGRAPHS = {
    ("resume", "reload", "lost", "miss", "reconnect", "position", "once"): (
        "Every word you read here is a publication with a position, and the page keeps the last one it has shown. Reload it in the middle"
        " of this sentence: it asks for what follows that position, on whichever node it lands, and goes on with the very next word."
        " Nothing is told twice, nothing is left out; and if something were gone from the history, the page would be told so."
    ),
    ("node", "cluster", "redis", "kill", "die", "crash", "scale"): (
        "The words go through Redis to every node that somebody listens at, each naming the one before it, so a node sees at once if one"
        " is missing and fetches it. Kill the node that you are connected to: the page goes to another one with its position, and this"
        " answer does not lose a word, for no node has anything that you would need back."
    ),
    ("comet", "push", "poll", "socket", "stream", "transport"): (
        "Comet was the name, in 2006, for a server that speaks first. What it took then were hidden frames and requests that were held"
        " open; today a WebSocket or an event stream does, and a long poll where a proxy lets nothing else through. Choose another"
        " transport above while these words come: they go on where they were, because a position means the same on all of them."
    ),
}
OTHER = (
    "I know little of that, for I am no model: a small program picks one of a few texts and publishes it word by word, as an assistant"
    " would. What is real is the way the words take. Each is a publication with a position, ordered by the cluster and kept for a while;"
    " so reload this page, cut it off or open its address elsewhere, and the answer is there, as far as it has come, and goes on."
)


def composed(question):
    """The same for the same question, so that whoever answers it, once more or beside another one, says the same."""
    words = question.lower()
    texts = [text for hints, text in PARAGRAPHS.items() if any(hint in words for hint in hints)] or [OTHER]
    begin = ["You ask: ", "Your question is: ", "You want to know: "][zlib.crc32(question.encode()) % 3]
    return f"{begin}“{question}” {texts[0]}"


def answer(publisher, channel, position, question):
    words = composed(question).split(" ")
    for number, word in enumerate(words):
        is_last = number == len(words) - 1
        value = {"answer": position, "number": number, "text": word if is_last else word + " ", "isLast": is_last}
        # By this key the cluster knows a word that it has: a second one who answers changes nothing.
        key = f"{channel} {position} {number}"
        while not publisher.publish(channel, value, key):
            time.sleep(RETRY_SECONDS)
        time.sleep(random.uniform(0.04, 0.12))


class Reader:
    """Reads the questions from a stream of one node after the other, and goes on behind the last one where a stream ends."""

    def __init__(self, urls, api_key):
        self.urls = collections.deque(urllib.parse.urlsplit(url) for url in urls)
        self.headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self.cursor = None

    def questions(self):
        for message in self._messages():
            data = message.get("data")
            question = data.get("question") if isinstance(data, dict) else None
            if message.get("type") == "message" and isinstance(question, str) and "position" in message:
                yield message["channel"], message["position"], question[:QUESTION_LENGTH_MAX].strip()

    def _messages(self):
        self.urls.rotate(-1)
        url = self.urls[0]
        kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
        connection = kind(url.hostname, url.port, timeout=SILENCE_SECONDS_MAX)
        query = {"channel": CHANNELS, "session": "none", **({"cursor": self.cursor} if self.cursor else {})}
        try:
            connection.request("GET", f"{url.path.rstrip('/')}/stream?{urllib.parse.urlencode(query)}", headers=self.headers)
            response = connection.getresponse()
            if response.status in (401, 403):
                raise Refused(f"{url.netloc} answers {response.status}: {CHANNELS} may not be read")
            if response.status != 200:
                raise http.client.HTTPException(f"{response.status} {response.reason}")
            for line in response:
                message = json.loads(line.strip() or b"{}")
                self.cursor = message.get("cursor", self.cursor)
                yield message
        finally:
            connection.close()


def run(urls, api_key):
    reader = Reader(urls, api_key)
    places = threading.BoundedSemaphore(ANSWERS_MAX)

    def work(*asked):
        try:
            answer(Publisher(urls, api_key), *asked)
        except Refused as error:
            say(f"no answer: {error}")
        finally:
            places.release()

    while True:
        try:
            for asked in reader.questions():
                if places.acquire(blocking=False):
                    threading.Thread(target=work, args=asked, daemon=True).start()
        except (OSError, ValueError, http.client.HTTPException):
            pass
        time.sleep(PAUSE_SECONDS)
