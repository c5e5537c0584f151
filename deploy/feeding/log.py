"""The lines of the system's log as they come."""

import shutil
import subprocess
import time
import uuid

from feeding.publisher import milliseconds_now, say

CHANNEL = "host/log"
LINE_LENGTH_MAX = 1_000  # characters; the rest of a longer line is cut off
PAUSE_SECONDS = 0.05  # behind each line: twenty a second are what somebody can follow

# The first that is there and says anything. How far back it begins: ten lines, so that the page is not empty at first.
SOURCES = [
    ["tail", "--follow=name", "--retry", "--lines=10", "/var/log/syslog"],
    ["journalctl", "--quiet", "--follow", "--lines=10", "--output=cat"],
    ["dmesg", "--follow-new", "--notime"],
]
# A command without `--follow` that says whether there is anything.
TRIALS = [
    ["tail", "--lines=1", "/var/log/syslog"],
    ["journalctl", "--quiet", "--lines=1", "--output=cat"],
    ["dmesg", "--notime"],
]

children = []


def says_anything(command):
    try:
        tried = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return tried.returncode == 0 and tried.stdout.strip() != b""


def find_source():
    return next((source for source, trial in zip(SOURCES, TRIALS) if shutil.which(trial[0]) and says_anything(trial)), None)


def run(publisher):
    """Publishes each line. What the pipe does not hold while nobody takes any waits in the log."""
    source = find_source()
    if not source:
        return say(f"no log can be read here, so nothing is published in {CHANNEL}")
    child = subprocess.Popen(source, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    children.append(child)
    for line in child.stdout:
        text = line.decode("utf-8", "replace").strip()[:LINE_LENGTH_MAX]
        if not text:
            continue
        value, key = {"time": milliseconds_now(), "line": text}, str(uuid.uuid4())
        while not publisher.publish(CHANNEL, value, key):
            time.sleep(PAUSE_SECONDS)
        time.sleep(PAUSE_SECONDS)
