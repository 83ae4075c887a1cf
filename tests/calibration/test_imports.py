from __future__ import annotations

import subprocess
import sys

import pytest

from llmal import calibration


@pytest.mark.parametrize("name", calibration.__all__)
def test_every_public_name_is_there(name):
    assert getattr(calibration, name) is not None


def test_the_room_loads_no_heavy_library():
    program = (
        "import sys\n"
        "from llmal.calibration import *\n"
        "print(sorted({'scipy', 'sklearn', 'torch'} & sys.modules.keys()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
