"""The servers of this tree beside those of another one of the same repository, in turn.

``python -m benchmarks.beside_serving OTHER_TREE`` (a ``git worktree`` of the commit to compare to)
starts the REST and the gRPC server of both trees with this interpreter and its packages, and asks
them round by round, one while the other idles. With ``--input-size 98`` what the servers do is a
large part of the time; 518 is what is usual. Writes ``beside_serving-SIZE.md`` into
``benchmarks/results``.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import psutil

from benchmarks.contestants import RESULTS, ROOT, describe_machine
from benchmarks.serving import Ask, grpc_asker, rest_asker
from tests.support.checkpoints import VITS, save_checkpoint
from tests.support.servers import Protocol, Server, free_port

REST_FORMS = {"PNG": "image/png", "NPY": "application/x-npy", "PLY": "model/ply"}


class ServerOfTree(Server):
    """A server whose code is that of a tree: its entry point is what the tree's project says."""

    def __init__(self, tree: Path, protocol: Protocol, log: Path, *arguments: str) -> None:
        self.protocol = protocol
        self.port = self.metrics_port = free_port()
        self.log = log
        project = tomllib.loads((tree / "pyproject.toml").read_text())["project"]
        module, function = project["scripts"][f"vizion3d-serve-{protocol}"].split(":")
        start = f"from {module} import {function}; {function}()"
        environment = {**os.environ, "PYTHONPATH": str(tree)}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        with log.open("wb") as stream:
            self.process = subprocess.Popen(
                (sys.executable, "-c", start, "--port", str(self.port), *arguments),
                stdout=stream,
                stderr=stream,
                cwd=log.parent,  # not this tree, which Python would look into first
                env={**environment, "VIZION3D_MODEL_CACHE": str(log.with_suffix(".cache"))},
            )

    @property
    def cpu_s(self) -> float:
        """Seconds of all cores that the process has taken."""
        times = psutil.Process(self.process.pid).cpu_times()
        return float(times.user + times.system)


@dataclass
class Taken:
    """What one tree's server did in each round."""

    per_s: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)
    answer_bytes: int = 0


@contextmanager
def of_both(trees: tuple[Path, Path], protocol: Protocol, folder: Path) -> Iterator[list[Server]]:
    """Both trees' servers, ready, with a seeded checkpoint."""
    model = str(save_checkpoint(folder / "vits.safetensors", VITS))
    with ExitStack() as stack:
        servers: list[Server] = []
        for number, tree in enumerate(trees):
            log = folder / f"{protocol}{number}.log"
            server = ServerOfTree(tree, protocol, log, "--depth_model", model)
            stack.callback(server.end)
            servers.append(server.until_ready())
        yield servers


def measure(
    servers: list[Server], make: Callable[[Server], Ask], clients: int, count: int, rounds: int
) -> list[Taken]:
    """``count`` requests a round by ``clients`` that each send the next after the last.

    The first round is not counted; which tree comes first changes from round to round.
    """
    askers = [[make(server) for _ in range(clients)] for server in servers]
    taken = [Taken() for _ in servers]
    each = max(1, count // clients)
    with ThreadPoolExecutor(clients) as pool:
        for number in range(1 + rounds):
            for which in (0, 1) if number % 2 else (1, 0):
                server = servers[which]
                assert isinstance(server, ServerOfTree)
                cpu_s, begin = server.cpu_s, time.perf_counter()
                sizes = list(pool.map(lambda ask: [ask() for _ in range(each)], askers[which]))
                wall_s = time.perf_counter() - begin
                if number:
                    taken[which].per_s.append(clients * each / wall_s)
                    taken[which].cpu_ms.append(1000 * (server.cpu_s - cpu_s) / (clients * each))
                taken[which].answer_bytes = sizes[0][0]
    return taken


def row(form: str, clients: int, taken: list[Taken]) -> str:
    """One line of the table: medians, and the median of the rounds' ratios."""
    then, now = taken
    per_s, cpu_ms = (
        [statistics.median(values) for values in pair]
        for pair in ((then.per_s, now.per_s), (then.cpu_ms, now.cpu_ms))
    )
    ratios = [b / a for a, b in zip(then.per_s, now.per_s, strict=True)]
    return (
        f"| {form} | {clients} | {per_s[0]:.2f} | {per_s[1]:.2f} "
        f"| **{statistics.median(ratios):.3f}** | {min(ratios):.2f} to {max(ratios):.2f} "
        f"| {max(now.per_s) / max(then.per_s):.3f} "
        f"| {cpu_ms[1] / cpu_ms[0]:.3f} | {now.answer_bytes / then.answer_bytes:.3f} |"
    )


def commit_of(tree: Path) -> str:
    return subprocess.check_output(
        ["git", "rev-parse", "--short", "HEAD"], cwd=tree, text=True
    ).strip()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("other", type=Path, help="A worktree of the commit to compare with.")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--count", type=int, default=16, help="requests of a round")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--input-size", type=int, default=518)
    arguments = parser.parse_args()
    size_px = arguments.input_size
    trees = (arguments.other.resolve(), ROOT)
    then, now = (commit_of(tree) for tree in trees)
    forms: dict[Protocol, dict[str, Callable[[Server], Ask]]] = {
        "rest": {
            f"REST {name}": partial(rest_asker, accept=accept, input_size=size_px)
            for name, accept in REST_FORMS.items()
        },
        "grpc": {"gRPC packed": partial(grpc_asker, packed=True, input_size=size_px)},
    }
    lines = [
        f"### The servers of {now} beside those of {then}",
        "",
        describe_machine(),
        "",
        f"Coffee, 600 x 400; seeded vits, which sees it at {size_px} pixels; "
        f"{arguments.rounds} rounds of {arguments.count} requests, in turn. "
        f"`python -m benchmarks.beside_serving OTHER_TREE --input-size {size_px}`",
        "",
        f"| answer | clients | requests/s of {then} | of {now} | ratio | in the rounds "
        "| of the best rounds | CPU time of a request | bytes |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    with tempfile.TemporaryDirectory() as folder:
        for protocol, makers in forms.items():
            with of_both(trees, protocol, Path(folder)) as servers:
                for clients in arguments.clients:
                    for form, make in makers.items():
                        taken = measure(servers, make, clients, arguments.count, arguments.rounds)
                        lines.append(row(form, clients, taken))
                        print(lines[-1], flush=True)
    (RESULTS / f"beside_serving-{size_px}.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
