"""Looks every second at how things are: the lines of the pictures."""

import threading
import time

from . import costs


class Watch:
    def __init__(self, board, parts, begin):
        """`parts`: what processes each part has now."""
        self.board = board
        self.parts = parts
        self.begin = begin
        self.samples = []
        self.marks = []
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def start(self):
        self.thread.start()

    def stop(self):
        self.is_over.set()
        if self.thread.is_alive():
            self.thread.join()

    def mark(self, text):
        self.marks.append({"seconds": round(time.monotonic() - self.begin, 1), "text": text})

    def run(self):
        before = costs.Moment(self.parts())
        while not self.is_over.wait(1):
            after = costs.Moment(self.parts())
            used = before.until(after)
            before = after
            sample = {name: round(used[name] / used["elapsed"], 3) for name in used if name != "elapsed"}
            sample["seconds"] = round(after.time - self.begin, 1)
            sample["ready"] = self.board.total("ready")
            sample["delivered"] = self.board.total("delivered")
            sample["pings"] = self.board.total("pings")
            sample["available_bytes"] = costs.memory()["MemAvailable"]
            self.samples.append(sample)
