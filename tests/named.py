"""What a person means by the name of a system."""

from advisor import load
from advisor.system_records import System


def words(system: System) -> set[str]:
    """Everything that a system is called, without regard to case."""
    return {word.casefold() for word in (system.id, system.name, system.name_zh or "", *system.aliases) if word}


def named(text: str) -> list[System]:
    """Systems that are called so."""
    return [system for system in load().systems.values() if text.casefold() in words(system)]


def heir(system: System) -> System:
    """System that has succeeded a legacy one; itself where none has."""
    return load().systems[system.successor] if system.successor else system
