"""What mkdocs does beside its plugins: cross-references of docstrings become plain names."""

import re
from typing import Any

_ROLE = re.compile(r":(?:class|data|meth|func|mod|attr|exc):<code>~?([^<]*)</code>")


def on_page_content(html: str, **_: Any) -> str:
    """Sphinx's ``:class:`~package.Name``` as the name's last part, in code."""
    return _ROLE.sub(lambda match: f"<code>{match[1].rsplit('.', 1)[-1]}</code>", html)
