"""The behaviours, each a coroutine function of an `Attacker`; importing this declares them."""

from ..behaviour import ALL
from . import bayeux, bodies, connections, history, lines, patterns, polls, publishing, sessions, streams, web_sockets
from .slow_http import end_children

__all__ = ["ALL", "bayeux", "bodies", "connections", "end_children", "history", "lines", "patterns", "polls"]
__all__ += ["publishing", "sessions", "streams", "web_sockets"]
