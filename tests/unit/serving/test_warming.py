import subprocess
import sys

PROGRAM = """
import sys
from pathlib import Path
from goldstream.models import shares
from goldstream.models.folder import load_model
from goldstream.serving import warming, writing
from goldstream.stream.champion import Fixed

warming.warm_up(Fixed(load_model(Path(sys.argv[1])), 1))
assert writing._write.signatures, "the first answer would wait for its writer"
assert shares.token_sums.signatures, "the first explanation would wait"
"""


def test_after_it_no_request_waits_for_a_compiler(folders):
    subprocess.run([sys.executable, "-c", PROGRAM, folders[0]], check=True)
