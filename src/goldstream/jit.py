"""Compiles kernels with numba, keeping the machine code in a folder that only we write to.

Numba asks for its cache folder when it is imported, so this module is the one place that imports it. Compiled once, a
kernel loads in a hundredth of a second; where no folder is writable every process compiles for itself.
"""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

_F = TypeVar("_F", bound=Callable[..., Any])


def _sources() -> str:
    """Stands for the text of all kernels: numba itself does not notice when a kernel that another calls has changed."""
    texts = [file.read_bytes() for file in sorted((Path(__file__).parent / "models").glob("*.py"))]
    kernels = [text for text in texts if b"goldstream.jit" in text]
    return hashlib.sha256(b"".join(kernels)).hexdigest()[:12]


def _cache_folder() -> str | None:
    """A writable folder of this user's, or nothing: a cache that others can write to would run their code."""
    base = os.environ.get("XDG_CACHE_HOME")
    try:
        folder = (Path(base) if base else Path.home() / ".cache") / "goldstream" / f"numba-{_sources()}"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except (OSError, RuntimeError):
        return None
    return str(folder) if os.access(folder, os.W_OK) and folder.stat().st_uid == os.getuid() else None


def _prepare() -> bool:
    if "NUMBA_CACHE_DIR" not in os.environ:
        folder = _cache_folder()
        if folder is None:
            return False
        os.environ["NUMBA_CACHE_DIR"] = folder
    return True


_CACHED = _prepare()

import numba  # noqa: E402  (after the cache folder is set)
from numba.core import types as types  # noqa: E402
from numba.extending import intrinsic as intrinsic  # noqa: E402


def kernel(function: _F) -> _F:
    """Return `function` compiled on its first call, free of the interpreter's lock, and cached where possible."""
    return _compiled(function, _nrt=True)


def tight_kernel(function: _F) -> _F:
    """Return `function` compiled as `kernel` does, for code that makes no arrays: it spends nothing on counting them."""
    return _compiled(function, _nrt=False)


def tiny_kernel(function: _F) -> _F:
    """Return `function` compiled as `tight_kernel` does, to become part of whatever calls it."""
    return _compiled(function, _nrt=False, forceinline=True)


def _compiled(function: _F, **options: Any) -> _F:
    options = {"nogil": True, "error_model": "numpy", **options}
    try:
        return cast(_F, numba.njit(cache=_CACHED, **options)(function))
    except RuntimeError:  # numba finds no place for its cache
        return cast(_F, numba.njit(**options)(function))
