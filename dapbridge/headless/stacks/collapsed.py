"""Reports as the lines that flame graph tools read: frames from the outermost in, joined by ";", and a count."""

from collections import Counter
from collections.abc import Sequence

from dapbridge.headless.stacks.report import Report
from dapbridge.headless.stacks.text import CONTROLS, flame_name


def to_collapsed(reports: Sequence[Report]) -> str:
    """Return one line a stack."""
    counts: Counter[str] = Counter()
    for report in reports:
        root = report.program.rpartition("/")[2]
        for thread in report.threads:
            frames = [_clean(flame_name(each)) for each in reversed(thread.frames)] or [f"[{thread.state}]"]
            counts[";".join([_clean(root), *frames])] += 1
    return "".join(f"{stack} {count}\n" for stack, count in sorted(counts.items()))


def _clean(text: str) -> str:
    return " ".join(text.replace(";", ":").split()).translate(CONTROLS)
