"""How fast fp32 can be here: ``python -m benchmarks.bound``.

The network's work divided by the rate at which this CPU multiplies large float32 matrices.
"""

import statistics
import time

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.contestants import RESULTS, describe_machine
from tests.support.checkpoints import VITB, VITS, seeded_network

SIDE, ROUNDS = 4096, 8


def work_flop(encoder: str) -> float:
    """Floating point operations of one forward pass at 518 x 770."""
    network = seeded_network({"vits": VITS, "vitb": VITB}[encoder]).eval()
    # The plain attention, whose products the counter knows.
    with FlopCounterMode(display=False) as counter, torch.no_grad(), sdpa_kernel(SDPBackend.MATH):
        network(torch.zeros(1, 3, 518, 770))
    return float(counter.get_total_flops())


def sgemm_rate() -> float:
    """Median floating point operations a second of a product of float32 matrices."""
    a, b = torch.randn(2, SIDE, SIDE)
    a @ b
    taken = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        a @ b
        taken.append(time.perf_counter() - start)
    return 2 * SIDE**3 / statistics.median(taken)


def main() -> None:
    rate = sgemm_rate()
    work = {encoder: work_flop(encoder) for encoder in ("vits", "vitb")}
    bounds = "; ".join(
        f"{encoder}: {flop / 1e9:.0f} GFLOP, so {flop / rate:.2f} s"
        for encoder, flop in work.items()
    )
    page = f"""## What bounds fp32

`python -m benchmarks.bound`: this CPU multiplies float32 matrices of {SIDE} x {SIDE} at
{rate / 1e9:.0f} GFLOP/s. One forward pass at 518 x 770, with everything but the products free:
{bounds}.

{describe_machine()}
"""
    (RESULTS / "bound.md").write_text(page)
    print(page)


if __name__ == "__main__":
    main()
