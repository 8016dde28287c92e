"""Puts load on a server with wrk, and reads what came of it."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import psutil

SCRIPT = """
local requests, number = {}, 0
wrk.method = "POST"
wrk.headers["content-type"] = "application/json"
init = function()
  for line in io.lines("%s") do requests[#requests + 1] = wrk.format(nil, "%s", nil, line) end
end
request = function()
  number = number %% #requests + 1
  return requests[number]
end
"""
_UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3}


class Load(NamedTuple):
    """What wrk saw."""

    requests: int  #: answered, or refused
    requests_s: float
    p50_ms: float
    p99_ms: float
    failed: int  #: answers that were not 2xx, and connections that broke
    cpu_us: float  #: that the server's processes took for each request; says more than the rate on a machine that is not idle


def script(folder: Path, path: str, bodies: list[object]) -> Path:
    """Write what wrk sends: the bodies, one after the other, to `path`."""
    if shutil.which("wrk") is None:
        sys.exit("this benchmark needs wrk (Debian: apt-get install wrk)")
    lines = folder / f"bodies{len(bodies)}{path.replace('/', '-')}.jsonl"
    lines.write_text("\n".join(json.dumps(body) for body in bodies))
    file = lines.with_suffix(".lua")
    file.write_text(SCRIPT % (lines, path))
    return file


def run(url: str, server: int, lua: Path, *, seconds: int, connections: int) -> Load:
    """Ask the process `server` as fast as answers come, over so many connections."""
    before = _cpu_s(server)
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", str(lua), url]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    broken = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", said)
    wrong = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    failed = sum(map(int, broken.groups())) if broken else 0
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    assert rate is not None, said
    requests = re.search(r"(\d+) requests in", said)
    assert requests is not None, said
    cpu_us = (_cpu_s(server) - before) / max(1, int(requests[1])) * 1e6
    failed += int(wrong[1]) if wrong else 0
    return Load(int(requests[1]), float(rate[1]), _ms(said, "50%"), _ms(said, "99%"), failed, cpu_us)


def _cpu_s(server: int) -> float:
    """What the server and the processes that it has started took until now, in seconds."""
    process = psutil.Process(server)
    return float(sum(sum(each.cpu_times()[:2]) for each in [process, *process.children(recursive=True)]))


def _ms(said: str, quantile: str) -> float:
    found = re.search(rf"{quantile}\s+([\d.]+)(us|ms|s)", said)
    return float(found[1]) * _UNITS[found[2]] if found else float("nan")
