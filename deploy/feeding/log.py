"""The lines of the system's log as they come."""

import collections
import json
import os
import select
import subprocess
import threading
import time

from feeding.publisher import milliseconds_now, say

LINE_LENGTH_MAX = 1_000  # characters; the rest of a longer line is cut off
LINES_PER_SECOND = 20
LINES_BURST = 40
LINES_WAITING_MAX = 200  # beyond it the oldest are left out, and counted
LINES_AT_START = 10  # how far back to begin, so that the log is not empty at first

BACKOFF_SECONDS_MIN = 0.25

children = []


def log_source():
    """Where the log can be read: its name and a generator of (time, line)."""
    if is_current("/var/log/syslog"):
        return "syslog", follow_file("/var/log/syslog")
    if journal_is_readable():
        return "journal", follow_journal()
    try:
        device = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
        read_kernel_records(device, 1)  # opening may be allowed where reading is not
        os.lseek(device, 0, os.SEEK_SET)
        return "kernel", follow_kernel(device)
    except OSError:
        return None, iter(())


def is_current(path):
    """Whether the file can be read and somebody has written to it within a day: it may be left from a former logger."""
    try:
        return os.access(path, os.R_OK) and time.time() - os.stat(path).st_mtime < 86_400
    except FileNotFoundError:
        return False


def follow_file(path):
    """Follows a file by its name: a rotated one is read to its end, then the new one from its start."""
    file = open(path, "rb")
    file.seek(max(os.fstat(file.fileno()).st_size - 16_384, 0))
    for line in file.read().splitlines()[-LINES_AT_START:]:
        yield milliseconds_now(), decoded(line)
    rest = b""
    while True:
        # Asked before reading, so that nothing written to the old file is missed.
        is_rotated = has_successor(file, path)
        piece = file.read(65_536)
        if piece:
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                yield milliseconds_now(), decoded(line)
            rest = rest[: 4 * LINE_LENGTH_MAX]
        elif is_rotated:
            file.close()
            file, rest = open(path, "rb"), b""
        else:
            if os.fstat(file.fileno()).st_size < file.tell():
                file.seek(0)  # cut off and begun again
            time.sleep(0.5)


def has_successor(file, path):
    try:
        return os.stat(path).st_ino != os.fstat(file.fileno()).st_ino
    except FileNotFoundError:
        return False  # between the old and the new one


def journal_is_readable():
    try:
        command = ["journalctl", "--quiet", "--lines=1", "--output=cat"]
        return bool(subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=10).stdout.strip())
    except (OSError, subprocess.TimeoutExpired):
        return False


def follow_journal():
    command = ["journalctl", "--quiet", "--follow", f"--lines={LINES_AT_START}", "--output=json"]
    command.append("--output-fields=MESSAGE,SYSLOG_IDENTIFIER,_COMM")
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    children.append(child)
    for text in child.stdout:
        try:
            entry = json.loads(text)
        except ValueError:
            continue
        message = entry.get("MESSAGE")
        if isinstance(message, list):  # how the journal writes what is not UTF-8
            message = decoded(bytes(byte for byte in message if isinstance(byte, int)))
        if not isinstance(message, str):
            continue
        name = entry.get("SYSLOG_IDENTIFIER") or entry.get("_COMM")
        stamp = int(entry.get("__REALTIME_TIMESTAMP", 0)) // 1_000 or milliseconds_now()
        yield stamp, f"{name}: {message}" if isinstance(name, str) else message


def follow_kernel(device):
    records = collections.deque(maxlen=LINES_AT_START)
    while piece := read_kernel_records(device, 1_000):
        records.extend(piece)
    poller = select.poll()
    poller.register(device, select.POLLIN)
    while True:
        yield from filter(None, map(kernel_line, records))
        poller.poll()
        records = read_kernel_records(device, 100)


def read_kernel_records(device, count_max):
    """The records that are there already, `count_max` at most."""
    records = []
    while len(records) < count_max:
        try:
            records.append(os.read(device, 16_384))  # each read gives one record
        except BlockingIOError:
            break
        except BrokenPipeError:
            continue  # overwritten before we came to it; the next read gives the oldest there is
    return records


def kernel_line(record):
    """From `priority,sequence,microseconds,flags;text`, with further fields on lines of their own."""
    head, found, text = record.split(b"\n", 1)[0].partition(b";")
    fields = head.split(b",")
    if not found or len(fields) < 3:
        return None
    since_start = int(fields[2]) / 1e6
    start = time.time() - time.clock_gettime(time.CLOCK_MONOTONIC)
    return round(1_000 * (start + since_start)), "kernel: " + decoded(text)


def decoded(line):
    return line.decode("utf-8", "replace").rstrip("\r\n")


class LogTail:
    """Reads the log in a thread of its own and keeps what is still to be published, within bounds."""

    def __init__(self):
        self.source, self.lines = log_source()
        self.condition = threading.Condition()
        self.waiting = collections.deque()
        self.left_out = 0
        self.tokens = float(LINES_BURST)
        self.tokens_time = time.monotonic()
        self.pending = None

    def start(self):
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        try:
            for stamp, line in self.lines:
                line = line.strip()
                if not line:
                    continue
                if len(line) > LINE_LENGTH_MAX:
                    line = line[: LINE_LENGTH_MAX - 1] + "…"
                self._put(stamp, line)
            if self.source:
                say(f"the {self.source} log has ended; no more lines from it")
        except OSError as error:
            say(f"cannot read the {self.source} log any more: {error}")

    def _put(self, stamp, line):
        with self.condition:
            if len(self.waiting) >= LINES_WAITING_MAX:
                self.waiting.popleft()
                self.left_out += 1
            self.waiting.append({"time": stamp, "source": self.source, "line": line})
            self.condition.notify()

    def wait(self, seconds):
        """Until there is a line, or so long."""
        with self.condition:
            if not self.waiting:
                self.condition.wait(seconds)

    def publish(self, publisher):
        """Publishes a line; says how long there is nothing to do here, which is None where there is no line."""
        clock = time.monotonic()
        grown = self.tokens + LINES_PER_SECOND * (clock - self.tokens_time)
        self.tokens, self.tokens_time = min(grown, float(LINES_BURST)), clock
        if self.tokens < 1:
            return (1 - self.tokens) / LINES_PER_SECOND
        self.pending = self.pending or self._take(publisher.next_key())
        if not self.pending:
            return None
        if not publisher.publish("host/log", *self.pending):
            return max(publisher.next_attempt() - clock, BACKOFF_SECONDS_MIN)
        self.pending = None
        self.tokens -= 1
        return 0

    def _take(self, key):
        with self.condition:
            if self.left_out:
                line = f"… {self.left_out} lines left out: there were more than can be shown"
                self.left_out = 0
                return {"time": milliseconds_now(), "source": self.source, "line": line}, key
            return (self.waiting.popleft(), key) if self.waiting else None
