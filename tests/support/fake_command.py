"""How to start `fake_dapbridge` as a process."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

SERVE = (sys.executable, "-m", "support.fake_dapbridge", "serve")
ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")]),
}
