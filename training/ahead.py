"""Rendering ahead of the training, in a process of its own."""

import multiprocessing
import os
import queue
from typing import Any

import torch
from torch import Tensor

from training.render import Renderer

Shard = tuple[Tensor, Tensor]
"""Images ``(B, 3, H, W)`` uint8 and inverse depths ``(B, H, W)`` float16."""
LOOK_EVERY_S = 0.5
"""How often it is looked whether the other process still lives."""


def pack(renderer: Renderer, count: int, size: tuple[int, int]) -> Shard:
    frames = renderer.render(count, *size)
    return (frames.image * 255).round().byte(), frames.inverse_depth.half()


class Ahead:
    """Shards of ``count`` images; at most two wait.

    Args:
        seed: Of the images.
        count: Images of a shard.
        size: Height and width of the images, pixels.
    """

    def __init__(self, seed: int, count: int, size: tuple[int, int]) -> None:
        context = multiprocessing.get_context("spawn")
        self.queue: Any = context.Queue(maxsize=2)
        self.process = context.Process(
            target=_work, args=(self.queue, seed, count, size), daemon=True
        )
        self.process.start()

    def take(self) -> Shard:
        """The next shard; waits for it.

        Raises:
            RuntimeError: The other process has ended.
        """
        while True:
            try:
                image, inverse = self.queue.get(timeout=LOOK_EVERY_S)
            except queue.Empty:
                if not self.process.is_alive():
                    status = self.process.exitcode
                    raise RuntimeError(f"the renderer ended with exit status {status}") from None
                continue
            return torch.from_numpy(image), torch.from_numpy(inverse)

    def stop(self) -> None:
        self.process.terminate()
        self.process.join()


def _work(shards: Any, seed: int, count: int, size: tuple[int, int]) -> None:
    parent = os.getppid()
    torch.set_num_threads(1)
    renderer = Renderer(seed)
    while os.getppid() == parent:
        image, inverse = pack(renderer, count, size)
        shards.put((image.numpy(), inverse.numpy()))
