"""A skipped test is counted with its reason, and fails in CI (tests/conftest.py)."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
SKIP_A_TEST = "import pytest\ndef test_it():\n    pytest.skip('no moon tonight')\n"
SKIP_A_MODULE = "import pytest\npytest.skip('no moon tonight', allow_module_level=True)\n"
MAY_SKIP = "import pytest\npytestmark = pytest.mark.may_skip\n" + SKIP_A_TEST.partition("\n")[2]
EXPECT_A_FAILURE = "import pytest\n@pytest.mark.xfail\ndef test_it():\n    assert False\n"


def run_pytest(folder: Path, source: str, ci: str) -> subprocess.CompletedProcess[str]:
    """Run a test file under our conftest in a pytest of its own."""
    shutil.copy(TESTS / "conftest.py", folder)
    (folder / "test_skipping.py").write_text(source)
    options = ["-ra", "-p", "no:cacheprovider", "-c", os.devnull, f"--rootdir={folder}"]
    command = [sys.executable, "-m", "pytest", *options, str(folder)]
    environment = os.environ | {"CI": ci, "PYTHONPATH": str(TESTS)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("source", [SKIP_A_TEST, SKIP_A_MODULE])
def test_skip_fails_in_ci(tmp_path: Path, source: str) -> None:
    run = run_pytest(tmp_path, source, ci="true")
    assert run.returncode != 0, run.stdout
    assert "nothing may be skipped in CI: Skipped: no moon tonight" in run.stdout


@pytest.mark.parametrize("source", [SKIP_A_TEST, SKIP_A_MODULE])
def test_skip_is_counted_elsewhere(tmp_path: Path, source: str) -> None:
    run = run_pytest(tmp_path, source, ci="")
    assert "no moon tonight" in run.stdout
    assert run.stdout.splitlines()[-1].count("1 skipped") == 1


def test_expected_failure_is_no_skip(tmp_path: Path) -> None:
    run = run_pytest(tmp_path, EXPECT_A_FAILURE, ci="true")
    assert run.returncode == 0, run.stdout


def test_what_may_be_skipped_in_ci_is_counted(tmp_path: Path) -> None:
    run = run_pytest(tmp_path, MAY_SKIP, ci="true")
    assert run.returncode == 0, run.stdout
    assert "\n1 allowed to be skipped: no moon tonight\n" in run.stdout
