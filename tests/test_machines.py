"""Every machine of the price lists, as the stages see it."""

from collections import Counter

import numpy as np

from advisor import Knowledge, load
from advisor.machines import machines


def test_a_card_has_the_memory_of_its_record_however_many_a_machine_holds() -> None:
    knowledge = load()
    found = machines(knowledge)
    memory = np.array([device.memory or np.nan for device in knowledge.devices.values()])
    per_core = np.array([device.unit == "vCPU" for device in knowledge.devices.values()])
    card = (found.device >= 0) & (found.site == 0) & ~per_core[found.device] & ~np.isnan(memory[found.device])
    ratio = found.unit_memory_bytes[card] / memory[found.device][card]
    wrong = np.abs(ratio - 1) > 0.12
    assert set(found.name[card][wrong]) == set()


def test_a_machine_by_hand(small: Knowledge) -> None:
    found = machines(small)
    (row,) = np.flatnonzero(found.name == "g4dn.12xlarge")
    assert (found.units[row], found.memory_bytes[row], found.unit_memory_bytes[row]) == (4, 192e9, 16e9)
    assert (found.usd_per_hour[row], found.power_w[row], found.upfront_usd[row]) == (4.0, 0.0, 0.0)
    (server,) = np.flatnonzero(found.source == "server-1x-t4")
    assert (found.site[server], found.units[server], found.upfront_usd[server]) == (1, 1, 6500.0)
    assert np.isnan(found.usd_per_hour[server])
    unknown = found.provider == "huawei"
    assert np.isnan(found.usd_per_hour[unknown]).all()


def test_no_two_machines_have_one_name() -> None:
    found = machines(load())
    names = list(zip(found.provider, found.service, found.region, found.name, found.source, strict=True))
    cloud = [name[:4] for name, site in zip(names, found.site, strict=True) if site == 0]
    assert [name for name, count in Counter(cloud).items() if count > 1] == []
