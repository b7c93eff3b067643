"""Thousands of stereo requests drawn by chance, over REST and gRPC: does one make a server fail?

``python -m benchmarks.stereo_requests --count 10000`` sends half of them over each protocol, to
servers in this process, and ends with 1 if one was answered by a fault of ours.
"""

import argparse
import logging
import random
import sys
import time
from collections import Counter

from benchmarks.contestants import RESULTS
from tests.support.in_process import over_grpc, over_rest
from tests.support.stereo_requests import draw, fault_over_grpc, fault_over_rest
from vizion3d.server.settings import ServerSettings
from vizion3d.serving import build_service


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    logging.disable(logging.CRITICAL)
    chance = random.Random(arguments.seed)
    outcomes: Counter[str] = Counter()
    faults: list[str] = []
    start = time.monotonic()
    settings = ServerSettings(port=0, features=("stereo_depth",))
    with (
        over_rest(build_service(settings)) as rest,
        over_grpc(build_service(settings)) as rpc,
    ):
        for number in range(arguments.count):
            request = draw(chance)
            if number % 2:
                code, fault = fault_over_grpc(rpc, request)
                outcomes[f"gRPC {code}"] += 1
            else:
                status, fault = fault_over_rest(rest, request)
                outcomes[f"REST {status}"] += 1
            if fault:
                faults.append(f"{number}: {fault}")
                print(faults[-1], request.fields, request.accept, request.calibrations, flush=True)
            if number % 1000 == 999:
                print(number + 1, f"{time.monotonic() - start:.0f} s", flush=True)
    lines = [
        f"### {arguments.count:,} stereo requests drawn by chance (seed {arguments.seed})",
        "",
        "| answer | requests |",
        "| --- | --- |",
        *(f"| {name} | {count:,} |" for name, count in sorted(outcomes.items())),
        "",
        f"Faults of ours: {len(faults)}.",
    ]
    page = "\n".join(lines) + "\n"
    (RESULTS / "stereo_requests.md").write_text(page)
    print(page)
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
