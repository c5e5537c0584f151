"""Holds the manifests, and what Helm makes of the chart, to the schemas of Kubernetes: DEPLOY-DIRECTORY HELM-PROGRAM HOME.

No cluster is asked: whether one would run them is untried.
"""

import json
import sys
from pathlib import Path

import kubernetes_validate
import yaml

from helm import Helm

# The oldest that Chart.yaml lets in and that has a schema here, and a late one.
VERSIONS = ["1.25", "1.35"]


def check(text, where):
    """Each document of a text; returns them."""
    documents = [each for each in yaml.safe_load_all(text) if each]
    for document in documents:
        for version in VERSIONS:
            try:
                kubernetes_validate.validate(document, version, strict=True)
            except Exception as error:
                sys.exit(f"{where}: {document.get('kind')}, {version}: {str(error).splitlines()[0]}")
    return documents


def environment(documents):
    """What the deployment's container is told."""
    (deployment,) = [each for each in documents if each["kind"] == "Deployment"]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    return {each["name"]: each.get("value") for each in container["env"]}


def expect(is_so, what):
    if not is_so:
        sys.exit(what)


# Values beside the chart's own, and how many documents come of them.
CASES = [
    ({}, 6),
    ({"autoscaling": {"enabled": False}, "ingress": {"enabled": False}, "apiKeys": ["a", 'b"']}, 4),
    ({"existingSecret": "other", "ingress": {"tlsSecret": ""}, "settings": {"PERSEID_RULES": None}}, 5),
    ({"autoscaling": {"connectionsPerNode": 0}, "nodeSelector": {"a": "b"}}, 6),
    # Numbers that somebody wrote without quotes, which are floating ones to Helm.
    (
        {
            "autoscaling": {"connectionsPerNode": 1_000_000},
            "settings": {"PERSEID_LIMITS_OVERLOAD_MEMORY_BYTES": 12884901888, "PERSEID_JSONP": True},
        },
        6,
    ),
]


def main():
    deploy, program, home = (Path(each) for each in sys.argv[1:])
    manifests = check((deploy / "kubernetes/perseid.yaml").read_text(), "perseid.yaml")
    print(f"{len(manifests)} manifests are right")

    chart = str(deploy / "helm/perseid")
    with Helm(program, home) as helm:
        for major in (3, 4):
            linted = json.loads(helm.call("helm_lint", major, paths=[chart], strict=True))
            expect(linted["passed"], f"helm {major} lint: {linted}")
            for values, count in CASES:
                text = helm.call(
                    "helm_template", major, release_name="live", chart=chart, kube_version="1.30.0", values=values
                )
                documents = check(text, f"helm {major} with {values}")
                expect(len(documents) == count, f"the chart gives {len(documents)} documents, not {count}: {values}")
                if not values:
                    same = ["PERSEID_NODE_ID", "PERSEID_PUBLIC_ORIGIN", "PERSEID_RULES", "PERSEID_TRUSTED_PROXIES"]
                    told, wanted = environment(documents), environment(manifests)
                    expect(all(told[name] == wanted[name] for name in same), f"the chart says {told}, not {wanted}")
            told = environment(documents)
            expect(told["PERSEID_LIMITS_OVERLOAD_MEMORY_BYTES"] == "12884901888", f"a number became {told}")
            expect(told["PERSEID_JSONP"] == "true", f"true became {told}")
            (scaler,) = [each for each in documents if each["kind"] == "HorizontalPodAutoscaler"]
            expect(
                scaler["spec"]["metrics"][0]["pods"]["target"]["averageValue"] == "1000000", f"a number became {scaler}"
            )
            print(f"helm {major} makes {len(CASES)} charts right")


main()
