"""Hardware that people name, the successors of the old ones, and the containers of a fleet at the edge."""

import numpy as np
import pytest

from advisor import Knowledge, Requirements, advise, load
from advisor.schema import Device
from advisor.stacks import stacks
from advisor.system_records import Hardware, System
from advisor.systems import families_of_system, systems_of

HARDWARE = sorted(s.id for s in load().systems.values() if s.hardware)
PRECISIONS = ("fp32", "fp16", "int8")


def hardware(system: System) -> Hardware:
    assert system.hardware is not None
    return system.hardware


def devices_of(system: System) -> list[Device]:
    return [load().devices[device] for device in hardware(system).devices]


@pytest.mark.parametrize("system_id", HARDWARE)
def test_a_line_of_hardware_can_be_bought(system_id: str) -> None:
    assert any(device.board and device.board.price for device in devices_of(load().systems[system_id]))


def test_every_board_has_a_name_that_people_use() -> None:
    named = {device for s in load().systems.values() if s.hardware for device in s.hardware.devices}
    assert {device.id for device in load().devices.values() if device.board} - named == set()


def test_every_microcontroller_is_one() -> None:
    kinds = {device.id for device in load().devices.values() if device.kind == "mcu"}
    assert set(hardware(load().systems["microcontroller"]).devices) == kinds


@pytest.mark.parametrize("system_id", HARDWARE)
def test_old_hardware_and_its_devices_name_the_same_successor(system_id: str) -> None:
    system = load().systems[system_id]
    assert {device.status for device in devices_of(system)} == {system.status}
    if system.successor:
        heirs = set(hardware(load().systems[system.successor]).devices)
        assert {device.successor for device in devices_of(system)} <= heirs


def boards_of(knowledge: Knowledge, platform: str, family: str) -> set[str]:
    found = stacks(knowledge, family=family, precisions=PRECISIONS)
    index = [system.id for system in found.platforms].index(platform)
    runs = found.run[np.flatnonzero(found.platform == index)]
    return {found.devices[code].id for code in found.machines.device[found.run_machine[runs]]}


@pytest.mark.parametrize("family", ["cnn", "tinyml", "llm"])
def test_k3s_runs_on_no_board_without_room_for_it(family: str) -> None:
    boards = boards_of(load(), "k3s", family)
    without = {"coral-dev-board-micro", "luxonis-oak-1", "luxonis-oak-d"} | set(
        hardware(load().systems["microcontroller"]).devices
    )
    assert boards
    assert boards & without == set()
    assert boards <= boards_of(load(), "edge-device", family)


def hours(sites: int) -> dict[str, float]:
    """People's hours of stacks on boards, for a fleet of so many sites without a line."""
    asked = Requirements(
        model="mobilenetv2", qps=2, country="DE", p99_ms=200, sites=sites, offline=True, skills="kubernetes"
    )
    return {option.id: option.hours_per_month for option in advise(asked).shortlist if option.site == "device"}


@pytest.mark.parametrize(("sites", "saves"), [(5, False), (400, True)])
def test_k3s_saves_hours_only_where_boxes_are_many(sites: int, saves: bool) -> None:
    found = hours(sites)
    both = {one: one.replace("k3s", "edge-device") for one in found if one.startswith("k3s/")}
    pairs = [(found[fleet], found[alone]) for fleet, alone in both.items() if alone in found]
    assert pairs
    assert all((fleet < alone) is saves for fleet, alone in pairs)


def test_a_fleet_run_by_k3s_is_edge_and_containers() -> None:
    knowledge = load()
    assert families_of_system(knowledge.systems["k3s"]) == ("edge", "containers")
    made_of = systems_of(
        knowledge, platform="k3s", engine="litert", device="raspberry-pi-5-coral", operation="kubernetes", site="device"
    )
    assert made_of == ("k3s", "litert", "raspberry-pi-coral", "kubernetes")
