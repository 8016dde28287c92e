"""`mlflow models serve` on a scikit-learn model that MLflow saved, with one worker. Takes posts and a port."""

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import mlflow.sklearn

sys.path.append(str(Path(__file__).parents[1]))
from model import fitted

if __name__ == "__main__":
    with TemporaryDirectory() as scratch:
        folder = f"{scratch}/model"
        mlflow.sklearn.save_model(
            fitted(Path(sys.argv[1])), folder, pyfunc_predict_fn="predict_proba", serialization_format="cloudpickle"
        )
        command = [
            "-m",
            "mlflow",
            "models",
            "serve",
            "-m",
            folder,
            "--env-manager",
            "local",
            "--workers",
            "1",
            "-p",
            sys.argv[2],
        ]
        subprocess.run([sys.executable, *command], check=True)
