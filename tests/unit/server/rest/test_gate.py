import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from PIL import Image

from tests.support.doors import BASE, kitchen
from tests.support.fakes import RELATIVE
from tests.support.in_process import AsgiAdapter, Loop, over_grpc
from vizion3d.lifting import DepthEstimationCommand
from vizion3d.runtime.queue import InferenceQueue
from vizion3d.server.log import set_up_log, shortened
from vizion3d.server.metrics import Metrics
from vizion3d.server.rest.app import create_app
from vizion3d.server.scheduler import Scheduler
from vizion3d.server.service import Service
from vizion3d.server.settings import ServerSettings

HEIGHT_PX, WIDTH_PX = 6, 8
DEPTH = np.random.default_rng(0).uniform(1, 5, (HEIGHT_PX, WIDTH_PX)).astype(np.float32)


def photo() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (WIDTH_PX, HEIGHT_PX), "grey").save(buffer, "PNG")
    return buffer.getvalue()


def service(folder: Path, **settings: Any) -> Service:
    metrics = Metrics()
    container = kitchen(folder, DEPTH, RELATIVE).with_inference(InferenceQueue(observer=metrics))
    told = ServerSettings(port=0, **settings)
    return Service(told, container, Scheduler(2, 60, metrics), metrics)


@pytest.fixture
def loop() -> Iterator[Loop]:
    running = Loop()
    yield running
    running.close()


def session(served: Service, loop: Loop) -> requests.Session:
    client = requests.Session()
    client.mount(BASE, AsgiAdapter(create_app(served), loop))
    return client


def lines(caplog: pytest.LogCaptureFixture) -> list[Any]:
    return [record for record in caplog.records if record.name == "vizion3d.access"]


def test_a_line_says_model_image_and_seconds(
    tmp_path: Path, loop: Loop, caplog: pytest.LogCaptureFixture
) -> None:
    client = session(service(tmp_path), loop)
    with caplog.at_level(logging.INFO):
        assert client.post(f"{BASE}/lifting/depth-estimation", files={"image": photo()}).ok
    (line,) = lines(caplog)
    assert line.model == "depth_anything_v2_vitb.pth"
    assert line.image == f"{WIDTH_PX}x{HEIGHT_PX}"
    assert line.queue_s >= 0
    assert line.inference_s >= 0


def test_a_line_says_the_reason(
    tmp_path: Path, loop: Loop, caplog: pytest.LogCaptureFixture
) -> None:
    client = session(service(tmp_path), loop)
    url = f"{BASE}/lifting/depth-estimation"
    with caplog.at_level(logging.INFO):
        client.post(url, files={"image": b"no photo"})
        client.post(url, files={"image": photo()}, data={"fovv": "60"})
        client.get(f"{BASE}/nothing")
    reasons = [line.reason for line in lines(caplog)]
    assert reasons[0].startswith("invalid-image: ")
    assert "did you mean fov" in reasons[1]
    assert reasons[2].startswith("not-found: ")


def test_probes_are_for_those_who_ask_for_them(
    tmp_path: Path, loop: Loop, caplog: pytest.LogCaptureFixture
) -> None:
    client = session(service(tmp_path), loop)
    with caplog.at_level(logging.DEBUG, logger="vizion3d.access"):
        client.get(f"{BASE}/health")
        client.get(f"{BASE}/ready")  # 503: it was never told to load
    assert [line.levelname for line in lines(caplog)] == ["DEBUG", "INFO"]


def test_an_rpc_has_the_same_in_its_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with over_grpc(service(tmp_path)) as client, caplog.at_level(logging.INFO):
        client.run(DepthEstimationCommand(photo()))
    (line,) = lines(caplog)
    assert line.image == f"{WIDTH_PX}x{HEIGHT_PX}"
    assert line.inference_s >= 0


def test_the_documentation_opens_without_a_key_and_has_a_place_for_one(
    tmp_path: Path, loop: Loop
) -> None:
    keys = tmp_path / "keys"
    keys.write_text("a-key\n")
    client = session(service(tmp_path, api_key_file=keys), loop)
    assert client.get(f"{BASE}/docs").ok
    assert client.get(f"{BASE}/docs/assets/swagger-ui.css").ok
    document = client.get(f"{BASE}/openapi.json").json()
    assert document["components"]["securitySchemes"]["ApiKey"]["in"] == "header"
    assert client.get(f"{BASE}/models").status_code == 401


def test_the_time_has_its_zone(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_log("info")
    logging.getLogger("vizion3d").warning("something")
    # Other handlers of the process write plain text.
    (line,) = (row for row in capsys.readouterr().err.splitlines() if row.startswith("{"))
    told = json.loads(line)["time"]
    assert told[10] == "T"
    assert told[-6] in "+-"


def test_a_long_reason_is_one_short_line() -> None:
    assert shortened("a\n  b") == "a b"
    assert len(shortened("x" * 1000)) == 300


@pytest.mark.parametrize("whole", [False, True])
def test_an_answer_names_the_models_file_and_not_where_it_lies(
    tmp_path: Path, loop: Loop, whole: bool
) -> None:
    client = session(service(tmp_path, tell_paths=whole), loop)
    headers = {"Accept": "model/ply"}
    url = f"{BASE}/lifting/depth-estimation"
    told = client.post(url, files={"image": photo()}, headers=headers).headers["X-Model"]
    assert told == (str(tmp_path / "fake.pth") if whole else "fake.pth")
