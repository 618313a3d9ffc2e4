import os
from pathlib import Path

import pytest

from dapbridge.whole_file import write_whole


def test_a_new_file_has_the_usual_permissions_and_its_folder_is_made(tmp_path: Path) -> None:
    file = tmp_path / "reports" / "junit.xml"
    write_whole(file, b"<xml/>")
    umask = os.umask(0)
    os.umask(umask)
    assert (file.read_bytes(), file.stat().st_mode & 0o777) == (b"<xml/>", 0o666 & ~umask)
    assert os.listdir(file.parent) == ["junit.xml"]


def test_a_symlink_and_permissions_stay(tmp_path: Path) -> None:
    file, link = tmp_path / "file", tmp_path / "link"
    file.write_bytes(b"old")
    file.chmod(0o640)
    link.symlink_to("file")
    write_whole(link, b"new")
    assert link.is_symlink()
    assert (file.read_bytes(), file.stat().st_mode & 0o777) == (b"new", 0o640)


def test_what_is_no_regular_file_stays_what_it_is(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_whole(fifo, b"report")
        assert os.read(reader, 100) == b"report"
    finally:
        os.close(reader)
    assert fifo.is_fifo()


def test_what_was_there_stays_where_nothing_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"old")

    def refuse(source: str, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OSError, match="No space"):
        write_whole(file, b"new")
    assert (file.read_bytes(), os.listdir(tmp_path)) == (b"old", ["file"])
