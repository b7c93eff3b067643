"""Shell examples that need no shell: lines that only call ``vizion3d``."""

import re
import shlex
from dataclasses import dataclass

PLAIN_WORDS = r"(?:[^'\"$`|;&<>(){}*?~#\\\n]|'[^']*')*"
"""Nothing that a shell would expand, redirect or join; but for what is in quotes."""
PLAIN = re.compile(
    r"(?P<environment>(?:VIZION3D_\w+=\S+ )*)"
    rf"vizion3d (?!ui\b|serve-ray\b)(?P<arguments>{PLAIN_WORDS})"
)

WRITTEN_AND_RUN = re.compile(
    r"cat > (?P<name>\w+\.py) <<'PYTHON'\n(?P<code>.*)^PYTHON\npython (?P=name)\n",
    re.MULTILINE | re.DOTALL,
)
"""A block that writes one Python program and runs it."""


@dataclass(frozen=True)
class Call:
    """One line: the program's arguments, and the variables before it."""

    arguments: list[str]
    environment: dict[str, str]


def plain_calls(code: str) -> list[Call] | None:
    """The calls that a block consists of; ``None`` if it needs a shell."""
    lines = [PLAIN.fullmatch(line) for line in code.replace("\\\n", " ").splitlines()]
    calls = [
        Call(
            shlex.split(line["arguments"]),
            dict(word.split("=", 1) for word in shlex.split(line["environment"])),
        )
        for line in lines
        if line
    ]
    return calls if len(calls) == len(lines) else None
