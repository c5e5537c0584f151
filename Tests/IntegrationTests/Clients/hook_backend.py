"""A backend of hooks on the port it is given. It lets everybody in, as the user that the first channel names behind its slash, and
prints what it is told of who is gone, a line of JSON each. While `hold` was the last line of standard input it answers nothing of that;
`go` has it answer what waits and what comes."""

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

may_answer = threading.Event()
may_answer.set()


class Backend(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer = {"allow": True}
        if body["hook"] == "connect":
            channels = body.get("channels") or ["room/nobody"]
            answer.update(user=channels[0].split("/")[-1], info={"seat": 7})
        else:
            sys.stdout.write(json.dumps(body) + "\n")
            sys.stdout.flush()
            may_answer.wait()
        text = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *arguments):
        pass


def take_orders():
    for line in sys.stdin:
        may_answer.set() if line.strip() == "go" else may_answer.clear()


ThreadingHTTPServer.request_queue_size = 256
ThreadingHTTPServer.daemon_threads = True
threading.Thread(target=take_orders, daemon=True).start()
ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Backend).serve_forever()
