import os
import time
from pathlib import Path

from goldstream.registry.folders import MOST_UNUSED, UNUSED_S, is_unharmed, pack, sha256_of, unpack


def _fetch(cache: Path, name: str) -> Path:
    made = cache.parent / f"made-{name}"
    made.mkdir(parents=True)
    (made / "model.json").write_text(name)
    data = pack(made)
    unpack(data, cache / sha256_of(data))
    return cache / sha256_of(data)


def _unused(folder: Path, seconds: float) -> None:
    os.utime(folder, (time.time() - seconds,) * 2)


def test_a_cache_forgets_what_nobody_has_used_for_long_but_for_the_last_few(tmp_path):
    cache = tmp_path / "cache"
    folders = [_fetch(cache, f"{number}") for number in range(MOST_UNUSED + 2)]
    for age, folder in enumerate(reversed(folders)):
        _unused(folder, UNUSED_S + 60 + age)
    assert is_unharmed(folders[0], folders[0].name)  # and is used by that
    newest = _fetch(cache, "newest")
    assert set(cache.iterdir()) == {newest, folders[0], *folders[4:]}
    assert [(folder / "model.json").read_text() for folder in (newest, folders[0])] == ["newest", "0"]


def test_a_cache_keeps_what_was_used_lately_however_much_it_is(tmp_path):
    cache = tmp_path / "cache"
    folders = [_fetch(cache, f"{number}") for number in range(MOST_UNUSED + 3)]
    assert set(cache.iterdir()) == set(folders)


def test_a_cache_forgets_what_a_killed_process_has_left_half_written(tmp_path):
    cache = tmp_path / "cache"
    half = cache / ".partial-x"
    (half / "model").mkdir(parents=True)
    _unused(half, 2 * UNUSED_S)
    folders = [_fetch(cache, f"{number}") for number in range(MOST_UNUSED + 1)]
    assert set(cache.iterdir()) == set(folders)


def test_a_folder_that_goes_while_it_is_looked_at_is_fetched_again(tmp_path):
    assert not is_unharmed(tmp_path / "gone", "0" * 64)
