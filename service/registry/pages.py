"""The comparison pages that training runs leave for people."""

from pathlib import Path

PATTERN = "compare-*.html"


def remove_pages(reports: Path) -> int:
    """Remove all comparison pages, because they quote comments; how many there were.

    Each can be made again, by `make compare`, without the comments that have been deleted since.
    """
    found = list(reports.glob(PATTERN))
    for page in found:
        page.unlink(missing_ok=True)
    return len(found)
