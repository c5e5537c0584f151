"""The behaviours, each a coroutine function of an `Attacker`; importing this declares them."""

from ..behaviour import ALL
from . import bodies, connections, history, lines, polls, publishing, sessions, streams, web_sockets
from .slow_http import end_children

__all__ = ["ALL", "bodies", "connections", "end_children", "history", "lines", "polls", "publishing", "sessions", "streams"]
__all__ += ["web_sockets"]
