"""Polls that are answered with a script."""

import json

from .poll import Poll

BEFORE, BEHIND = b"/**/take(", b");\n"


class JSONP(Poll):
    def query(self):
        return super().query() + [("callback", "take")]

    def understand(self, body):
        if not body.startswith(BEFORE) or not body.endswith(BEHIND):
            raise ValueError("not a call")
        answer = json.loads(body.removeprefix(BEFORE).removesuffix(BEHIND))
        if "error" in answer:
            # A page sees no other status.
            self.client.refused(answer["error"]["code"])
            self.end(f"status {answer['error']['code']}")
            return None
        return answer
