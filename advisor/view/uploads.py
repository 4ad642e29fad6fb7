"""A model of the reader's own, handed over by the browser."""

import hashlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import ipywidgets as w

from advisor.errors import AdvisorError
from advisor.lab.folders import data_folder, made
from advisor.text import sentence
from advisor.view import markup

_DIGITS = 12


class Upload(w.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """Button that takes an ONNX file and hands on where it was put.

    Parameters
    ----------
    taken : callable
        Called with the path of the file, in the reader's data folder.
    """

    def __init__(self, taken: Callable[[Path], object]) -> None:
        self.lang = ""
        self._taken = taken
        self.button = w.FileUpload(
            accept=".onnx", multiple=False, layout=w.Layout(width="auto", align_self="flex-start")
        )
        self.message = w.HTML()
        super().__init__([self.button, self.message])
        self.button.observe(lambda change: self.take(change["new"]), names="value")

    def take(self, files: tuple[dict[str, Any], ...]) -> None:
        """Keep the file that the browser sent."""
        self.message.value = ""
        try:
            for file in files:
                self._taken(kept(file["name"], bytes(file["content"])))
        except AdvisorError as error:
            self.message.value = markup.status(error.in_language(self.lang), "error")

    def relabel(self, lang: str) -> None:
        """Put the words of the button in a language."""
        self.lang = lang
        self.button.description = sentence("view.live.upload", lang)


def kept(name: str, content: bytes) -> Path:
    """File with such contents in the reader's data folder, named as it came; the same file lies there once."""
    plain = PureWindowsPath(PurePosixPath(name).name).name or "model.onnx"
    digest = hashlib.sha256(content).hexdigest()[:_DIGITS]

    def write(draft: Path) -> None:
        draft.write_bytes(content)

    return made(data_folder() / "models" / digest / plain, write)
