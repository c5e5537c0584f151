"""The nodes that the test started, as the cases see them: by HTTP, and by asking the test to kill one."""

import http.client
import http.server
import json
import sys
import threading
import time


class Cluster:
    def __init__(self, ports):
        self.ports = ports
        self.numbers = {}

    def url(self, node=0):
        return f"http://127.0.0.1:{self.ports[node]}"

    def ask(self, method, path, body=None, node=0, headers={}):
        connection = http.client.HTTPConnection("127.0.0.1", self.ports[node], timeout=30)
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        if answer.status >= 400:
            raise AssertionError(f"{method} {path}: {answer.status} {text}")
        return answer, text

    def publish(self, channel, *values, node=0):
        """Publishes values, each as JSON, in one request."""
        lines = "".join(json.dumps({"channel": channel, "data": value}) + "\n" for value in values)
        _, text = self.ask("POST", "/publish", lines, node=node)
        assert text.count('"position"') == len(values), text

    def subscribers(self, channel):
        return json.loads(self.ask("GET", f"/channels/{channel}")[1])["subscribers"]

    def wait_for_subscribers(self, channel, count):
        end = time.monotonic() + 90
        while self.subscribers(channel) != count:
            assert time.monotonic() < end, f"{self.subscribers(channel)} subscribers of {channel}, not {count}"
            time.sleep(0.05)

    def kill(self, node):
        self._order("kill", node)

    def start(self, node):
        self._order("start", node)

    @staticmethod
    def _order(what, node):
        print(json.dumps({"do": what, "node": node}), flush=True)
        assert sys.stdin.readline().strip() == "done"


class Publisher:
    """Publishes numbers, one after the other, at whichever node answers, until it is stopped."""

    def __init__(self, cluster, channel, milliseconds=20):
        self.count = 0
        self.is_over = False
        self.thread = threading.Thread(target=self._publish, args=(cluster, channel, milliseconds / 1000))
        self.thread.start()

    def _publish(self, cluster, channel, pause):
        node = 0
        while not self.is_over:
            # Who asks again with the same key publishes once.
            key = {"Idempotency-Key": f"{channel}-{self.count}", "Content-Type": "application/json"}
            try:
                cluster.ask("POST", f"/channels/{channel}", str(self.count), node, key)
                self.count += 1
            except (OSError, http.client.HTTPException, AssertionError):
                node = (node + 1) % len(cluster.ports)
            time.sleep(pause)

    def stop(self):
        self.is_over = True
        self.thread.join()
        return self.count


def site(port):
    """Serves an empty page: another site than the nodes'."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><link rel=icon href=data:,><title>site</title>")

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
