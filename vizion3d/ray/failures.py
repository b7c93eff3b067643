"""Taking the rows that failed out of a destination, so that the next run does their photos again.

Whatever ends this in between, no photo is lost or twice: what is no longer in the destination is
done by the next run.
"""

import json
import tarfile
import tempfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from vizion3d.ray.files import Files
from vizion3d.ray.sinks import Into


def forget_failures(files: Files, into: Into) -> None:
    """Rewrite tables or shards without the rows that have an error; of files nothing is there.

    Args:
        files: The destination.
        into: What it has.

    Raises:
        OSError: It cannot be read or written.
    """
    forget: dict[Into, tuple[str, Callable[[Files, str], None]]] = {
        "parquet": (".parquet", _forget_in_table),
        "webdataset": (".jsonl", _forget_in_shard),
    }
    if into not in forget:
        return
    ending, rewrite = forget[into]
    prefix = "shard-" if into == "webdataset" else ""
    for path in files.listed():
        if path.endswith(ending) and path.startswith(prefix):
            rewrite(files, path)


def _forget_in_table(files: Files, path: str) -> None:
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    with tempfile.TemporaryDirectory(prefix="vizion3d-shard-") as folder:
        kept = Path(folder) / "kept"
        with files.open(path) as opened:
            source = pq.ParquetFile(opened)
            errors = source.read(columns=["error"])["error"].to_pylist()
            if not any(errors):
                return
            with pq.ParquetWriter(kept, source.schema_arrow) as writer:
                for index in range(source.num_row_groups):
                    group = source.read_row_group(index)
                    writer.write_table(group.filter(pc.equal(group["error"], "")))
        if all(errors):
            files.delete(path)
        else:
            files.put(path, kept)


def _forget_in_shard(files: Files, path: str) -> None:
    lines = files.read(path).splitlines()
    kept = [line for line in lines if not json.loads(line)["error"]]
    if len(kept) == len(lines):
        return
    shard = path.removesuffix(".jsonl") + ".tar"
    with tempfile.TemporaryDirectory(prefix="vizion3d-shard-") as folder:
        rewritten = Path(folder) / "kept"
        with files.open(shard) as opened:
            _copy_without_failures(opened, rewritten)
        # A shard without its list counts for nothing: so nothing is twice if this ends here.
        files.delete(path)
        if kept:
            files.put(shard, rewritten)
            files.write(path, b"".join(line + b"\n" for line in kept))
        else:
            files.delete(shard)


def _copy_without_failures(opened: BinaryIO, target: Path) -> None:
    with tarfile.open(fileobj=opened, mode="r|") as source, tarfile.open(target, "w") as tar:
        for member in source:
            stream = source.extractfile(member)
            content = stream.read() if stream else b""
            # A photo that failed has its JSON and nothing else.
            if member.name.endswith(".json") and json.loads(content)["error"]:
                continue
            tar.addfile(member, BytesIO(content))
