"""What a version would change: the newest posts on the log, scored with two versions."""

from collections import Counter
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from goldstream.errors import DataError
from goldstream.labeling.show import excerpt
from goldstream.links import extract
from goldstream.models.folder import Loaded
from goldstream.run.project import Project
from goldstream.stream.champion import load

SHOWN = 10  #: posts that are shown of those that change
LONGEST = 90  #: characters of each, for people


def difference(project: Project, first: int, second: int, *, posts: int = 1_000) -> dict[str, Any]:
    """Score the newest posts on the log with both versions, each at its threshold; return what the second would change.

    Raises `DataError` when the log is empty, or the versions are one, or know other labels than each other.
    """
    if first == second:
        raise DataError(f"version {first} differs in nothing from itself; name two versions")
    registry, cache = project.registry(), project.data_folder / "models"
    models = [load(registry, version, cache).at(registry.thresholds()).model for version in (first, second)]
    names = [sorted(model.labels) for model in models]
    if names[0] != names[1]:
        raise DataError(f"version {first} knows {', '.join(names[0])}, version {second} {', '.join(names[1])}")
    newest = newest_posts(project, posts)
    keep, has_link = project.settings.project.keep, _may_be_kept(project, newest)
    (said, before), (would_say, after) = (_judged(model, newest, keep) for model in models)
    kept, would_keep = ((labels == keep) & has_link for labels in (said, would_say))
    changed = np.flatnonzero(said != would_say)
    shown = changed[np.argsort(-np.abs(after - before)[changed], kind="stable")][:SHOWN].tolist()
    return {
        "first": first, "second": second, "posts": newest.num_rows,
        "kept": {str(first): int(kept.sum()), str(second): int(would_keep.sum())},
        "kept_by_both": int((kept & would_keep).sum()),
        "changed": len(changed),
        "flips": [
            {"from": old, "to": new, "posts": posts}
            for (old, new), posts in Counter(zip(said[changed].tolist(), would_say[changed].tolist(), strict=True)).most_common()
        ],
        "mean_move": float(np.abs(after - before).mean()),
        "examples": [
            {
                "text": newest["text"][row].as_py(),
                str(first): {"label": str(said[row]), "probability": float(before[row])},
                str(second): {"label": str(would_say[row]), "probability": float(after[row])},
            }
            for row in shown
        ],
    }  # fmt: skip


def described(found: dict[str, Any], keep: str) -> str:
    """Return what `difference` found in words; probabilities are those of the label `keep`."""
    first, second, both = found["first"], found["second"], found["kept_by_both"]
    kept, would_keep = found["kept"][str(first)], found["kept"][str(second)]
    flips = ", ".join(f"{each['posts']:,} {each['from']} → {each['to']}" for each in found["flips"])
    lines = [
        f"the newest {found['posts']:,} posts: version {first} keeps {kept:,}, version {second} {would_keep:,}, {both:,} of them the same",
        f"{found['changed']:,} get another label{f' ({flips})' if flips else ''}; the probability of {keep!r} moves by "
        f"{found['mean_move']:.3f} on average",
    ]
    for each in found["examples"]:
        old, new = each[str(first)], each[str(second)]
        moved = f"{old['label']} {old['probability']:.2f} → {new['label']} {new['probability']:.2f}"
        lines.append(f"  {moved}  {excerpt(each['text'], LONGEST)}")
    return "\n".join(lines)


def newest_posts(project: Project, posts: int) -> pa.RecordBatch:
    """Return the newest posts on the log, each in its newest revision, without those deleted since; schema `POSTS`.

    Raises `DataError` when there are none.
    """
    log = project.log()
    found: list[pl.DataFrame] = []
    try:
        for partition, extent in log.extents().items():
            for part in log.read(partition, max(extent.start, extent.end - posts), posts):
                found.append(pl.DataFrame(pl.from_arrow(part.posts)))
                if part.end >= extent.end:
                    break
    finally:
        log.close()
    newest = pl.concat(found).sort("revision", maintain_order=True).unique("id", keep="last") if found else pl.DataFrame()
    if not len(newest) or not len(newest := newest.filter(pl.col("kind").is_in(["create", "update"]))):
        raise DataError("there are no posts on the log to compare with; `goldstream ingest` brings some")
    return newest.sort("seen_at", "id").tail(posts).to_arrow().combine_chunks().to_batches()[0]


def _may_be_kept(project: Project, posts: pa.RecordBatch) -> np.ndarray:
    """Which posts may be kept at all (bool): those with a link, where the settings want one."""
    if not project.settings.stream.require_link:
        return np.ones(posts.num_rows, bool)
    return (extract(posts).list.len() > 0).to_numpy()


def _judged(model: Loaded, posts: pa.RecordBatch, keep: str) -> tuple[np.ndarray, np.ndarray]:
    """The label of each post, and the probability of `keep`."""
    scores = model.predict_proba(posts["text"].cast(pa.string()))
    return np.array(model.labels, object)[model.decide(scores)], scores[:, model.labels.index(keep)]
