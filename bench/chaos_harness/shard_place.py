"""Which of several masters has a channel: the function of deploy/reference/redis.md for backends."""


def place(names, channel):
    """Which of the masters of these names has a channel; the channel's name with %, { and } as %25, %7B and %7D."""
    tag = channel.removeprefix("$presence/").encode()
    most = (1 << 64) - 1

    def score(name):
        number = 0xCBF29CE484222325
        for byte in name.encode() + b"\n" + tag:
            number = (number ^ byte) * 0x100000001B3 & most
        number = (number ^ number >> 33) * 0xFF51AFD7ED558CCD & most
        number = (number ^ number >> 33) * 0xC4CEB9FE1A85EC53 & most
        return number ^ number >> 33

    return max(range(len(names)), key=lambda index: score(names[index]))
