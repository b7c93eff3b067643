"""Requests per second and bytes per answer, and how much of the time is not the network's.

``python -m benchmarks.serving``: a REST and a gRPC server in processes of their own, clients that
send the coffee photo again and again and throw the answers away, on the same machine. The share
outside inference is what is left of the wall-clock time when the seconds that the server's metrics
count for the network are taken off: decoding, encoding, protocol, clients.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event

import requests

from benchmarks.contestants import RESULTS, ROOT, describe_machine
from tests.support.checkpoints import VITS, save_checkpoint
from tests.support.servers import Server, free_port, running
from vizion3d.proto import lifting_pb2 as pb
from vizion3d.proto import lifting_pb2_grpc as pb_grpc

PHOTO = (ROOT / "examples" / "coffee.jpg").read_bytes()
REST_FORMS = {
    "JSON": "application/json",
    "PNG": "image/png",
    "NPY": "application/x-npy",
    "PLY": "model/ply",
}
GRPC_FORMS = {"gRPC rows": False, "gRPC packed": True}
INFERENCE = 'vizion3d_stage_seconds_sum{stage="inference"}'

Ask = Callable[[], int]
"""Sends one request and returns the bytes of its answer."""


@dataclass(frozen=True)
class Row:
    """What was measured of one form of answer at one concurrency."""

    form: str
    concurrency: int
    requests_per_s: float
    answer_bytes: int
    outside: float


def rest_asker(server: Server, accept: str, input_size: int | None = None) -> Ask:
    session = requests.Session()
    session.headers.update({"Accept": accept, "Accept-Encoding": "identity"})
    form = {"input_size": input_size}  # one that is None is not sent

    def ask() -> int:
        answer = session.post(server.depth_url, form, files={"image": PHOTO}, timeout=300)
        answer.raise_for_status()
        return len(answer.content)

    return ask


def grpc_asker(server: Server, *, packed: bool, input_size: int | None = None) -> Ask:
    stub = pb_grpc.LiftingServiceStub(server.channel())
    request = pb.DepthEstimationRequest(
        image_bytes=PHOTO, packed_depth=packed, input_size=input_size
    )

    def ask() -> int:
        return stub.RunDepthEstimation(request, timeout=300).ByteSize()

    return ask


def measure(
    form: str,
    make: Callable[[], Ask],
    inference_s: Callable[[], float],
    concurrency: int,
    count: int,
) -> Row:
    """``count`` requests by ``concurrency`` clients that each send the next after the last."""
    askers = [make() for _ in range(concurrency)]
    with ThreadPoolExecutor(concurrency) as pool:
        sizes = list(pool.map(lambda ask: ask(), askers))
        before, begin = inference_s(), time.perf_counter()
        each = max(1, count // concurrency)
        list(pool.map(lambda ask: [ask() for _ in range(each)], askers))
        wall_s = time.perf_counter() - begin
    outside = 1 - (inference_s() - before) / wall_s
    return Row(form, concurrency, each * concurrency / wall_s, sizes[0], outside)


def health_while_busy(server: Server, seconds: float) -> list[float]:
    """Seconds that ``/health`` took while eight clients kept the network busy."""
    over, taken = Event(), list[float]()

    def keep_busy(ask: Ask) -> None:
        while not over.is_set():
            ask()

    with ThreadPoolExecutor(8) as pool:
        for _ in range(8):
            pool.submit(keep_busy, rest_asker(server, "image/png"))
        end = time.monotonic() + seconds
        with requests.Session() as session:
            while time.monotonic() < end:
                begin = time.perf_counter()
                session.get(f"{server.url}/health", timeout=60).raise_for_status()
                taken.append(time.perf_counter() - begin)
                time.sleep(0.02)
        over.set()
    return taken


def table(rows: list[Row]) -> str:
    lines = [
        "| answer | clients | requests/s | bytes | outside inference |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {r.form} | {r.concurrency} | {r.requests_per_s:.2f} | {r.answer_bytes:,} "
        f"| {r.outside:.0%} |"
        for r in rows
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=32, help="requests for each row")
    parser.add_argument("--clients", default="1,4,16")
    args = parser.parse_args()
    rows: list[Row] = []
    clients = [int(number) for number in args.clients.split(",")]
    with tempfile.TemporaryDirectory() as name:
        folder, metrics_port = Path(name), free_port()
        model = str(save_checkpoint(folder / "vits.safetensors", VITS))
        with running("rest", folder / "rest.log", "--depth_model", model) as server:
            for concurrency in clients:
                for form, accept in REST_FORMS.items():
                    rows.append(
                        measure(
                            form,
                            partial(rest_asker, server, accept),
                            lambda: server.metric(INFERENCE),
                            concurrency,
                            args.count,
                        )
                    )
            health_s = health_while_busy(server, 15)
        flags = ("--depth_model", model, "--metrics-port", str(metrics_port))
        with running("grpc", folder / "grpc.log", *flags) as server:
            server.metrics_port = metrics_port
            for concurrency in clients:
                for form, packed in GRPC_FORMS.items():
                    rows.append(
                        measure(
                            form,
                            partial(grpc_asker, server, packed=packed),
                            lambda: server.metric(INFERENCE),
                            concurrency,
                            args.count,
                        )
                    )
    p50, p95 = statistics.median(health_s), statistics.quantiles(health_s, n=20)[-1]
    text = (
        f"# Serving\n\n{describe_machine()}\n\nPhoto: coffee, 600 x 400; seeded vits; clients on "
        f"the same machine. `python -m benchmarks.serving`\n\n{table(rows)}\n\n"
        f"`/health` while eight clients keep the network busy: median {1000 * p50:.1f} ms, "
        f"p95 {1000 * p95:.1f} ms ({len(health_s)} requests).\n"
    )
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "serving.md").write_text(text)
    (RESULTS / "serving.json").write_text(json.dumps([vars(row) for row in rows], indent=1) + "\n")
    print(text)


if __name__ == "__main__":
    main()
