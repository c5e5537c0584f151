"""The crowds: processes of `crowd`, each with its part of the clients."""

import subprocess
import time


class Crowds:
    def __init__(self, program, board, clients, carrier, directory):
        self.board = board
        self.directory = directory
        self.children = []
        self.clients = clients
        self.commands = []
        part, more = divmod(clients, board.crowd_count)
        first = 0
        for number in range(board.crowd_count):
            count = part + (1 if number < more else 0)
            options = ["--board", str(board.path), "--board-bytes", str(board.byte_count), "--number", str(number)]
            options += ["--first-client", str(first), "--clients", str(count), "--carrier", carrier]
            self.commands.append([program] + options)
            first += count

    def start(self):
        for number, command in enumerate(self.commands):
            with open(self.directory / f"crowd{number}.log", "wb") as log:
                self.children.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log))

    @property
    def process_ids(self):
        return [child.pid for child in self.children if child.poll() is None]

    def order(self, text):
        for number, child in enumerate(self.children):
            try:
                child.stdin.write(f"{text}\n".encode())
                child.stdin.flush()
            except OSError as error:
                raise RuntimeError(f"crowd {number} has ended: {self.last_words(number)}") from error

    def last_words(self, number):
        return (self.directory / f"crowd{number}.log").read_text(errors="replace")[-500:]

    def verify_alive(self):
        for number, child in enumerate(self.children):
            if child.poll() is not None:
                raise RuntimeError(f"crowd {number} ended with {child.returncode}: {self.last_words(number)}")

    def wait(self, is_done, seconds, what, say=None, every=0.05):
        """Until it is so; says how far it is every ten seconds."""
        begin = told = time.monotonic()
        while not is_done():
            now = time.monotonic()
            if now - begin > seconds:
                raise RuntimeError(f"{what}: not within {seconds:.0f} s")
            if say and now - told >= 10:
                told = now
                say(f"  {what}: {self.board.total('ready'):,} of {self.clients:,} ready")
                self.verify_alive()
            time.sleep(every)
        return time.monotonic() - begin

    def check(self):
        """Has every crowd hold each client against what was published; returns how much never came."""
        before = self.board.of_each("checks")
        self.order("check")
        self.wait(
            lambda: all(now > then for now, then in zip(self.board.of_each("checks"), before)),
            60,
            "the check of all clients",
        )
        return self.board.total("missing")

    def stop(self):
        for child in self.children:
            child.kill()
        for child in self.children:
            child.wait()
            child.stdin.close()
