#!/usr/bin/env python3
"""Runs `perseid top` in a terminal of its own, changes its size, and looks at what is drawn.

Says `drawn` once both nodes are, waits for a line that tells that one was killed, and fails if anything is not as it must be.
"""

import fcntl
import os
import pty
import re
import signal
import struct
import sys
import termios
import time


def resize(terminal, width, height):
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))


def lines(frame):
    """What is seen of a frame."""
    return [re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", line).rstrip() for line in frame.split("\r\n")]


class Screen:
    def __init__(self, terminal):
        self.terminal, self.text = terminal, ""

    def read(self):
        try:
            self.text += os.read(self.terminal, 65_536).decode()
        except OSError:
            return False
        return True

    def wait(self, what, is_so, seconds=90):
        """The newest whole frame of which something is so."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.read():
            frames = self.text.split("\x1b[H")[1:]
            for frame in reversed(frames[-4:]):
                if frame.endswith("\x1b[J") and is_so(lines(frame)):
                    return lines(frame)
        raise AssertionError(f"not seen: {what}; {lines(self.text[-3000:])}")


def main():
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(sys.argv[1], sys.argv[1:])
    resize(terminal, 80, 24)
    screen = Screen(terminal)
    frame = screen.wait("both nodes", lambda all: any(line.startswith("b ") for line in all) and "all is well" in all)
    assert "\x1b[?1049h" in screen.text and "\x1b[?25l" in screen.text
    assert len(frame) <= 24 and all(len(line) <= 80 for line in frame), frame
    assert "MEM" in "".join(frame) and "REDIS" in "".join(frame), frame
    resize(terminal, 50, 8)
    frame = screen.wait("a small frame", lambda all: len(all) <= 8 and max(map(len, all)) <= 50)
    assert frame[0].startswith("Perseid"), frame
    resize(terminal, 200, 50)
    print("drawn", flush=True)
    sys.stdin.readline()
    screen.wait("the node that was killed", lambda all: any("!! b is silent" in line for line in all))
    os.kill(pid, signal.SIGINT)
    while screen.read():
        pass
    assert screen.text.rstrip().endswith("\x1b[?25h\x1b[?1049l"), screen.text[-200:]
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0, status


main()
