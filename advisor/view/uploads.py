"""Files of the reader's own, handed over by the browser."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import ipywidgets as w

from advisor.errors import AdvisorError, Coded, RequirementError
from advisor.lab.folders import data_folder, made
from advisor.text import sentence
from advisor.view import markup
from advisor.view.fields import Field

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
                self._taken(kept(file["name"], bytes(file["content"]), "models"))
        except AdvisorError as error:
            self.message.value = markup.status(error.in_language(self.lang), "error")

    def relabel(self, lang: str) -> None:
        """Put the words of the button in a language."""
        self.lang = lang
        self.button.description = sentence("view.live.upload", lang)


class UploadField(Field):
    """Button that takes a CSV file; where it was put is the value.

    Parameters
    ----------
    name : str
        Name of the control.
    folder : str
        Folder within the reader's data folder.
    example : callable
        Text of a file that the reader may begin from.
    """

    def __init__(self, name: str, folder: str, example: Callable[[], str]) -> None:
        super().__init__(name, w.FileUpload(accept=".csv", multiple=False, layout=w.Layout(width="auto")))
        self._folder, self._example = folder, example
        self._path: Path | None = None
        self._lost: AdvisorError | None = None
        self._lang = ""
        self.chosen = w.HTML()
        self.box.children = (self.control, self.chosen, self.message)
        self.control.observe(lambda change: self._take(change["new"]), names="value")

    @property
    def value(self) -> Path:
        """File that was handed over.

        Raises
        ------
        RequirementError
            If there is none yet.
        MeasureError
            If it could not be kept.
        """
        if self._lost is not None:
            raise self._lost
        if self._path is None:
            raise RequirementError("no_upload", field=Coded(self.label_code))
        return self._path

    def relabel(self, lang: str) -> None:
        """Put the words of the button and of the example in a language."""
        self._lang = lang
        super().relabel(lang)
        name = "" if self._path is None else markup.paragraph(self._path.name, "note")
        link = (
            sentence(f"{self.label_code}_example", lang),
            f"{self.name}.csv",
            markup.data_address(self._example(), "text/csv"),
        )
        self.chosen.value = name + markup.downloads("", [link])

    def _take(self, files: tuple[dict[str, Any], ...]) -> None:
        """Keep the file that the browser sent."""
        self._lost = None
        try:
            for file in files:
                self._path = kept(file["name"], bytes(file["content"]), self._folder)
        except AdvisorError as error:
            self._lost = error
        self.relabel(self._lang)


@contextmanager
def by_its_name(path: Path) -> Iterator[None]:
    """While this lasts, an error speaks of a file by the name under which it was handed over."""
    try:
        yield
    except AdvisorError as error:
        if error.values.get("file") == str(path):
            error.values["file"] = path.name
        raise


def kept(name: str, content: bytes, folder: str) -> Path:
    """File with such contents in the reader's data folder, named as it came; the same file lies there once."""
    plain = PureWindowsPath(PurePosixPath(name).name).name or "file"
    digest = hashlib.sha256(content).hexdigest()[:_DIGITS]

    def write(draft: Path) -> None:
        draft.write_bytes(content)

    return made(data_folder() / folder / digest / plain, write)
