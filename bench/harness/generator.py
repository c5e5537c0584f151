"""The load generator: one run of `load`, and what it printed."""

import json
import subprocess
import time

from .process import on_cores


class Generator:
    """A run of `load` against a server, possibly beside another one."""

    def __init__(self, programs, server, options, cores=None, is_urgent=False):
        # Real-time priority where microseconds are measured: the generator sleeps nearly always, and must not wait for
        # a busy server's time slice when a delivery wakes it.
        urgent = ["chrt", "--fifo", "10"] if is_urgent else []
        self.command = urgent + on_cores(cores) + [programs.load] + addresses(server, options) + server.load_options + options
        self.child = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.progress = []

    def wait_until(self, progress):
        """Blocks until it says so on standard error."""
        for line in self.child.stderr:
            self.progress.append(line.strip())
            if line.startswith(progress):
                return
        raise RuntimeError("load ended: " + " / ".join(self.progress))

    def result(self):
        text, complaints = self.child.communicate(timeout=300)
        if self.child.returncode != 0:
            raise RuntimeError("load failed: " + " / ".join(self.progress) + complaints)
        result = json.loads(text)
        result["command"] = " ".join(self.command)
        return result

    def stop(self):
        if self.child.poll() is None:
            self.child.terminate()
            self.child.wait()


def addresses(server, options):
    """Who is spoken to; a case that gives nodes different parts names them itself."""
    found = ["--subscribe-path", server.subscribe_path, "--publish-path", server.publish_path]
    if "--subscribe" not in options:
        found += repeated("--subscribe", (f"127.0.0.1:{port}" for port in server.ports))
    found += repeated("--server-process", (process.id for process in server.processes))
    found += repeated("--auxiliary-process", server.auxiliary_ids)
    return found


def repeated(option, values):
    return [part for value in values for part in (option, str(value))]


def run(programs, server, options, cores=None, is_urgent=False):
    generator = Generator(programs, server, options, cores, is_urgent)
    try:
        return generator.result()
    finally:
        generator.stop()


def run_beside(programs, server, background_options, options, cores=None):
    """Measures while another generator keeps the server busy; returns both results."""
    background = Generator(programs, server, background_options, cores)
    try:
        background.wait_until("measuring")
        # The first seconds of a flood are its ramp.
        time.sleep(1)
        result = run(programs, server, options, cores, is_urgent=True)
        return result, background.result()
    finally:
        background.stop()
