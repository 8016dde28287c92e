"""How much memory `goldstream demo` takes: every process of it, PostgreSQL counted, from the start to the live stream.

    python benchmarks/memory.py --seconds 90 --out memory.json

Proportional set sizes (`smaps_rollup`): a page that several processes share counts once, in parts. What this does not show:
the kernel's page cache, and a larger dataset or model than the demo's. Linux only.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import psutil

EVERY_S = 0.5


def processes(root: psutil.Process, folder: Path) -> list[psutil.Process]:
    """Everything that belongs to the project in `folder`: the command's tree, the keeper, and PostgreSQL below it."""
    found = {root.pid: root} | {child.pid: child for child in root.children(recursive=True)}
    for process in psutil.process_iter():
        try:
            if str(folder) in " ".join(process.cmdline()) and "keeper.py" in " ".join(process.cmdline()):
                found |= {process.pid: process} | {child.pid: child for child in process.children(recursive=True)}
        except psutil.Error:
            continue
    return list(found.values())


def proportional_mb(process: psutil.Process) -> float:
    """The proportional set size; 0 for a process that has just ended."""
    try:
        lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("Pss:")).split()[1]) / 1024
    except (OSError, StopIteration):
        return 0.0


def part(process: psutil.Process) -> str:
    """What a process does in the project."""
    try:
        words = process.cmdline()
    except psutil.Error:
        return "ended"
    if "goldstream.run.part" in words:
        return words[words.index("goldstream.run.part") + 1]
    return "PostgreSQL" if words and "postgres" in words[0] else "keeper" if "keeper.py" in " ".join(words) else "supervisor"


def sample(root: psutil.Process, folder: Path) -> dict[str, float]:
    """Megabytes by part, now."""
    sizes: dict[str, float] = defaultdict(float)
    for process in processes(root, folder):
        sizes[part(process)] += proportional_mb(process)
    return dict(sizes)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=90)
    parser.add_argument("--out", type=Path, default=Path("memory.json"))
    arguments = parser.parse_args()
    samples: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "demo"
        command = [sys.executable, "-m", "goldstream", "demo", str(folder), "--port", "0"]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as demo:
            began = time.monotonic()
            while time.monotonic() - began < arguments.seconds and demo.poll() is None:
                samples.append(sample(psutil.Process(demo.pid), folder))
                time.sleep(EVERY_S)
            demo.terminate()
    peak, last = max(samples, key=lambda each: sum(each.values())), samples[-1]
    print(f"{'part':<16}{'at the peak':>12}{'at the end':>12}   MB")
    for name in sorted({*peak, *last}):
        print(f"{name:<16}{peak.get(name, 0):>12.0f}{last.get(name, 0):>12.0f}")
    print(f"{'all':<16}{sum(peak.values()):>12.0f}{sum(last.values()):>12.0f}")
    arguments.out.write_text(json.dumps({"peak": peak, "end": last, "all": [sum(each.values()) for each in samples]}, indent=1))


if __name__ == "__main__":
    main()
