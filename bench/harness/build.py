"""Programs: what is installed, and what is built here."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

BENCH = Path(__file__).resolve().parent.parent
ROOT = BENCH.parent
WORK = BENCH / "work"

# nginx-light is the smallest nginx that loads modules; the libraries are what Perseid itself links.
PACKAGES = ["nginx-light", "libnginx-mod-nchan", "redis-server", "libhiredis-dev", "libsimdjson-dev", "liburing-dev"]
PACKAGES += ["libcurl4-openssl-dev", "libssl-dev", "openssl", "haproxy", "pkg-config", "python3-cryptography", "nghttp2-client"]


@dataclass
class Programs:
    floor: str
    load: str
    perseid: str | None


def say(text):
    print(text, file=sys.stderr, flush=True)


def is_installed(package):
    query = ["dpkg-query", "--show", "--showformat=${db:Status-Status}", package]
    return subprocess.run(query, capture_output=True, text=True).stdout == "installed"


def install_what_is_missing():
    missing = [package for package in PACKAGES if not is_installed(package)]
    if not missing:
        return
    say(f"installing {' '.join(missing)}")
    as_root = [] if os.geteuid() == 0 else ["sudo"]
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    subprocess.run(as_root + ["apt-get", "update", "-q"], check=True, env=environment)
    # Only the programs are wanted: the packages' own services would occupy ports and cores.
    settings = ["-o", "Dpkg::Options::=--force-confold", "--no-install-recommends", "-y", "-q"]
    subprocess.run(as_root + ["apt-get", "install"] + settings + missing, check=True, env=environment)


def build(with_perseid):
    WORK.mkdir(exist_ok=True)
    for product in ["floor", "load"]:
        # PSS divides a page of a library by those who map it: a generator that shared Swift's with a server would
        # change the server's memory just by running.
        compile_release(BENCH, product, "--static-swift-stdlib")
    perseid = build_perseid() if with_perseid else None
    binaries = BENCH / ".build" / "release"
    return Programs(str(binaries / "floor"), str(binaries / "load"), perseid)


def build_perseid():
    """PERSEID_BINARY names one that is built already."""
    given = os.environ.get("PERSEID_BINARY")
    if given:
        return given
    compile_release(ROOT, "perseid")
    return str(ROOT / ".build" / "release" / "perseid")


def compile_release(package, product, *options):
    say(f"building {product}")
    command = ["swift", "build", "-c", "release", "--product", product] + list(options)
    outcome = subprocess.run(command, cwd=package, capture_output=True, text=True)
    if outcome.returncode != 0:
        say(outcome.stdout + outcome.stderr)
        raise SystemExit(f"{product} does not build")
