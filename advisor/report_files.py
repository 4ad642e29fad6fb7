"""Files that reports and saved advices are kept in."""

from pathlib import Path

from advisor.document import FORMAT
from advisor.errors import DocumentError, why_not


def write_report(text: str, path: str | Path) -> None:
    """Write a report to a file.

    Raises
    ------
    DocumentError
        If it cannot be written.
    """
    try:
        Path(path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise DocumentError("report_file", file=str(path), reason=why_not(error)) from None


def read_report(path: str | Path) -> str:
    """Text of a saved advice.

    Raises
    ------
    DocumentError
        If the file cannot be read.
    """
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise DocumentError("saved_file", file=str(path), reason=why_not(error)) from None
    except UnicodeDecodeError:
        raise DocumentError("document", place="-", format=FORMAT) from None
