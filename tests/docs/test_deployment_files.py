"""examples/deploy: what can be checked of each file without the system that it is for."""

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import promql_parser
import pytest
import yaml
from typer.testing import CliRunner

from vizion3d.app import TASKS
from vizion3d.server import options
from vizion3d.server.metrics import Metrics
from vizion3d.server.settings import ServerSettings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "examples" / "deploy"
UNIT = DEPLOY / "vizion3d-rest.service"
PROGRAM = "/opt/vizion3d/bin/vizion3d-serve-rest"
OBJECTS = list(yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text()))
KUBERNETES = ("1.28", "1.32", kubernetes_validate.latest_version())
ALERTS = yaml.safe_load((DEPLOY / "alerts.yml").read_text())["groups"]
RULES = [rule for group in ALERTS for rule in group["rules"]]
DASHBOARD = json.loads((DEPLOY / "grafana.json").read_text())
# What Grafana puts in before Prometheus sees a query.
VARIABLES = {"$__rate_interval": "5m", "$instance": ".*"}
PROMETHEUS_S_OWN = {"up"}


def samples() -> set[str]:
    """The names that a scrape of the server can contain."""
    endings = {
        "counter": ("_total",),
        "histogram": ("_bucket", "_sum", "_count"),
        "gauge": ("",),
    }
    metrics = Metrics().registry.collect()
    return {m.name + ending for m in metrics for ending in endings[m.type]}


def selected(query: str) -> set[str]:
    """The metrics that a query reads; a ValueError is one that does not parse."""
    for name, value in VARIABLES.items():
        query = query.replace(name, value)
    names: set[str] = set()

    def visit(node: Any) -> bool:
        if isinstance(node, promql_parser.VectorSelector):
            assert node.name is not None
            names.add(node.name)
        return True

    promql_parser.walk(promql_parser.parse(query), pre_visit=visit)
    return names


def understood(words: list[str]) -> ServerSettings:
    """What the REST server makes of a command line, without serving."""
    told: list[ServerSettings] = []
    features = [task.feature for task in TASKS]
    rest = options.program(options.command("rest", 8000, "", told.append, features))
    ran = CliRunner().invoke(rest, words)
    assert ran.exit_code == 0, ran.output
    return told[0]


def of_kind(kind: str) -> Any:
    return next(one for one in OBJECTS if one["kind"] == kind)


@pytest.mark.parametrize("version", KUBERNETES)
@pytest.mark.parametrize("definition", OBJECTS, ids=lambda one: one["kind"])
def test_kubernetes_knows_every_field(definition: dict[str, Any], version: str) -> None:
    kubernetes_validate.validate(definition, version, strict=True)


def test_a_field_that_kubernetes_does_not_know_is_found() -> None:
    wrong = {**of_kind("Service"), "spek": {}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, KUBERNETES[0], strict=True)


def test_the_objects_of_kubernetes_belong_together() -> None:
    deployment, service = of_kind("Deployment")["spec"], of_kind("Service")["spec"]
    template = deployment["template"]
    pod = template["spec"]
    labels = template["metadata"]["labels"]
    assert deployment["selector"]["matchLabels"] == service["selector"] == labels
    (container,) = pod["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert {port["targetPort"] for port in service["ports"]} <= set(ports)
    claims = {volume.get("persistentVolumeClaim", {}).get("claimName") for volume in pod["volumes"]}
    assert of_kind("PersistentVolumeClaim")["metadata"]["name"] in claims
    mounted = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert set(mounted) == {volume["name"] for volume in pod["volumes"]}
    env = {variable["name"]: variable["value"] for variable in container["env"]}
    assert env["VIZION3D_MODEL_CACHE"] == mounted["models"]
    told = understood(container["args"])
    assert (told.host, told.port) == ("0.0.0.0", ports["http"])
    assert pod["terminationGracePeriodSeconds"] > told.drain_timeout_s
    assert str(pod["securityContext"]["runAsUser"]) in (ROOT / "Dockerfile").read_text()
    probes = {
        name: container[f"{name}Probe"]["httpGet"]["path"] for name in ("readiness", "liveness")
    }
    assert probes == {"readiness": "/ready", "liveness": "/health"}
    assert container["resources"].keys() == {"requests", "limits"}


def test_the_unit_s_command_is_understood() -> None:
    commands = [line for line in UNIT.read_text().splitlines() if PROGRAM in line]
    for command in commands:
        program, *words = shlex.split(command.lstrip("#").removeprefix("ExecStart="))
        if program == PROGRAM and "--api-key-file" not in words:
            assert understood(words).models == {"depth_estimation": "small"}
    assert sum(command.startswith("ExecStart=") for command in commands) == 1


def test_the_unit_leaves_time_to_finish() -> None:
    (stop_s,) = re.findall(r"^TimeoutStopSec=(\d+)$", UNIT.read_text(), re.MULTILINE)
    assert int(stop_s) > ServerSettings(port=0).drain_timeout_s


@pytest.mark.process
@pytest.mark.skipif(
    shutil.which("systemd-analyze") is None,
    reason="there is no systemd-analyze: `bash tools/system_libraries.sh --tests` installs it",
)
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    program = tmp_path / "vizion3d-serve-rest"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace(PROGRAM, str(program)))
    for check in (["verify"], ["security", "--offline=true", "--threshold=20", "--no-pager"]):
        ran = subprocess.run(
            ["systemd-analyze", *check, str(unit)], capture_output=True, text=True, check=False
        )
        assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_reads_metrics_that_exist(rule: dict[str, Any]) -> None:
    read = selected(rule["expr"])
    assert read
    assert read <= samples() | PROMETHEUS_S_OWN
    assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
    assert rule["labels"]["severity"] in ("warning", "critical")
    assert set(rule["annotations"]) == {"summary", "description"}
    assert re.fullmatch(r"\d+[smh]", rule.get("for", "1m"))


def test_prometheus_reads_the_alerts_of_the_job_that_it_scrapes() -> None:
    config = yaml.safe_load((DEPLOY / "prometheus.yml").read_text())
    assert config["rule_files"] == ["alerts.yml"]
    (job,) = config["scrape_configs"]
    down = next(rule for rule in RULES if rule["alert"] == "Vizion3dDown")
    assert f'job="{job["job_name"]}"' in down["expr"]


@pytest.mark.parametrize("panel", DASHBOARD["panels"], ids=lambda panel: panel["title"])
def test_a_panel_reads_metrics_that_exist(panel: dict[str, Any]) -> None:
    assert panel["targets"]
    for target in panel["targets"]:
        read = selected(target["expr"])
        assert read
        assert read <= samples()


def test_every_metric_is_on_the_dashboard_and_no_panels_overlap() -> None:
    shown = set().union(*(selected(t["expr"]) for p in DASHBOARD["panels"] for t in p["targets"]))
    kinds = {m.name for m in Metrics().registry.collect()}
    assert all(any(name.startswith(kind) for name in shown) for kind in kinds)
    cells = [
        (p["gridPos"]["x"] + dx, p["gridPos"]["y"] + dy)
        for p in DASHBOARD["panels"]
        for dx in range(p["gridPos"]["w"])
        for dy in range(p["gridPos"]["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24


def test_a_query_of_a_metric_that_is_not_there_is_found() -> None:
    assert not selected("rate(vizion3d_request_total[5m])") <= samples()
