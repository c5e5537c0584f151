"""WebSocket frames and requests as a hostile client makes them: by the thousand, so with a mask of zeros."""

import struct

CONTINUATION, TEXT, BINARY, CLOSE, PING = 0, 1, 2, 8, 9
FINAL, MASKED = 0x80, 0x80


def frame(payload=b"", opcode=TEXT, is_final=True):
    first = opcode | (FINAL if is_final else 0)
    count = len(payload)
    if count < 126:
        size = struct.pack("!BB", first, MASKED | count)
    elif count < 65_536:
        size = struct.pack("!BBH", first, MASKED | 126, count)
    else:
        size = struct.pack("!BBQ", first, MASKED | 127, count)
    return size + bytes(4) + payload


def command(kind, channel, **more):
    """A frame with a command; `more` is text that needs no escaping."""
    fields = {"type": kind, "channel": channel} | more
    return frame(("{" + ",".join(f'"{name}":"{value}"' for name, value in fields.items()) + "}").encode())


def get(target, **fields):
    return request("GET", target, **fields)


def upgrade(query):
    key = {"Sec_WebSocket_Version": 13, "Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ=="}
    return get(f"/ws?{query}", Connection="Upgrade", Upgrade="websocket", **key)


def post(target, body, **fields):
    return request("POST", target, content_length=len(body), **fields) + body


def request(method, target, **fields):
    lines = [f"{method} {target} HTTP/1.1", "Host: 127.0.0.1"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
    return "\r\n".join(lines + ["", ""]).encode()


def chunk(data):
    return b"%x\r\n%b\r\n" % (len(data), data)
