#!/usr/bin/env python3
"""Writes perseid(1) from what the program says of itself: perseid --experimental-dump-help | manual.py VERSION DATE

The dump is swift-argument-parser's; its form is that of version 0 (`serializationVersion`).
"""

import json
import sys


def escaped(text):
    """Text as roff takes it: no line of it is a request, and no backslash or dash is anything else."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\n".join("\\&" + line if line[:1] in ".'" else line for line in text.split("\n"))


def name(argument):
    """How one writes an argument: --listen <listen>, or <channel>."""
    value = f"<{argument.get('valueName', '')}>"
    if argument["kind"] == "positional":
        return value
    spellings = [("--" if each["kind"] == "long" else "-") + each["name"] for each in argument["names"]]
    written = ", ".join(sorted(spellings, key=len))
    return written if argument["kind"] == "flag" else f"{written} {value}"


def arguments(command):
    """The arguments of a command, but for those that each has."""
    shown = [each for each in command.get("arguments", []) if each.get("shouldDisplay")]
    return [each for each in shown if each.get("valueName") not in ("help", "version")]


def section(command, path):
    """A command and all below it, with its arguments."""
    words = " ".join(path)
    lines = []
    if len(path) > 1:
        usage = [f"[{name(each)}]" if each["isOptional"] else name(each) for each in arguments(command) if each["kind"] == "positional"]
        lines += [f".SS {escaped(' '.join([words, '[options]', *usage]))}", escaped(command.get("abstract", ""))]
        if command.get("discussion"):
            lines += [".PP", escaped(command["discussion"])]
    for argument in arguments(command):
        lines += [".TP", f".B {escaped(name(argument))}", escaped(argument.get("abstract", "")) or "\\&"]
    for each in command.get("subcommands", []):
        if each["commandName"] != "help":
            lines += section(each, [*path, each["commandName"]])
    return lines


def main():
    version, date = sys.argv[1:3]
    command = json.load(sys.stdin)["command"]
    print(f'.TH PERSEID 1 "{date}" "perseid {version}" "User Commands"')
    print(".SH NAME\nperseid \\- real\\-time publish/subscribe server")
    print(".SH SYNOPSIS\n.B perseid\n.I command\n[options]")
    print(".SH DESCRIPTION\n" + escaped(command["discussion"]))
    print(".SH COMMANDS\n" + "\n".join(section(command, ["perseid"])))
    print(".SH FILES\n.TP\n.I /etc/perseid/perseid.yaml\nSettings of the service.")
    print(".TP\n.I /usr/share/doc/perseid\nThe guide, the reference, and samples for balancers, Redis and Prometheus.")
    print(".SH SIGNALS\n.TP\n.B SIGHUP\nThe node reads its settings again.")
    print(".TP\n.B SIGTERM\nThe node sends its clients away and ends within 20 seconds.")


main()
