"""The requests of the how-to get answers."""

import re
import shlex
from itertools import pairwise
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "call-serving-from-any-client.md"
COMMANDS = re.findall(r"^\$ curl -s (.*)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_request_gets_an_answer(client, command):
    words = shlex.split(command.replace("$'", "'"))
    url = next(word for word in words if word.startswith("localhost"))
    given = dict(pairwise(words))
    body = given.get("-d", given.get("--data-binary", "").replace("\\n", "\n"))
    headers = dict([given["-H"].split(": ")]) if "-H" in given else {}
    method = "POST" if body or given.get("-X") else "GET"
    answer = client.request(method, f"http://{url}", content=body.encode(), headers=headers)
    assert (answer.status_code, answer.text != "") == (200, True)
