import json
from pathlib import Path

import pytest

from core.errors import MissingDependencyError
from core.extras import load, require


def test_what_is_installed_is_imported() -> None:
    assert require("json", "dev") is json
    assert load("json:dumps") is json.dumps


def test_what_is_missing_names_the_line_to_type() -> None:
    with pytest.raises(MissingDependencyError, match=r"'no_such_library'.*pip install 'roomwise\[rooms\]'"):
        require("no_such_library.part", "rooms")


def test_a_bug_inside_an_installed_library_is_not_called_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_library.py").write_text("import another_missing_library\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="another_missing_library"):
        require("broken_library", "rooms")
