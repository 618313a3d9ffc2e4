"""What runs inside gdb, as one zip file that Python imports from: the package `inside_gdb`, and `rust_types` beside it.

`rust_types` stands at the top, because the distribution's printers import it by that name.
"""

import io
import zipfile
from functools import cache
from importlib.resources import files


@cache
def make_bundle() -> bytes:
    """Return the zip file."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files("dapbridge.engines.mi").joinpath("inside_gdb").iterdir():
            if file.name.endswith(".py"):
                folder = "" if file.name == "rust_types.py" else "inside_gdb/"
                archive.writestr(f"{folder}{file.name}", file.read_bytes())
    return packed.getvalue()
