"""Many hostile clients of mixed behaviours at once: who does what, and in which process."""

# Python has one thread at work in a process, and the node must not be spared for that.
PROCESSES = 4
# Of what a behaviour does when it is alone: together they have a hundred times one client, not a hundred nodes' worth.
SCALE = 0.02


def orders(count, behaviours):
    """An order for each process; each client comes from an address of its own."""
    clients = [{"behaviour": behaviours[n % len(behaviours)].name, "address": address(n)} for n in range(count)]
    parts = [clients[number::PROCESSES] for number in range(PROCESSES)]
    return [{"clients": part, "scale": SCALE} for part in parts if part]


def address(number):
    return f"127.1.{number // 250}.{number % 250 + 1}"
