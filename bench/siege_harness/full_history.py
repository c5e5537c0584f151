"""A channel full of what is six times as large in JSON: it is there before the siege, for it is nobody's connection."""

from chaos_harness.http_request import HTTPConnection

CHANNEL = "full"
PUBLICATIONS = 100
# Control characters: each is six bytes (\u0001) in JSON.
PAYLOAD = b"\x01" * 65_536


async def fill(port):
    connection = HTTPConnection(port)
    try:
        for _ in range(PUBLICATIONS):
            answer = await connection.request("POST", f"/channels/{CHANNEL}", {"Content-Type": "text/plain"}, PAYLOAD)
            if answer.status != 200:
                raise RuntimeError(f"a channel cannot be filled: status {answer.status}")
    finally:
        connection.close()
