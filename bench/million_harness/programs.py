"""What a run starts: built if it has to be."""

import os
from dataclasses import dataclass

from harness import build


@dataclass
class Programs:
    perseid: str
    crowd: str


def crowd():
    """CROWD_BINARY names one that is built already. Debian's Swift libraries are not shared with the nodes: their memory
    must not change because others run."""
    given = os.environ.get("CROWD_BINARY")
    if given:
        return given
    build.WORK.mkdir(exist_ok=True)
    build.compile_release(build.BENCH, "crowd", "--static-swift-stdlib")
    return str(build.BENCH / ".build" / "release" / "crowd")


def programs():
    return Programs(build.build_perseid(), crowd())
