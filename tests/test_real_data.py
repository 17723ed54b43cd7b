"""Where the public data sets are looked for, and when their absence is a failure."""

import pytest

from conftest import Absent, find_real_data


@pytest.mark.parametrize(
    ("sentence", "variable", "folder", "found"),
    [
        ("beside the project by default", None, "shared/data", True),
        ("an empty variable names nothing", "", "shared/data", True),
        ("a folder that the variable names", "elsewhere", "project/elsewhere", True),
        ("absent, and nobody named it", None, None, False),
    ],
)
def test_the_folder(tmp_path, sentence, variable, folder, found):
    project = tmp_path / "project"
    project.mkdir()
    if folder is not None:
        (tmp_path / folder).mkdir(parents=True)
    environment = {} if variable is None else {"TRADING_REAL_DATA": variable}
    expected = (tmp_path / folder).resolve() if found else None
    assert find_real_data(environment, project) == expected, sentence


def test_a_named_folder_that_is_not_there_is_a_failure(tmp_path):
    with pytest.raises(Absent, match="no folder"):
        find_real_data({"TRADING_REAL_DATA": "nowhere"}, tmp_path)


def test_a_test_that_takes_the_data_is_marked(request):
    taking = [item for item in request.session.items if "real_data" in getattr(item, "fixturenames", ())]
    assert all(item.get_closest_marker("real_data") for item in taking)
