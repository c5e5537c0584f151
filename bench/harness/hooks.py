"""A backend that never answers: who waits for it, what they take, and whether others notice."""

import json
import pathlib
import subprocess
import sys
import time

from . import live
from .bayeux import memory
from .waiting_crowd import CONNECTS

TIMEOUT_MILLISECONDS = 1_000
SECONDS = 8


def settings(directory, port):
    """A file of settings with a hook for connects whose breaker never opens: every question waits."""
    file = directory / "perseid.yaml"
    hook = {"url": f"http://127.0.0.1:{port}/", "timeout": TIMEOUT_MILLISECONDS, "breaker-failures": 1_000_000}
    file.write_text(json.dumps({"hooks": {"connect": hook | {"requests": CONNECTS}}}))
    return file


def measure(server):
    port, node = server.ports[0], server.processes[0]
    quiet = live.late(port, port, SECONDS, is_secure=False)
    before = memory(node)
    # It stands for others' machines, and must not take the node's time.
    crowd = subprocess.Popen(
        ["nice", "-n", "19", sys.executable, "-m", "harness.waiting_crowd", str(port), str(SECONDS + 2)],
        cwd=pathlib.Path(__file__).parent.parent, stdout=subprocess.PIPE,
    )
    time.sleep(1)
    waited = live.late(port, port, SECONDS, is_secure=False)
    held = memory(node) - before
    refused, others = crowd.communicate()[0].split()
    return {
        "quiet": quiet,
        "beside": waited,
        "beside_times": waited / quiet,
        "refused_seconds": float(refused),
        "otherwise": int(others),
        "held": held / CONNECTS,
    }
