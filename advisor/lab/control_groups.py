"""What the control groups of Linux allow a process, versions 1 and 2."""

from pathlib import Path, PurePosixPath

from advisor.lab.asking import text_of

NO_LIMIT = 1 << 62
"""Version 1 writes the largest number of pages for "no limit"."""


def control_group_quota(membership: Path, mount: Path) -> float | None:
    """Processors that the control groups of a process allow, the least along its path; None without a quota.

    Parameters
    ----------
    membership : Path
        File in the format of ``/proc/self/cgroup``.
    mount : Path
        Where the control groups are mounted, version 1 or 2.
    """
    second, first = group_folders(membership, mount, "cpu")
    quotas = [*map(_quota_2, second), *map(_quota_1, first)]
    return min((quota for quota in quotas if quota is not None), default=None)


def control_group_memory(membership: Path, mount: Path) -> int | None:
    """Memory that the control groups of a process allow, the least along its path; None without a limit.

    Parameters
    ----------
    membership : Path
        File in the format of ``/proc/self/cgroup``.
    mount : Path
        Where the control groups are mounted, version 1 or 2.
    """
    second, first = group_folders(membership, mount, "memory")
    files = [folder / "memory.max" for folder in second] + [folder / "memory.limit_in_bytes" for folder in first]
    limits = [int(text) for file in files if (text := text_of(file).strip()).isdigit()]
    return min((limit for limit in limits if limit < NO_LIMIT), default=None)


def group_folders(membership: Path, mount: Path, controller: str) -> tuple[list[Path], list[Path]]:
    """Folders of a process's groups and of all groups above, of version 2 and of one controller of version 1."""
    second, first = [], []
    for line in text_of(membership).splitlines():
        _, controllers, group = line.split(":", 2)
        if not controllers:
            second += [*_upwards(mount, group), *_upwards(mount / "unified", group)]
        elif controller in controllers.split(","):
            own = mount / controller if (mount / controller).is_dir() else mount / controllers
            first += _upwards(own, group)
    return second, first


def _upwards(mount: Path, group: str) -> list[Path]:
    inside = PurePosixPath(group.lstrip("/"))
    return [mount / step for step in (inside, *inside.parents)]


def _quota_2(folder: Path) -> float | None:
    words = text_of(folder / "cpu.max").split()
    return None if len(words) != 2 or words[0] == "max" else int(words[0]) / int(words[1])


def _quota_1(folder: Path) -> float | None:
    quota, period = (text_of(folder / f"cpu.cfs_{name}_us").strip() for name in ("quota", "period"))
    return int(quota) / int(period) if quota and period and int(quota) > 0 else None
