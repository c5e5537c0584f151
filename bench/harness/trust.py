"""What a connect costs by what it shows: nothing, a token that is known, tokens that nobody has seen."""

import base64
import hashlib
import hmac
import json
import time

from . import generator

CONNECTS = 5_000
ROUNDS = 5
SECRET = b"a secret of the bench with more than 32 bytes"
KEY_NAME = "bench"


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
    rules = [{"channels": "open/*", "subscribe": "anyone"}, {"channels": "**", "subscribe": "users"}]
    file.write_text(json.dumps({"tokens": {"hmac": {KEY_NAME: SECRET.decode()}, "jwks": [str(keys)]}, "rules": rules}))
    return file


def connect(programs, server, channel, shown, cores):
    """What a connect takes: the node's CPU in microseconds, and how many there are a second when there are many at a time."""
    file = server.directory / "shown"
    file.write_text("".join(f"{token}\n" for token in shown))
    options = ["--connections", str(CONNECTS), "--channel-prefix", channel, "--seconds", "0", "--settle", "0"]
    options += ["--await-subscribed"] + (["--tokens", str(file)] if shown else [])
    found = generator.run(programs, server, options, cores)["connecting"]
    return found["serverMicrosecondsPerConnect"], CONNECTS / found["seconds"]


def measure(programs, server, cores):
    known, curve = token(Hmac(), "known"), server.curve
    found = {"nothing": [], "known": [], "unseen": []}
    for number in range(ROUNDS):
        unseen = [token(curve, f"user{number}-{each}") for each in range(CONNECTS)]
        found["nothing"].append(connect(programs, server, "open/bench", [], cores))
        found["known"].append(connect(programs, server, "closed", [known], cores))
        found["unseen"].append(connect(programs, server, "closed", unseen, cores))
    cost, rate = ({kind: middle(pair[at] for pair in all) for kind, all in found.items()} for at in (0, 1))
    return {
        "connect_alone": cost["nothing"],
        "known_times": cost["known"] / cost["nothing"],
        "unseen_times": cost["unseen"] / cost["nothing"],
        "connect_rate": rate["nothing"],
        "known_rate": rate["known"] / rate["nothing"],
        "unseen_rate": rate["unseen"] / rate["nothing"],
    }


def middle(values):
    return sorted(values)[ROUNDS // 2]
