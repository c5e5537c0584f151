"""The machine: what it is, what runs on it, and how quiet it was."""

import os
import platform
import re
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from .build import ROOT


def output(command, **options):
    try:
        done = subprocess.run(command, capture_output=True, text=True, **options)
    except FileNotFoundError:
        return ""
    return (done.stdout + done.stderr).strip()


def package_version(package):
    return output(["dpkg-query", "--show", "--showformat=${Version}", package]) or "unknown"


def processor():
    found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return found.group(1) if found else platform.machine()


def memory_gibibytes():
    kibibytes = int(re.search(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text()).group(1))
    return kibibytes / 1024**2


def busy_share(seconds=2.0):
    """How much of all cores others use before anything of ours runs."""

    def times():
        fields = [int(field) for field in Path("/proc/stat").read_text().splitlines()[0].split()[1:]]
        return sum(fields), fields[3] + fields[4]

    total, idle = times()
    time.sleep(seconds)
    later_total, later_idle = times()
    return 1 - (later_idle - idle) / max(1, later_total - total)


def commit():
    revision = output(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT)
    changed = output(["git", "status", "--porcelain", "--untracked-files=no"], cwd=ROOT)
    return revision + (" with uncommitted changes" if changed else "")


@dataclass
class Machine:
    facts: list[tuple[str, str]] = field(default_factory=list)

    @classmethod
    def here(cls, programs):
        facts = [
            ("date", time.strftime("%Y-%m-%d %H:%M")),
            ("machine", f"{processor()}, {os.cpu_count()} cores, {memory_gibibytes():.0f} GiB, loopback only"),
            ("kernel", platform.release()),
            ("system", output(["sh", "-c", ". /etc/os-release; echo $PRETTY_NAME"])),
            ("Swift", output(["swift", "--version"]).splitlines()[0]),
            ("nginx, nchan", f"{package_version('nginx-light')}, {package_version('libnginx-mod-nchan')}"),
            ("Redis", package_version("redis-server")),
            ("commit", commit()),
            ("perseid", output([programs.perseid, "version"]) if programs.perseid else "not measured"),
            ("used by others at the start", f"{busy_share():.0%} of all cores"),
        ]
        return cls(facts)
