"""Runs the services of a compose file in network and mount namespaces of their own, where no container engine can run.

Each service has a root made from its image, an address, and the names of the others in its /etc/hosts. It runs as the user that its image
or the file names, without more rights than it is left there. What the file says and this does not know is an error, so that nothing of the
file passes untried. As root, inside of `unshare --mount --net --pid`.
"""

import re
import resource
import signal
import subprocess
import time
from pathlib import Path

import yaml

KNOWN = {
    "build", "cap_drop", "command", "depends_on", "environment", "image", "ports", "read_only", "restart", "security_opt",
    "stop_grace_period", "ulimits", "volumes",
}  # fmt: skip
SECONDS = re.compile(r"(\d+)s")
REQUIRED = re.compile(r"\$\{(\w+):\?[^}]*\}")
# Of a network that is seen in here alone.
NETWORK = "10.9.0"


def read(path, variables):
    """The services of a file, in the order of their start; `variables` are what a shell would have in its environment."""
    text = REQUIRED.sub(lambda found: variables[found[1]], path.read_text())
    if "${" in text:
        raise ValueError(f"{path}: a variable in a form that is not known here")
    services = yaml.safe_load(text)["services"]
    for name, service in services.items():
        if unknown := service.keys() - KNOWN:
            raise ValueError(f"{path}: {name}: not known here: {', '.join(sorted(unknown))}")
    order = []
    while len(order) < len(services):
        ready = [each for each in services if each not in order and set(services[each].get("depends_on", [])) <= set(order)]
        if not ready:
            raise ValueError(f"{path}: services wait for each other")
        order += ready
    return {name: services[name] for name in order}


def run(*command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


class Network:
    """A bridge, and what is named in /etc/hosts of all."""

    def __init__(self, names):
        self.addresses = {name: f"{NETWORK}.{place}" for place, name in enumerate(names, 2)}
        self.hosts = "127.0.0.1 localhost\n" + "".join(f"{address} {name}\n" for name, address in self.addresses.items())
        # `ip netns` keeps names there, which would outlive this.
        Path("/run/netns").mkdir(exist_ok=True)
        run("mount", "-t", "tmpfs", "tmpfs", "/run/netns")
        run("ip", "link", "set", "lo", "up")
        run("ip", "link", "add", "bridge", "type", "bridge")
        run("ip", "address", "add", f"{NETWORK}.1/24", "dev", "bridge")
        run("ip", "link", "set", "bridge", "up")
        for name, address in self.addresses.items():
            run("ip", "netns", "add", name)
            run("ip", "link", "add", f"v-{name}", "type", "veth", "peer", "name", "eth0", "netns", name)
            run("ip", "link", "set", f"v-{name}", "master", "bridge", "up")
            run("ip", "-n", name, "address", "add", f"{address}/24", "dev", "eth0")
            run("ip", "-n", name, "link", "set", "eth0", "up")
            run("ip", "-n", name, "link", "set", "lo", "up")


class Service:
    """A service: `root` is a copy of its image's files, `image` the image's configuration."""

    def __init__(self, name, told, image, root, network, directory):
        self.name, self.told, self.image, self.root = name, told, image, root
        self.address = network.addresses[name]
        self.process = None
        self.log = directory / f"{name}.log"
        (root / "etc/hosts").write_text(network.hosts)
        for volume in told.get("volumes", []):
            self.mount(directory, *volume.split(":"))
        if told.get("read_only"):
            run("mount", "--bind", root, root)
            run("mount", "-o", "remount,bind,ro", root)
        run("mount", "-t", "proc", "proc", root / "proc")
        run("mount", "--rbind", "--make-rslave", "/dev", root / "dev")

    def mount(self, directory, source, target, mode="rw"):
        place = self.root / target.lstrip("/")
        if source.startswith("."):
            place.parent.mkdir(parents=True, exist_ok=True)
            place.touch()
            # As compose does, from the file's directory.
            source = Path(__file__).parent.parent / source
        else:
            place.mkdir(parents=True, exist_ok=True)
            source = directory / f"volume-{source}"
            source.mkdir()
        run("mount", "--bind", source, place)
        if mode == "ro":
            run("mount", "-o", "remount,bind,ro", place)

    @property
    def environment(self):
        image = dict(each.split("=", 1) for each in self.image.get("Env") or [])
        return image | {name: str(value) for name, value in (self.told.get("environment") or {}).items()}

    def command(self, words):
        """What runs words inside, as the user and with the rights that image and file say."""
        user, _, group = (self.image.get("User") or "0:0").partition(":")
        rights = ["--reuid", user, "--regid", group or user, "--clear-groups"]
        if self.told.get("cap_drop") == ["ALL"]:
            rights += ["--bounding-set=-all", "--inh-caps=-all"]
        if "no-new-privileges:true" in self.told.get("security_opt", []):
            rights += ["--no-new-privs"]
        # Not more than this machine allows: containers get theirs from an engine that may do more.
        files = min((self.told.get("ulimits") or {}).get("nofile", 1024), resource.getrlimit(resource.RLIMIT_NOFILE)[1])
        return ["ip", "netns", "exec", self.name, "prlimit", f"--nofile={files}:{files}", "chroot", self.root, "setpriv", *rights, "--", *words]

    def start(self, environment=None):
        words = [*(self.image.get("Entrypoint") or []), *(self.told.get("command") or self.image["Cmd"])]
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                self.command(words), env=self.environment if environment is None else environment, stdout=log, stderr=log
            )

    def is_healthy(self):
        """What the image's HEALTHCHECK says once."""
        check = self.image["Healthcheck"]
        kind, *words = check["Test"]
        if kind != "CMD":
            raise ValueError(f"a health check of another kind: {kind}")
        try:
            return subprocess.run(
                self.command(words), env=self.environment, timeout=check["Timeout"] / 1e9, capture_output=True
            ).returncode == 0  # fmt: skip
        except subprocess.TimeoutExpired:
            return False

    def status(self):
        """What the kernel says of the process: user, rights."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return dict(line.split(":\t", 1) for line in lines if ":\t" in line)

    def stop(self):
        """By the image's signal, within the file's time; returns the exit status and how many seconds it took."""
        grace = int(SECONDS.fullmatch(self.told.get("stop_grace_period", "10s"))[1])
        began = time.monotonic()
        self.process.send_signal(getattr(signal, self.image.get("StopSignal") or "SIGTERM"))
        return self.process.wait(timeout=grace), time.monotonic() - began

