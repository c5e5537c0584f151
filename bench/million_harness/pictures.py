"""Pictures of a run: small SVG files, drawn by gnuplot."""

import shutil
import subprocess

from harness import build

DIRECTORY = build.BENCH / "pictures"
STEPS = ["publish to all", "publish: channels of 1,000", "publish: channels of 10", "quiet", "kill", "roll"]
PARTS = ["nodes", "crowds", "redis", "others"]
STYLE = """set terminal svg size 900,{height} font "sans-serif,12" background rgb "white"
set output "{path}"
set grid lc rgb "#dddddd"
set key outside right top
set border 3
set tics nomirror
"""


def draw(found):
    """Returns what each shows, and its file."""
    if not shutil.which("gnuplot"):
        build.say("gnuplot is not installed (Debian: gnuplot-nox): no pictures")
        return
    DIRECTORY.mkdir(exist_ok=True)
    for kind, text, script in [
        ("course", "Clients that are ready, and cores in use, second by second", course(found)),
        ("latency", "Share of deliveries that took no longer", latency(found)),
        ("absence", "Share of clients that were away no longer", absence(found)),
    ]:
        if script:
            path = DIRECTORY / f"million-{found['name']}-{kind}.svg"
            plot(path, script, height=640 if kind == "course" else 380)
            yield text, path


def plot(path, script, height):
    text = STYLE.format(path=path, height=height) + script
    outcome = subprocess.run(["gnuplot"], input=text, capture_output=True, text=True)
    if outcome.returncode != 0:
        raise RuntimeError(f"gnuplot: {outcome.stderr}")


def block(name, points):
    return f"${name} << END\n" + "\n".join(" ".join(map(str, point)) for point in points) + "\nEND\n"


def course(found):
    samples = found["samples"]
    if not samples:
        return None
    fields = ["seconds", "ready"] + PARTS
    text = block("data", ([sample.get(name, 0) for name in fields] for sample in samples))
    text += 'set multiplot layout 2,1\nset xlabel "seconds"\n'
    last = samples[-1]["seconds"]
    text += f"set xrange [0:{last}]\n"
    written = -last
    for number, mark in enumerate(found["marks"], 1):
        at = mark["seconds"]
        text += f'set arrow {number} from {at}, graph 0 to {at}, graph 1 nohead lc rgb "#bbbbbb"\n'
        # Words that would lie on each other are left out: the lines stay.
        if at - written < last / 50:
            continue
        written = at
        text += f'set label {number} "{mark["text"]}" at {at}, graph 0.02 rotate by 90 font ",8" tc rgb "#666666"\n'
    text += 'set ylabel "clients ready"\nset yrange [0:*]\nset format y "%.0f"\n'
    text += 'plot $data using 1:2 with lines lw 2 title "ready"\nunset label\nset ylabel "cores"\nset format y "%.1f"\n'
    lines = [f'$data using 1:{place} with lines title "{name}"' for place, name in enumerate(PARTS, 3)]
    return text + "plot " + ", ".join(lines) + "\nunset multiplot\n"


def distribution(curves, x_label, divisor=1):
    """Of named lists of points."""
    if not curves:
        return None
    text = f'set logscale x\nset xlabel "{x_label}"\nset yrange [0:1]\nset ylabel "share"\n'
    for number, points in enumerate(curves.values()):
        text += block(f"curve{number}", ((max(x, 0.001) / divisor, y) for x, y in points))
    lines = [f'$curve{number} with lines lw 2 title "{name}"' for number, name in enumerate(curves)]
    return text + "plot " + ", ".join(lines) + "\n"


def latency(found):
    steps = found["steps"]
    return distribution(
        {name: steps[name]["points"] for name in STEPS if steps.get(name, {}).get("points")}, "milliseconds"
    )


def absence(found):
    steps = found["steps"]
    curves = {name: steps[name]["absence"]["points"] for name in ["kill", "roll"] if name in steps}
    return distribution({name: points for name, points in curves.items() if points}, "seconds", divisor=1_000)
