"""``nano-stereo``: a stereo network on the encoder of ``nano``, trained on rendered pairs.

It is not part of the package: it does worse than ``sgbm`` (``docs/nano.md`` has the figures).

The network is in ``model`` and what that imports; its training in ``data``, ``losses`` and
``train``; its quality in ``measure``, ``real`` and ``evaluate``.
"""
