"""Minutes of mixed traffic on both servers: good, bad and vanishing clients.

``python -m benchmarks.soak --minutes 4`` (``make soak``) ends with 1 if an answer was wrong or if
the second half of the time grew a server by 100 MB or more.
"""

import argparse
import io
import random
import socket
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import grpc
import numpy as np
import requests

from benchmarks.contestants import ROOT
from tests.support.servers import Server, running
from vizion3d.lifting import DepthEstimation, DepthEstimationCommand
from vizion3d.proto import lifting_pb2 as pb
from vizion3d.proto import lifting_pb2_grpc as pb_grpc

PHOTO = (ROOT / "examples" / "coffee.jpg").read_bytes()
SIZES = (64, 96, 160)
GROWTH_LIMIT_BYTES = 100 << 20


class Soak:
    """Clients, what they expect, and what they met."""

    def __init__(self, rest: Server, grpc_server: Server) -> None:
        self.rest, self.grpc_server = rest, grpc_server
        self.met: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.over = threading.Event()
        self.expected = {
            size: DepthEstimation()
            .run(DepthEstimationCommand(PHOTO, model_backend="nano", input_size=size))
            .raw_depth
            for size in SIZES
        }

    def client(self, seed: int) -> None:
        """One client after another, each of a kind drawn by chance."""
        chance = random.Random(seed)
        kinds = (self.good_rest, self.good_grpc, self.bad_rest, self.bad_grpc, self.vanishing)
        while not self.over.is_set():
            kind = chance.choices(kinds, (4, 3, 2, 1, 2))[0]
            try:
                outcome = kind(chance)
            except Exception as error:  # noqa: BLE001 (whatever a client meets is told)
                outcome = f"{type(error).__name__}: {error}"
                self.wrong.append(f"{kind.__name__}: {outcome}")
            self.met[f"{kind.__name__} {outcome[:40]}"] += 1

    def check(self, size: int, depth: np.ndarray) -> str:
        expected = self.expected[size]
        # Batches of another size round otherwise in the last bits of bf16.
        if not np.allclose(depth, expected, atol=0.02 * np.ptp(expected)):
            self.wrong.append(f"a wrong depth at input size {size}")
        return "answered"

    def good_rest(self, chance: random.Random) -> str:
        size = chance.choice(SIZES)
        answer = requests.post(
            self.rest.depth_url,
            files={"image": PHOTO},
            data={"input_size": size},
            headers={"Accept": "application/x-npy"},
            timeout=60,
        )
        if answer.status_code == 503:
            return "refused"
        answer.raise_for_status()
        return self.check(size, np.load(io.BytesIO(answer.content)))

    def good_grpc(self, chance: random.Random) -> str:
        size = chance.choice(SIZES)
        request = pb.DepthEstimationRequest(image_bytes=PHOTO, input_size=size, packed_depth=True)
        with self.grpc_server.channel() as channel:
            try:
                told = pb_grpc.LiftingServiceStub(channel).RunDepthEstimation(request, timeout=60)
            except grpc.RpcError as error:
                if error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED:
                    return "refused"
                raise
        packed = told.packed_depth
        return self.check(size, np.frombuffer(packed.data, "<f4").reshape(packed.shape))

    def bad_rest(self, chance: random.Random) -> str:
        bad: list[tuple[bytes, dict[str, str], set[int]]] = [
            (b"", {}, {400}),
            (chance.randbytes(2000), {}, {400}),
            (PHOTO[: chance.randrange(20, 20_000)], {}, {400}),
            (PHOTO, {"fx": chance.choice(["nan", "-1", "0", "x"])}, {422}),
            (PHOTO, {"model_backend": "/etc/passwd"}, {403}),
        ]
        image, data, statuses = chance.choice(bad)
        answer = requests.post(
            self.rest.depth_url, files={"image": ("image", image)}, data=data, timeout=60
        )
        if answer.status_code not in statuses | {503}:
            self.wrong.append(f"{answer.status_code} for {data or len(image)}: {answer.text[:200]}")
        return str(answer.status_code)

    def bad_grpc(self, chance: random.Random) -> str:
        request = pb.DepthEstimationRequest(image_bytes=chance.randbytes(500))
        with self.grpc_server.channel() as channel:
            try:
                pb_grpc.LiftingServiceStub(channel).RunDepthEstimation(request, timeout=60)
            except grpc.RpcError as error:
                return str(error.code().name)
        self.wrong.append("an answer to random bytes")
        return "answered"

    def vanishing(self, chance: random.Random) -> str:
        """Send a request, or a part of it, and go."""
        request = requests.Request("POST", self.rest.depth_url, files={"image": PHOTO}).prepare()
        assert isinstance(request.body, bytes)
        head = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
        whole = f"POST {request.path_url} HTTP/1.1\r\nHost: x\r\n{head}\r\n".encode() + request.body
        with socket.create_connection(("127.0.0.1", self.rest.port)) as client:
            client.sendall(whole[: chance.choice([10, 300, len(whole) // 2, len(whole)])])
            time.sleep(chance.uniform(0, 0.05))
        return "gone"


def run(soak: Soak, minutes: float, clients: int) -> dict[str, list[int]]:
    """Traffic for some minutes; memory of both servers, once a second."""
    memory: dict[str, list[int]] = {"REST": [], "gRPC": []}
    threads = [threading.Thread(target=soak.client, args=(seed,)) for seed in range(clients)]
    for thread in threads:
        thread.start()
    end = time.monotonic() + 60 * minutes
    while time.monotonic() < end:
        time.sleep(1)
        memory["REST"].append(soak.rest.memory_bytes())
        memory["gRPC"].append(soak.grpc_server.memory_bytes())
    soak.over.set()
    for thread in threads:
        thread.join()
    return memory


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=4)
    parser.add_argument("--clients", type=int, default=12)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = ("--depth_model", "nano", "--max-queue", "6")
        with (
            running("rest", folder / "rest.log", *model) as rest,
            running("grpc", folder / "grpc.log", *model) as grpc_server,
        ):
            soak = Soak(rest, grpc_server)
            memory = run(soak, args.minutes, args.clients)
    for outcome, count in sorted(soak.met.items()):
        print(f"{count:7}  {outcome}")
    grown = False
    for server, sizes in memory.items():
        half = len(sizes) // 2
        growth = max(sizes[half:]) - max(sizes[:half])
        grown |= growth >= GROWTH_LIMIT_BYTES
        print(f"{server}: largest {max(sizes) / 1e6:.0f} MB; second half {growth / 1e6:+.0f} MB")
    print(f"{len(soak.wrong)} wrong answers")
    for line in soak.wrong[:20]:
        print("  ", line)
    sys.exit(1 if soak.wrong or grown else 0)


if __name__ == "__main__":
    main()
