"""Settings are changed where they stand, or the file is left alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ConfigError
from core.settings_file import with_settings
from core.untrusted import parse_toml

_FILE = """\
# Mine.
[student]   # small
model = "builtin-student"  # what came with it
max_new_tokens = 8

[expert]
# model = "never"
looks = 2
"""


def test_a_value_is_replaced_where_it_stands_and_all_else_stays() -> None:
    changed = with_settings(_FILE, {"student.model": "smolvlm-256m", "expert.model": "x", "expert.looks": 1})
    assert changed == (
        "# Mine.\n[student]   # small\n"
        'model = "smolvlm-256m"  # what came with it\n'
        "max_new_tokens = 8\n\n[expert]\n"
        'model = "x"\n# model = "never"\nlooks = 1\n'
    )


def test_what_is_missing_is_added() -> None:
    assert with_settings("", {"expert.looks": 1}) == "[expert]\nlooks = 1\n"
    added = with_settings("[student]\nmodel='a'", {"expert.model": 'C:\\"é"'})
    assert added == '[student]\nmodel=\'a\'\n\n[expert]\nmodel = "C:\\\\\\"é\\""\n'


@pytest.mark.parametrize(
    "text",
    [
        'student = {model = "a"}\n',
        'student.model = "a"\n',
        '[student]\n"model" = "a"\n',
        '[student]\nmodel = """a\nb"""\n',
        '[expert]\nx = """\n[student]\nmodel = "b"\n"""\n',
        "student = 3\n",
    ],
)
def test_what_cannot_be_changed_safely_is_left_to_a_person(text: str) -> None:
    with pytest.raises(ConfigError, match=r"by hand|not valid"):
        with_settings(text, {"student.model": "new"})


def test_a_broken_file_is_said_to_be_so() -> None:
    with pytest.raises(ConfigError, match="Correct it there"):
        with_settings("[student\n", {"student.model": "new"})


@given(st.text(st.characters(exclude_categories=("Cs", "Cc"), max_codepoint=0xFFFF), max_size=30))
def test_any_text_can_be_a_value(value: str) -> None:
    changed = with_settings(_FILE, {"student.model": value})
    assert parse_toml(changed.encode())["student"] == {"model": value, "max_new_tokens": 8}
