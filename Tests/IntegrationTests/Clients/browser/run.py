#!/usr/bin/env python3
"""Runs cases in a browser, or in several. The first argument is an object of JSON:

module: the cases, "cases" if it is not said;  browsers: how many they want, one if it is not said
nodes: ports of nodes, "a", "b" and so on, that the test kills and starts when a line of output asks it to
cases: which, if not all

of "cases"
site, foreign: sites of pages that nodes list, and do not; both are served here, at the port `page`
secure: address of a node with TLS;  guarded: address of a node with the key `secret`, for tokens
kills: how often a node is killed

of "demo_…"
site: address of a balancer in front of the nodes;  closed: address of a node whose rules let nobody have the demos
feed: the program that publishes what they show;  pictures: directory for pictures of them

A line of output for each case: its name, what is wrong with it if anything is, seconds, and facts.
"""

import base64
import hashlib
import hmac
import importlib
import json
import sys
import time
import traceback

from browser import Browser
from cluster import Cluster, site

# How long the token is good that ends in the middle of a case: longer than a busy machine takes to open a page with it.
SHORT_SECONDS = 10


def token(secret, seconds):
    def part(value):
        return base64.urlsafe_b64encode(value).rstrip(b"=")

    claims = {"sub": "alice", "exp": int(time.time()) + seconds}
    text = part(b'{"alg":"HS256","typ":"JWT"}') + b"." + part(json.dumps(claims).encode())
    return (text + b"." + part(hmac.digest(secret.encode(), text, hashlib.sha256))).decode()


def main():
    facts = json.loads(sys.argv[1])
    cases = importlib.import_module(facts.get("module", "cases"))
    # The first ends in the middle of the case, which lasts longer than that.
    facts["shortSeconds"] = SHORT_SECONDS
    facts["tokens"] = lambda: [token(facts["secret"], seconds) for seconds in (SHORT_SECONDS, 60, 60)]
    if "page" in facts:
        site(facts["page"])
    cluster = Cluster(facts["nodes"])
    browsers = [Browser() for _ in range(facts.get("browsers", 1))]
    try:
        for case in cases.ALL:
            if facts.get("cases") and case.__name__ not in facts["cases"]:
                continue
            start = time.monotonic()
            told = {"case": case.__name__}
            try:
                told["facts"] = case(*browsers, cluster, facts)
            except Exception:
                told["failure"] = traceback.format_exc()
            told["seconds"] = round(time.monotonic() - start, 1)
            print(json.dumps(told), flush=True)
    finally:
        for browser in browsers:
            browser.close()


main()
