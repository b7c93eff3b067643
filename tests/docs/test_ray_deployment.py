"""The manifests for many machines: every field is known, and they say what the program takes."""

from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from ray.serve.schema import ServeDeploySchema

from vizion3d.ray.app import build
from vizion3d.ray.proxy import PATH, VARIABLE
from vizion3d.ray.rpcs import SERVICERS
from vizion3d.server.metrics import Metrics

pytestmark = pytest.mark.slow

DEPLOY = Path(__file__).parents[2] / "examples" / "deploy"
AUTOSCALER, RULE = yaml.safe_load_all((DEPLOY / "kubernetes-autoscaler.yaml").read_text())
SERVICE: dict[str, Any] = yaml.safe_load((DEPLOY / "rayservice.yaml").read_text())
CLUSTER = SERVICE["spec"]["rayClusterConfig"]
TEMPLATES = [g["template"] for g in (CLUSTER["headGroupSpec"], *CLUSTER["workerGroupSpecs"])]


@pytest.mark.parametrize("definition", [AUTOSCALER, RULE], ids=lambda one: one["kind"])
def test_kubernetes_knows_every_field(definition: dict[str, Any]) -> None:
    version = kubernetes_validate.latest_version()
    kubernetes_validate.validate(definition, version, strict=True)


def test_the_autoscaler_reads_a_metric_of_the_server_for_the_deployment_that_is_there() -> None:
    plain = list(yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text()))
    (deployment,) = [one for one in plain if one["kind"] == "Deployment"]
    assert AUTOSCALER["spec"]["scaleTargetRef"]["name"] == deployment["metadata"]["name"]
    (metric,) = AUTOSCALER["spec"]["metrics"]
    name = metric["pods"]["metric"]["name"]
    assert name in {m.name for m in Metrics().registry.collect()}
    (rule,) = yaml.safe_load(RULE["data"]["rules"])
    assert name == rule["name"]["as"]
    assert rule["seriesQuery"].startswith(name + "{")


@pytest.mark.parametrize("template", TEMPLATES)
def test_the_pods_of_the_ray_cluster_are_pods(template: dict[str, Any]) -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "ray"}, **template}
    kubernetes_validate.validate(pod, kubernetes_validate.latest_version(), strict=True)
    (container,) = template["spec"]["containers"]
    env = {variable["name"]: variable["value"] for variable in container["env"]}
    assert env == {"RAY_USAGE_STATS_ENABLED": "0", VARIABLE: PATH}


def test_serve_takes_the_configuration_and_we_its_arguments() -> None:
    config = ServeDeploySchema.model_validate(yaml.safe_load(SERVICE["spec"]["serveConfigV2"]))
    assert tuple(config.grpc_options.grpc_servicer_functions) == SERVICERS
    (application,) = config.applications
    assert application.import_path == f"{build.__module__}:{build.__name__}"
    assert build(application.args) is not None
    workers = CLUSTER["workerGroupSpecs"][0]["template"]["spec"]["containers"][0]
    assert int(workers["resources"]["requests"]["cpu"]) >= application.args["cpus"]
