"""A disk of its own for what must be able to fill up. It takes root to mount one."""

import shutil
import subprocess
import time
from contextlib import suppress
from pathlib import Path

ROOMY = 6 << 30  #: bytes that it may hold; what is not used costs nothing
LEFT = 1 << 16  #: bytes left when it is called full


class SmallDisk:
    """A folder in memory whose size can change."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.folder.mkdir()
        self.why_not = _mount("-t", "tmpfs", "-o", f"size={ROOMY},mode=755", "none", str(folder))

    def fill_up(self, seconds: float) -> None:
        """Leave no room for so long."""
        with suppress(OSError):
            _mount("-o", f"remount,size={shutil.disk_usage(self.folder).used + LEFT}", str(self.folder))
        time.sleep(seconds)
        _mount("-o", f"remount,size={ROOMY}", str(self.folder))

    def close(self) -> None:
        """Give the disk back, once nobody uses it; what is on it goes."""
        if self.why_not is None:
            subprocess.run(["umount", "--lazy", self.folder], check=True)


def _mount(*words: str) -> str | None:
    """Return why it can't be mounted, or None."""
    try:
        done = subprocess.run(["mount", *words], capture_output=True, text=True, check=False)
    except OSError as error:
        return str(error)
    return done.stderr.strip() if done.returncode else None
