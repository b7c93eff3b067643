"""Many machines, by Ray: batch jobs on Ray Data (:func:`batch`), replicas on Ray Serve.

Nothing of our own moves work between machines. Importing this loads no Ray.
"""

from vizion3d.ray.job import Progress, Summary, batch

__all__ = ["Progress", "Summary", "batch"]
