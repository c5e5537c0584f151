#!/usr/bin/env python3
"""Has a shell complete the words of `perseid`, in a terminal, as somebody who types them.

completion.py SHELL SCRIPT PERSEID: the script as `perseid --generate-completion-script` writes it, and the program; the script is put where README
says, below a home of its own.
"""

import os
import pathlib
import pty
import re
import select
import shutil
import signal
import sys
import tempfile
import time

# What is typed, and what the line is once Tab has been pressed.
WORDS = [
    ("perseid subsc", "perseid subscribe"),
    ("perseid serve --log-lev", "perseid serve --log-level"),
    ("perseid subscribe --transport web", "perseid subscribe --transport webSocket"),
    ("perseid serve --log-level warn", "perseid serve --log-level warning"),
    ("perseid check publi", "perseid check publish"),
    ("perseid redis inst", "perseid redis install"),
]

# How a shell is started without the files of whoever runs the tests, where its script goes, and what it is told first.
SHELLS = {
    "bash": (["bash", "--noprofile", "--norc", "-i"], "bash_completion.d/perseid", "source ~/bash_completion.d/perseid"),
    "zsh": (["zsh", "-f", "-i"], "site-functions/_perseid", "fpath=(~/site-functions $fpath); autoload -Uz compinit; compinit -u"),
    "fish": (["fish", "-i"], ".config/fish/completions/perseid.fish", ""),
}


class Shell:
    def __init__(self, name, home, directory):
        command, _, first = SHELLS[name]
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.chdir(home)
            path = f"{directory}:/usr/local/bin:/usr/bin:/bin"
            os.execvpe(command[0], command, {"HOME": home, "PATH": path, "TERM": "xterm", "LANG": "C.UTF-8"})
        self.text = ""
        self.type(f"{first}; echo rea''dy\r")
        self.wait("ready")

    def type(self, keys):
        self.text = ""
        os.write(self.terminal, keys.encode())

    def wait(self, words, seconds=60):
        """Waits until words are on the screen, without what only paints them."""
        end = time.monotonic() + seconds
        while words not in self.seen():
            if time.monotonic() > end or not select.select([self.terminal], [], [], end - time.monotonic())[0]:
                raise AssertionError(f"not seen: {words!r}; {self.text!r}")
            self.text += os.read(self.terminal, 65_536).decode(errors="replace")

    def seen(self):
        return re.sub(r"\x1b(\[[0-9;?]*[ -/]*[@-~]|\][^\x07]*\x07|[()=>].?)", "", self.text)

    def close(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


def main():
    name, script, program = sys.argv[1:]
    with tempfile.TemporaryDirectory() as home:
        place = pathlib.Path(home, SHELLS[name][1])
        place.parent.mkdir(parents=True)
        shutil.copy(script, place)
        shell = Shell(name, home, os.path.dirname(program))
        try:
            for typed, completed in WORDS:
                shell.type(f"{typed}\t")
                # The shell may paint only what it adds, and a space behind it.
                shell.wait(completed.removeprefix(typed))
                # The line as it is then, without being run.
                shell.type("\x01echo '[\x05]'\r")
                shell.wait(f"[{completed}")
        finally:
            shell.close()


main()
