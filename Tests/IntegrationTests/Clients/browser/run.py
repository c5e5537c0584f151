#!/usr/bin/env python3
"""Runs the cases in one browser. The first argument is an object of JSON:

nodes: ports of two nodes, "a" and "b", that the test kills and starts when a line of output asks it to
site, foreign: sites of pages that nodes list, and do not; both are served here, at the port `page`
secure: address of a node with TLS;  guarded: address of a node with the key `secret`, for tokens
kills: how often a node is killed;  cases: which, if not all

A line of output for each case: its name, what is wrong with it if anything is, seconds, and facts.
"""

import base64
import hashlib
import hmac
import json
import sys
import time
import traceback

import cases
from browser import Browser
from cluster import Cluster, site


def token(secret, seconds):
    def part(value):
        return base64.urlsafe_b64encode(value).rstrip(b"=")

    claims = {"sub": "alice", "exp": int(time.time()) + seconds}
    text = part(b'{"alg":"HS256","typ":"JWT"}') + b"." + part(json.dumps(claims).encode())
    return (text + b"." + part(hmac.digest(secret.encode(), text, hashlib.sha256))).decode()


def main():
    facts = json.loads(sys.argv[1])
    # The first ends in the middle of the case.
    facts["tokens"] = lambda: [token(facts["secret"], 4), token(facts["secret"], 60), token(facts["secret"], 60)]
    site(facts["page"])
    cluster = Cluster(facts["nodes"])
    browser = Browser()
    try:
        for case in cases.ALL:
            if facts.get("cases") and case.__name__ not in facts["cases"]:
                continue
            start = time.monotonic()
            told = {"case": case.__name__}
            try:
                told["facts"] = case(browser, cluster, facts)
            except Exception:
                told["failure"] = traceback.format_exc()
            told["seconds"] = round(time.monotonic() - start, 1)
            print(json.dumps(told), flush=True)
    finally:
        browser.close()


main()
