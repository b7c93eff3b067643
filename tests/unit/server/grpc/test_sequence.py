import asyncio

from vizion3d.server.grpc.sequence import Sequence


class Counter:
    """Numbers what follows, in the order in which it comes."""

    def __init__(self) -> None:
        self.seen = 0

    def __call__(self, result: str) -> str:
        self.seen += 1
        return f"{result}{self.seen}"


def start(request: str) -> Counter | None:
    return Counter() if request == "follow" else None


async def answers(requests: list[str], delays_s: list[float]) -> list[str]:
    """What becomes of results ``a``, ``b`` ... that come after their delays; ``-`` never comes."""
    sequence = Sequence(start)
    places = [sequence.place(request) for request in requests]

    async def answer(index: int) -> str:
        place = places[index]
        try:
            await asyncio.sleep(delays_s[index])
            return "-" if requests[index] == "fail" else await place.take("abcd"[index])
        finally:
            await place.leave()

    return await asyncio.gather(*(answer(index) for index in range(len(requests))))


def test_results_follow_in_the_order_of_their_requests() -> None:
    found = asyncio.run(answers(["follow"] * 4, [0.03, 0.0, 0.02, 0.0]))
    assert found == ["a1", "b2", "c3", "d4"]


def test_one_that_never_comes_holds_nobody_up_and_lets_nobody_overtake() -> None:
    found = asyncio.run(answers(["follow", "fail", "follow"], [0.03, 0.0, 0.0]))
    assert found == ["a1", "-", "c2"]


def test_one_that_asks_for_nothing_stays_as_it_is() -> None:
    assert asyncio.run(answers(["plain", "follow", "plain"], [0.0] * 3)) == ["a", "b1", "c"]
