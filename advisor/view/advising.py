"""The panel: controls, one question, its answer."""

from advisor.full_advice import FullAdvice
from advisor.pipeline import advise
from advisor.presets import preset as preset_of
from advisor.presets import presets
from advisor.requirements import Requirements
from advisor.text import preferred_language
from advisor.view.answer import Answer
from advisor.view.asking import Asking


class Panel(Asking):
    """Form and answer; every change of a control asks again.

    Parameters
    ----------
    lang : str
        Language to begin with.
    preset : str
        Id of the preset to begin with.
    """

    def __init__(self, lang: str, preset: str) -> None:
        self.answer = Answer()
        super().__init__(lang, preset, [self.answer])
        self.relabel()

    def ask(self, asked: Requirements) -> FullAdvice:
        """Answer a question by what is packed."""
        return advise(asked)

    def show(self, advice: FullAdvice) -> None:
        """Show an answer in the language of the switch."""
        self.answer.show(advice, self.lang)

    def mark_old(self, *, old: bool) -> None:
        """Fade the answer while it belongs to other numbers than the controls show."""
        self.answer.mark_old(old=old)


def panel(lang: str | None = None, preset: str | None = None) -> Panel:
    """Form with presets that answers every change.

    Parameters
    ----------
    lang : str, optional
        Language to begin with; by default ``ADVISOR_LANG``, else English.
    preset : str, optional
        Preset to begin with; the first by default.

    Raises
    ------
    UnknownIdError
        If there is no such preset.
    """
    made = Panel(lang or preferred_language(), preset_of(preset or next(iter(presets()))).id)
    made.begin()
    return made
