"""What a type checker says of commands, handlers and tasks."""

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
from dataclasses import dataclass
from vizion3d.core.cqrs import Bus, Command
from vizion3d.task import Feature, Parts, Task

@dataclass
class Count(Command[int]):
    text: str

def right(command: Count) -> int:
    return len(command.text)

def wrong(command: Count) -> str:
    return command.text

def register_right(parts: Parts, bus: Bus) -> None:
    bus.register(Count, right)

def register_wrong(parts: Parts, bus: Bus) -> None:
    bus.register(Count, wrong)  # line

bus = Bus()
bus.register(Count, right)
bus.register(Count, wrong)  # line
reveal_type(bus.dispatch(Count("a")))
feature = Feature("count", "counting", "count_model")
Task(feature, {"program:Count": register_right}, "", (), "", "")
Task(feature, {"program:Count": wrong}, "", (), "", "")  # line
"""


@pytest.mark.process
def test_a_handler_of_the_wrong_result_type_does_not_type_check(tmp_path: Path) -> None:
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line.split(":", 1)[1] for line in checked.stdout.splitlines() if ":" in line]
    wrong = [number for number, text in enumerate(PROGRAM.splitlines(), 1) if "# line" in text]
    errors = [int(line.split(":")[0]) for line in lines if " error: " in line]
    assert errors == wrong, checked.stdout
    assert 'Revealed type is "int"' in checked.stdout.replace("builtins.", "")
