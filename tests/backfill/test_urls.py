"""Files of object storage, by the URLs of fsspec."""

from collections.abc import Callable, Iterator
from pathlib import Path

import fsspec
import pytest

from service.backfill.run import Outcome
from service.intake.rows import FileError

Run = Callable[..., Outcome]


@pytest.fixture
def bucket(answers: Path) -> Iterator[str]:
    """A bucket that is kept in memory, with the answers in it."""
    files = fsspec.filesystem("memory")
    files.pipe("/bucket/2026/answers.csv", answers.read_bytes())
    files.pipe("/bucket/2026/notes.pdf", b"not a table")
    yield "memory://bucket"
    files.rm("/bucket", recursive=True)


def test_in_and_out(
    run: Run, bucket: str, answers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Inputs and output may be URLs; the output is that of local files, and the companions lie beside it."""
    monkeypatch.chdir(tmp_path)
    files = fsspec.filesystem("memory")
    run(answers, output=tmp_path / "local.csv")
    outcome = run(f"{bucket}/2026", output=f"{bucket}/out/tagged.csv")
    assert outcome.totals.rows == 235
    assert files.cat("/bucket/out/tagged.csv") == (tmp_path / "local.csv").read_bytes()
    assert sorted(name.rpartition("/")[2] for name in files.ls("/bucket/out", detail=False)) == [
        "tagged.csv", "tagged.csv.quarantine.csv", "tagged.csv.report.html",
    ]  # fmt: skip
    with pytest.raises(FileError, match="is there already"):
        run(f"{bucket}/2026", output=f"{bucket}/out/tagged.csv")


def test_file_urls(run: Run, answers: Path, tmp_path: Path) -> None:
    """`file://` works as any other."""
    run(f"file://{answers}", output=tmp_path / "a.csv")
    run(answers, output=tmp_path / "b.csv")
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


def test_urls_that_cannot_be(run: Run, bucket: str, tmp_path: Path) -> None:
    """A kind of storage that is not known, and a file that is not there, are told."""
    with pytest.raises(FileError, match=r"nowhere://x\.csv: cannot be read"):
        run("nowhere://x.csv", output=tmp_path / "a.csv")
    with pytest.raises(FileError, match=r"none\.csv: found no such file"):
        run(f"{bucket}/none.csv", output=tmp_path / "a.csv")
