"""Holds the manifests and what comes of the Helm chart to the schemas of Kubernetes: DEPLOY-DIRECTORY.

The chart is rendered by a reader of the few things that it uses of Go's templates; what this does not know is an error. Helm itself is
not to be had where the tests run.
"""

import json
import re
import sys
from pathlib import Path

import kubernetes_validate
import yaml

VERSION = "1.30"


def check(text, where):
    """Each document of a text; returns how many there are."""
    documents = [each for each in yaml.safe_load_all(text) if each]
    for document in documents:
        try:
            kubernetes_validate.validate(document, VERSION, strict=True)
        except Exception as error:
            sys.exit(f"{where}: {document.get('kind')}: {str(error).splitlines()[0]}")
    return len(documents)


# --- Templates: `if`, `range`, `end`, and pipelines of values and functions. ---

TOKEN = re.compile(r"\{\{(-?)\s*(.*?)\s*(-?)\}\}", re.DOTALL)
WORD = re.compile(r'"(?:[^"\\]|\\.)*"|\S+')


def tokens(text):
    """Pieces of text and actions in turn; a dash takes the blanks beside it along."""
    place, pieces = 0, []
    for found in TOKEN.finditer(text):
        before = text[place : found.start()]
        pieces.append(("text", before.rstrip() if found[1] else before))
        pieces.append(("action", found[2]))
        place = found.end()
        if found[3]:
            place += len(text) - place - len(text[place:].lstrip())
    pieces.append(("text", text[place:]))
    return pieces


class Template:
    """One file of the chart, with its values."""

    def __init__(self, text, values):
        self.pieces, self.scope = tokens(text), dict(values)
        self.place = 0

    def render(self, shown=True):
        """Up to the end of what is open."""
        result = ""
        while self.place < len(self.pieces):
            kind, text = self.pieces[self.place]
            self.place += 1
            if kind == "text":
                result += text if shown else ""
            elif text == "end":
                return result
            elif text.startswith("if "):
                result += self.render(shown and bool(self.condition(text[3:])))
            elif text.startswith("range "):
                result += self.range(text[6:], shown)
            elif shown:
                result += str(self.pipeline(text))
        return result

    def condition(self, text):
        return not self.pipeline(text[4:]) if text.startswith("not ") else self.pipeline(text)

    def range(self, text, shown):
        names, source = text.split(":=")
        key, value = [name.strip() for name in names.split(",")]
        start, result = self.place, ""
        for each, content in sorted(self.pipeline(source.strip()).items()) or [(None, None)]:
            self.place = start
            self.scope[key], self.scope[value] = each, content
            result += self.render(shown and each is not None)
        return result

    def pipeline(self, text):
        stages = text.split(" | ")
        value = self.call(WORD.findall(stages[0]), [])
        for stage in stages[1:]:
            value = self.call(WORD.findall(stage), [value])
        return value

    def call(self, words, piped):
        arguments = [self.value(word) for word in words[1:]] + piped
        functions = {
            "quote": lambda value: json.dumps(str(value), ensure_ascii=False),
            "toString": str,
            "toJson": json.dumps,
            "join": lambda separator, values: separator.join(values),
            "default": lambda usual, value: value or usual,
            "printf": lambda form, *values: form.replace("%v", "%s") % values,
        }
        if words[0] in functions:
            return functions[words[0]](*arguments)
        if arguments:
            sys.exit(f"no such function: {words[0]}")
        return self.value(words[0])

    def value(self, word):
        if word.startswith('"'):
            return json.loads(word)
        if word in self.scope:
            return self.scope[word]
        if not word.startswith("."):
            sys.exit(f"not understood in a template: {word}")
        value = self.scope
        for name in word[1:].split("."):
            if name not in value:
                sys.exit(f"no such value: {word}")
            value = value[name]
        return value


def changed(values, *changes):
    """Other values, by their paths."""
    values = json.loads(json.dumps(values))
    for path, value in changes:
        place = values
        for name in path[:-1]:
            place = place[name]
        place[path[-1]] = value
    return values


def main():
    deploy = Path(sys.argv[1])
    count = check((deploy / "kubernetes/perseid.yaml").read_text(), "perseid.yaml")
    print(f"{count} manifests are right")

    chart = deploy / "helm/perseid"
    about = yaml.safe_load((chart / "Chart.yaml").read_text())
    if about["apiVersion"] != "v2" or not about["name"] or not about["version"]:
        sys.exit("Chart.yaml")
    usual = yaml.safe_load((chart / "values.yaml").read_text())
    variants = [
        usual,
        changed(usual, (["autoscaling", "enabled"], False), (["ingress", "enabled"], False), (["apiKeys"], ["a", 'b"']) ),
        changed(usual, (["existingSecret"], "other"), (["ingress", "tlsSecret"], ""), (["settings"], {})),
        changed(usual, (["autoscaling", "connectionsPerNode"], 0), (["nodeSelector"], {"a": "b"})),
    ]
    wanted = [6, 4, 5, 6]
    for values, kinds in zip(variants, wanted):
        scope = {"Values": values, "Release": {"Name": "live"}}
        count = sum(check(Template(each.read_text(), scope).render(), each.name) for each in sorted(chart.glob("templates/*.yaml")))
        if count != kinds:
            sys.exit(f"the chart gives {count} documents, not {kinds}")
    print(f"{len(variants)} charts are right")


main()
