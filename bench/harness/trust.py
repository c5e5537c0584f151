"""What a connect costs by what it shows: nothing, a token that is known, tokens that nobody has seen."""

import base64
import contextlib
import hashlib
import hmac
import json
import socket
import time

from .polls import HANDSHAKE, processor_seconds

CONNECTS = 2_000
ROUNDS = 5
SECRET = b"a secret of the bench with more than 32 bytes"
KEY_NAME = "bench"
END_OF_OPENING = b'"position":"0-0"}'


def encoded(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Hmac:
    algorithm = "HS256"

    def sign(self, text):
        return hmac.new(SECRET, text, hashlib.sha256).digest()


class Curve:
    """ES256; needs Python's cryptography."""

    algorithm = "ES256"

    def __init__(self):
        try:
            from cryptography.hazmat.primitives import hashes
            from cryptography.hazmat.primitives.asymmetric import ec, utils
        except ImportError as error:
            raise RuntimeError("Python's cryptography is missing (python3-cryptography)") from error

        self.hash, self.decode = ec.ECDSA(hashes.SHA256()), utils.decode_dss_signature
        self.key = ec.generate_private_key(ec.SECP256R1())

    def sign(self, text):
        r, s = self.decode(self.key.sign(text, self.hash))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    def jwks(self):
        numbers = self.key.public_key().public_numbers()
        x, y = (encoded(number.to_bytes(32, "big")) for number in (numbers.x, numbers.y))
        return {"keys": [{"kty": "EC", "crv": "P-256", "kid": KEY_NAME, "x": x, "y": y}]}


def token(signer, user):
    header = {"alg": signer.algorithm, "typ": "JWT", "kid": KEY_NAME}
    claims = {"sub": user, "exp": int(time.time()) + 3_600}
    text = f"{encoded(json.dumps(header).encode())}.{encoded(json.dumps(claims).encode())}"
    return f"{text}.{encoded(signer.sign(text.encode()))}"


def settings(directory, curve):
    """A file of settings with rules and both kinds of keys."""
    keys = directory / "keys.json"
    keys.write_text(json.dumps(curve.jwks()))
    file = directory / "perseid.yaml"
    rules = [{"channels": "open", "subscribe": "anyone"}, {"channels": "**", "subscribe": "users"}]
    file.write_text(json.dumps({"tokens": {"hmac": {KEY_NAME: SECRET.decode()}, "jwks": [str(keys)]}, "rules": rules}))
    return file


def connect(port, channel, shown):
    connection = socket.create_connection(("127.0.0.1", port))
    target = f"/ws?channel={channel}&session=none" + (f"&access_token={shown}" if shown else "")
    connection.sendall(f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{HANDSHAKE}\r\n".encode())
    told = b""
    while not told.endswith(END_OF_OPENING):
        told += connection.recv(4_096)
    return connection


def cost(server, channel, tokens):
    """Server CPU in microseconds of a connect."""
    port, process = server.ports[0], server.processes[0]
    spent = processor_seconds(process)
    with contextlib.ExitStack() as stack:
        for shown in tokens:
            stack.enter_context(connect(port, channel, shown))
        return (processor_seconds(process) - spent) * 1e6 / len(tokens)


def measure(server):
    known, curve = token(Hmac(), "known"), server.curve
    found = {"nothing": [], "known": [], "unseen": []}
    for number in range(ROUNDS):
        unseen = [token(curve, f"user{number}-{each}") for each in range(CONNECTS)]
        found["nothing"].append(cost(server, "open", [None] * CONNECTS))
        found["known"].append(cost(server, "closed", [known] * CONNECTS))
        found["unseen"].append(cost(server, "closed", unseen))
    middle = {kind: sorted(costs)[ROUNDS // 2] for kind, costs in found.items()}
    return {
        "connect_alone": middle["nothing"],
        "known_times": middle["known"] / middle["nothing"],
        "unseen_times": middle["unseen"] / middle["nothing"],
    }
