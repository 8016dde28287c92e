"""MLServer with its own scikit-learn runtime, in one process (between two, each request is pickled). Takes posts and a port."""

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import joblib

sys.path.append(str(Path(__file__).parents[1]))
from model import fitted

if __name__ == "__main__":
    with TemporaryDirectory() as scratch:
        folder, port = Path(scratch), int(sys.argv[2])
        joblib.dump(fitted(Path(sys.argv[1])), folder / "model.joblib")
        ports = {"http_port": port, "grpc_port": port + 1, "metrics_port": port + 2}
        (folder / "settings.json").write_text(
            json.dumps({"host": "127.0.0.1", **ports, "metrics_endpoint": None, "parallel_workers": 0, "debug": False})
        )
        (folder / "model-settings.json").write_text(json.dumps({
            "name": "judge", "implementation": "mlserver_sklearn.SKLearnModel", "parameters": {"uri": "./model.joblib"},
        }))  # fmt: skip
        subprocess.run([str(Path(sys.executable).with_name("mlserver")), "start", "."], check=True, cwd=folder)
