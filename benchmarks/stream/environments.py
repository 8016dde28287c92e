"""The environments of rivals that can't live in ours: made once, kept in the user's cache, and made anew when what they need changes."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "goldstream" / "rivals"


def python(name: str) -> str:
    """Return the Python of the environment that `requirements-NAME.txt` describes."""
    wanted = HERE / f"requirements-{name}.txt"
    folder = CACHE / f"{name}-{_digest(wanted)}"
    if not (folder / "complete").exists():
        print(f"making the environment of {name} (once)", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        subprocess.run([folder / "bin" / "python", "-m", "pip", "install", "-q", "-r", wanted], check=True)
        (folder / "complete").touch()
    return str(folder / "bin" / "python")


def jars() -> list[str]:
    """Return Spark's Kafka connector and the driver of PostgreSQL, from Maven Central."""
    pom = HERE / "jars.xml"
    found = CACHE / f"jars-{_digest(pom)}.classpath"
    if not found.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        subprocess.run(["mvn", "-q", "-B", "-f", pom, "dependency:build-classpath", f"-Dmdep.outputFile={found}"], check=True)
    return [jar for jar in found.read_text().split(os.pathsep) if jar.endswith(".jar")]


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes() + sys.version.encode()).hexdigest()[:12]
