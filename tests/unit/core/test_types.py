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


ROOT = Path(__file__).parents[3]
# What the program speaks of; the rest of the package, and torch behind it, would take half a
# minute to check.
CHECKED = ("core/cqrs.py", "core/lazy.py", "task.py", "errors.py")
OPTIONS = ("--strict", "--follow-imports=skip", "--config-file=", "--cache-dir=/dev/null")


@pytest.mark.process
def test_a_handler_of_the_wrong_result_type_does_not_type_check(tmp_path: Path) -> None:
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    sources = (ROOT / "vizion3d" / name for name in CHECKED)
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", *OPTIONS, path, *sources],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    told = (line for line in checked.stdout.splitlines() if line.startswith(f"{path}:"))
    lines = [line.removeprefix(f"{path}:") for line in told]
    wrong = [number for number, text in enumerate(PROGRAM.splitlines(), 1) if "# line" in text]
    errors = [int(line.split(":")[0]) for line in lines if " error: " in line]
    assert errors == wrong, checked.stdout
    assert 'Revealed type is "int"' in checked.stdout.replace("builtins.", "")
