"""One redis-server, which is killed, stopped and started again under the same port and with the same files."""

from .child import Child, eventually, free_port
from .redis_client import RedisClient, RedisError


class Redis:
    """Redis that loses nothing it has acknowledged, however it ends; or one that is never to end, in memory."""

    def __init__(self, directory, is_durable=True, prefix=(), name="redis", options=()):
        self.name = name
        self.port = free_port()
        self.directory = directory
        self.is_durable = is_durable
        # Of its command line: where it is to run.
        self.prefix = list(prefix)
        self.options = list(options)
        self.child = None

    @property
    def command_line(self):
        words = ["redis-server", "--port", self.port, "--bind", "127.0.0.1", "--dir", self.directory, "--save", ""]
        if self.is_durable:
            # By default Redis may put off writing its log for two seconds, and publish what it has not written.
            words += ["--appendonly", "yes", "--appendfsync", "always"]
            # A server that stands beside others has files of its own.
            words += ["--appenddirname", f"{self.name}-log", "--dbfilename", f"{self.name}.rdb"]
        return self.prefix + words + self.options

    async def start(self):
        self.child = await Child.start(self.name, self.command_line, self.directory / f"{self.name}.log")
        await eventually(f"{self.name} answers", self.answers, child=self.child)

    async def command(self, *words):
        """Over a connection of its own, as somebody at a terminal asks."""
        client = RedisClient(self.port)
        try:
            return await client.command(*words)
        finally:
            client.close()

    async def answers(self):
        try:
            return await self.command("PING") == "PONG"
        except (OSError, EOFError, RedisError):
            return False

    async def facts(self, section):
        """What INFO says."""
        lines = (await self.command("INFO", section)).splitlines()
        return dict(line.split(":", 1) for line in lines if ":" in line)

    async def end(self, number):
        """Sends it a signal that it ends by."""
        self.child.signal(number)
        await self.child.process.wait()
