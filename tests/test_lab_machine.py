"""What a machine is by files of known machines, sysctl and the registry; which device it is; what it attains."""

import json
import struct
import sys
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields, replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from english_words import CHINESE, english_words
from hypothesis import given
from hypothesis import strategies as st

from advisor import load
from advisor.cli import main
from advisor.errors import MeasureError
from advisor.lab import accelerators, asking, catalogue_ids, control_groups, nvidia, probe, probing, this_machine
from advisor.lab.accelerators import ascend_table
from advisor.lab.apple_hardware import from_sysctl
from advisor.lab.hardware import Accelerator, Cache, Hardware
from advisor.lab.linux_hardware import linux_hardware
from advisor.lab.machine import Machine
from advisor.lab.machine_words import machine_json, machine_rows, machine_words, probe_notes, probe_words
from advisor.lab.probing import Probe, Rate, Rates
from advisor.lab.settings import hardware_names, identities, settings
from advisor.lab.windows_hardware import from_registry
from advisor.schema import Device
from advisor.text import catalogue, languages

KNOWN = Path(__file__).parent / "hardware"
HAILO_8L = "Identifying board\nBoard Name: Hailo-8\nDevice Architecture: HAILO8L\n"
NPU_SMI = """
+------------------------------------------------------------------------------------------------+
| npu-smi 25.2.0                   Version: 25.2.0                                               |
+---------------------------+---------------+----------------------------------------------------+
| NPU   Name                | Health        | Power(W)    Temp(C)           Hugepages-Usage(page)|
| Chip                      | Bus-Id        | AICore(%)   Memory-Usage(MB)  HBM-Usage(MB)        |
+===========================+===============+====================================================+
| 0     910B2               | OK            | 135.9       39                0    / 0             |
| 0                         | 0000:C1:00.0  | 0           0    / 0          33126/ 65536         |
+===========================+===============+====================================================+
+---------------------------+---------------+----------------------------------------------------+
| NPU     Chip              | Process id    | Process name             | Process memory(MB)      |
+===========================+===============+====================================================+
| No running processes found in NPU 0                                                            |
+===========================+===============+====================================================+
"""
NPU_SMI_310P = """
| npu-smi 25.5.1                                   Version: 25.5.1                                       |
| NPU     Name                  | Health          | Power(W)     Temp(C)           Hugepages-Usage(page) |
| Chip    Device                | Bus-Id          | AICore(%)    Memory-Usage(MB)                        |
+===============================+=================+======================================================+
| 1       310P3                 | OK              | NA           49                0     / 0             |
| 0       0                     | 0000:01:00.0    | 0            1448 / 21527                            |
+-------------------------------+-----------------+------------------------------------------------------+
| 1       310P3                 | OK              | NA           45                0     / 0             |
| 1       1                     | 0000:01:00.0    | 0            1511 / 21527                            |
+===============================+=================+======================================================+
"""
NPU_SMI_310B = """
| npu-smi 23.0.0                                   Version: 23.0.0                                       |
| 0       310B4                 | Alarm           | 0.0          54                15    / 15            |
| 0       0                     | NA              | 0            1606 / 3513                             |
"""
M2 = """hw.ncpu: 8
hw.packages: 1
hw.model: Mac14,2
hw.perflevel0.l1dcachesize: 131072
hw.perflevel0.l2cachesize: 16777216
hw.perflevel0.cpusperl2: 4
hw.perflevel1.l2cachesize: 4194304
hw.l1dcachesize: 65536
hw.l2cachesize: 4194304
hw.optional.arm.FEAT_DotProd: 1
hw.optional.arm.FEAT_BF16: 1
hw.optional.arm.FEAT_I8MM: 1
hw.optional.arm.FEAT_FP16: 1
hw.optional.arm.FEAT_SME: 0
hw.optional.neon: 1
hw.optional.AdvSIMD: 1
machdep.cpu.brand_string: Apple M2
kern.hv_vmm_present: 0
"""
INTEL_MAC = """hw.model: MacBookPro16,1
hw.packages: 1
hw.optional.avx1_0: 1
hw.optional.avx2_0: 1
hw.optional.avx512f: 0
hw.l1dcachesize: 32768
hw.l2cachesize: 262144
hw.l3cachesize: 12582912
machdep.cpu.brand_string: Intel(R) Core(TM) i7-9750H CPU @ 2.60GHz
kern.hv_vmm_present: 0
"""


@cache
def devices() -> Mapping[str, Device]:
    return load().devices


def machine(parts: Hardware | None = None, **state: Any) -> Machine:
    """Machine with some hardware, four cores and 8 GB."""
    usual = {
        "cpu": "CPU", "cores": 4, "logical_cpus": 4, "usable_cpus": 4.0, "memory_bytes": 8_000_000_000,
        "system": "Linux", "python": "3.11.7", "onnxruntime": None, "load_1min": None, "governor": None,
    }  # fmt: skip
    found = {} if parts is None else {field.name: getattr(parts, field.name) for field in fields(parts)}
    return Machine(**{**usual, **found, **state})


def tree(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text.lstrip("\n"), encoding="utf-8")
    return folder


@pytest.fixture(autouse=True)
def _without_tools(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tools of vendors answer as on the machines of the files, not as on this one."""
    answers = {"npu-smi": NPU_SMI, "hailortcli": HAILO_8L}
    monkeypatch.setattr(accelerators, "told", lambda *command: answers[command[0]])
    monkeypatch.setattr(nvidia, "by_library", tuple)


# Linux


@pytest.mark.skipif(sys.platform == "win32", reason="names of PCI devices hold a colon")
@pytest.mark.parametrize("name", sorted(path.stem for path in KNOWN.glob("*.toml")))
def test_files_of_a_known_machine(name: str, tmp_path: Path) -> None:
    record = tomllib.loads((KNOWN / f"{name}.toml").read_text(encoding="utf-8"))
    found = linux_hardware(tree(tmp_path, record["files"]))
    expect = record["expect"]
    told = {
        **asdict(found),
        "caches": [[cache.name, cache.size_bytes, cache.cpus] for cache in found.caches],
        "accelerators": [
            [one.kind, one.name, one.memory_bytes or 0, one.driver or "", one.source, one.reachable]
            for one in found.accelerators
        ],
        "catalogue": list(catalogue_ids(machine(found, **record["state"]), devices())),
    }  # fmt: skip
    told = {key: list(value) if isinstance(value, tuple) else value for key, value in told.items()}
    assert {key: told[key] for key in expect} == expect
    assert [key for key in ("virtual", "board") if key not in expect and told[key] is not None] == []


def test_an_instruction_counts_only_where_every_core_has_it(tmp_path: Path) -> None:
    cores = "processor\t: 0\nFeatures\t: asimd asimddp\nprocessor\t: 1\nFeatures\t: asimd\n"
    assert linux_hardware(tree(tmp_path, {"proc/cpuinfo": cores})).instructions == ("neon",)


@pytest.mark.parametrize("device", ["1a6e/89a/100", "18d1/9302/100"])
def test_a_usb_accelerator_is_found_before_and_after_its_firmware_is_loaded(device: str, tmp_path: Path) -> None:
    files = {
        "sys/bus/usb/devices/1-1/uevent": f"DEVTYPE=usb_device\nDRIVER=usb\nPRODUCT={device}\n",
        "sys/bus/usb/devices/1-1_0/uevent": f"DEVTYPE=usb_interface\nPRODUCT={device}\n",
        "proc/device-tree/model": "Raspberry Pi 5 Model B Rev 1.1\0",
    }
    found = linux_hardware(tree(tmp_path, files))
    assert [one.name for one in found.accelerators] == ["Coral USB Accelerator"]
    ids = catalogue_ids(machine(found), devices())
    assert ids == ("raspberry-pi-5", "raspberry-pi-5-coral", "coral-usb-accelerator")


@pytest.mark.skipif(sys.platform == "win32", reason="names of PCI devices hold a colon")
def test_hailo_without_its_tool_is_one_of_two_and_no_device_of_the_catalogue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accelerators, "told", lambda *_: "")
    files = {"sys/bus/pci/devices/0001:01:00.0/uevent": "DRIVER=hailo\nPCI_ID=1E60:2864\n", "dev/hailo0": ""}
    found = linux_hardware(tree(tmp_path, files))
    assert [one.name for one in found.accelerators] == ["Hailo-8 / Hailo-8L"]
    assert catalogue_ids(machine(found), devices()) == ()


@pytest.mark.parametrize(
    ("table", "names", "mib", "driver"),
    [
        (NPU_SMI, ["Ascend 910B2"], 65_536, "npu-smi 25.2.0"),
        (NPU_SMI_310P, ["Ascend 310P3", "Ascend 310P3"], 21_527, "npu-smi 25.5.1"),
        (NPU_SMI_310B, ["Ascend 310B4"], 3513, "npu-smi 23.0.0"),
        ("", [], 0, ""),
        ("npu-smi: error while loading shared libraries", [], 0, ""),
    ],
)
def test_the_table_of_npu_smi(table: str, names: list[str], mib: int, driver: str) -> None:
    found = ascend_table(table)
    assert [one.name for one in found] == names
    assert {one.memory_bytes for one in found} <= {mib * 2**20}
    assert {one.driver for one in found} <= {driver}


def test_the_gpu_of_a_jetson_is_listed_once_beside_a_card_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = Accelerator("gpu", "Orin (nvgpu)", None, "nvidia 540.4.0", "NVML", reachable=True)
    card = replace(own, name="NVIDIA RTX A6000", memory_bytes=51_527_024_640)
    monkeypatch.setattr(nvidia, "by_library", lambda: (own, card))
    found = linux_hardware(tree(tmp_path, {"proc/device-tree/compatible": "nvidia,tegra234\0"}))
    assert [one.name for one in found.accelerators] == ["NVIDIA RTX A6000", "Jetson GPU (Ampere)"]


class _Nvml(SimpleNamespace):
    """As nvidia-ml-py answers on a machine with one GPU; of a GPU that shares its memory the size is not supported."""

    class NVMLError(Exception):
        pass

    def __init__(self, *, library: bool, memory: int | None) -> None:
        super().__init__(open=0)
        self.library, self.memory = library, memory

    def nvmlInit(self) -> None:  # noqa: N802
        if not self.library:
            raise self.NVMLError
        self.open += 1

    def nvmlShutdown(self) -> None:  # noqa: N802
        self.open -= 1

    def nvmlSystemGetDriverVersion(self) -> bytes:  # noqa: N802
        return b"550.54.15"

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        return 1

    def nvmlDeviceGetHandleByIndex(self, place: int) -> int:  # noqa: N802
        return place

    def nvmlDeviceGetName(self, _: int) -> str:  # noqa: N802
        return "NVIDIA GeForce RTX 3060"

    def nvmlDeviceGetMemoryInfo(self, _: int) -> SimpleNamespace:  # noqa: N802
        if self.memory is None:
            raise self.NVMLError
        return SimpleNamespace(total=self.memory)


@pytest.mark.parametrize(
    ("library", "memory", "ids"),
    [
        (False, None, ()),
        (True, None, ()),
        (True, 12_884_901_888, ("nvidia-rtx-3060",)),
        (True, 8_589_934_592, ()),
    ],
)
def test_the_library_of_nvidia(
    library: bool, memory: int | None, ids: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    fake = _Nvml(library=library, memory=memory)
    monkeypatch.setitem(sys.modules, "pynvml", fake)  # type: ignore[arg-type]
    monkeypatch.setattr(nvidia, "find_spec", lambda _: True)
    found = nvidia.by_library()
    usual = Accelerator("gpu", "NVIDIA GeForce RTX 3060", memory, "nvidia 550.54.15", "NVML", reachable=True)
    assert found == ((usual,) if library else ())
    assert fake.open == 0
    assert catalogue_ids(machine(accelerators=found), devices()) == ids


def test_a_machine_without_the_library_of_nvidia_has_none_of_its_cards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(nvidia, "find_spec", lambda _: None)
    assert nvidia.by_library() == ()


@pytest.mark.parametrize(
    ("membership", "files", "limit"),
    [
        ("0::/a/b\n", {"a/b/memory.max": "max\n", "a/memory.max": "1073741824\n"}, 2**30),
        ("0::/\n", {"memory.max": "max\n"}, None),
        ("5:memory:/a\n", {"memory/a/memory.limit_in_bytes": "536870912\n"}, 2**29),
        ("5:memory:/a\n", {"memory/a/memory.limit_in_bytes": "9223372036854771712\n"}, None),
        ("4:cpu:/a\n", {"cpu/a/memory.limit_in_bytes": "536870912\n"}, None),
        ("", {}, None),
    ],
)
def test_memory_of_a_control_group(membership: str, files: dict[str, str], limit: int | None, tmp_path: Path) -> None:
    root = tree(tmp_path, {**files, "membership": membership})
    assert control_groups.control_group_memory(root / "membership", root) == limit


def test_a_command_that_is_missing_fails_or_hangs_told_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(settings()["machine"], "command_s", 5.0)
    assert asking.told(sys.executable, "-c", "print('yes')").strip() == "yes"
    assert asking.told(sys.executable, "-c", "print('no'); raise SystemExit(1)") == ""
    assert asking.told("no-such-command-anywhere") == ""
    monkeypatch.setitem(settings()["machine"], "command_s", 0.2)
    assert asking.told(sys.executable, "-c", "import time; print('late', flush=True); time.sleep(60)") == ""


# macOS and Windows


def test_sysctl_of_a_mac_with_an_apple_chip() -> None:
    found = from_sysctl(M2)
    assert (found.cpu, found.board, found.virtual, found.sockets) == ("Apple M2", "Mac14,2", False, 1)
    assert found.instructions == ("neon", "fp16", "dotprod", "i8mm", "bf16")
    assert found.caches == (Cache("L1d", 131_072, None), Cache("L2", 16_777_216, 4))
    assert [(one.kind, one.name) for one in found.accelerators] == [
        ("gpu", "Apple M2 GPU"),
        ("npu", "Apple M2 Neural Engine"),
    ]


def test_sysctl_of_other_macs() -> None:
    found = from_sysctl(INTEL_MAC)
    assert found.instructions == ("avx", "avx2")
    assert [cache.size_bytes for cache in found.caches] == [32_768, 262_144, 12_582_912]
    assert found.accelerators == ()
    guest = from_sysctl(
        M2.replace("kern.hv_vmm_present: 0", "kern.hv_vmm_present: 1").replace("Apple M2", "Apple M2 (Virtual)")
    )
    assert (guest.virtual, guest.accelerators) == (True, ())
    nothing = from_sysctl("")
    assert (nothing.virtual, nothing.board, nothing.instructions, nothing.caches) == (None, None, (), ())


WINDOWS = {
    r"HARDWARE\DESCRIPTION\System\CentralProcessor\0": {
        "ProcessorNameString": "Intel(R) Xeon(R) Platinum 8480+   ",
        "Identifier": "Intel64 Family 6 Model 143 Stepping 8",
        "VendorIdentifier": "GenuineIntel",
    },
    r"HARDWARE\DESCRIPTION\System\BIOS": {"SystemManufacturer": "Dell Inc.", "SystemProductName": "PowerEdge R760"},
    r"SYSTEM\CurrentControlSet\Control\Class\{4d36e968-e325-11ce-bfc1-08002be10318}\0000": {
        "DriverDesc": "Microsoft Basic Display Adapter",
    },
    r"SYSTEM\CurrentControlSet\Control\Class\{4d36e968-e325-11ce-bfc1-08002be10318}\0001": {
        "DriverDesc": "NVIDIA L4", "HardwareInformation.qwMemorySize": 24_152_899_584, "DriverVersion": "32.0.15.6094",
    },
    r"SYSTEM\CurrentControlSet\Control\Class\{f01a9d53-3ff6-48d2-9f97-c8a7004be10c}\0000": {
        "DriverDesc": "Intel(R) AI Boost", "DriverVersion": "32.0.100.3104",
    },
}  # fmt: skip


def processors(*records: tuple[int, int, int, int, int]) -> bytes:
    """Records of GetLogicalProcessorInformation: mask, relation, level, bytes, type of the cache."""
    return b"".join(
        struct.pack("<QIIBBHII4x", mask, relation, 0, level, 8, 64, size, kind)
        for mask, relation, level, size, kind in records
    )


def windows(values: Mapping[str, Mapping[str, Any]], present: set[int], records: bytes = b"") -> Hardware:
    feature: Callable[[int], bool] = present.__contains__
    return from_registry(lambda key: values.get(key, {}), feature, records)


def test_registry_of_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("advisor.lab.windows_hardware.by_library", tuple)
    records = processors(
        (0b11, 0, 0, 0, 0), (0b11, 2, 1, 49_152, 2), (0b11, 2, 1, 32_768, 1), (0b11, 2, 2, 2_097_152, 0),
        (0b1100, 2, 2, 2_097_152, 0), (0b1111, 2, 3, 110_100_480, 0), (0b1111, 3, 0, 0, 0), (0b110000, 3, 0, 0, 0),
    )  # fmt: skip
    found = windows(WINDOWS, {39, 40, 41}, records)
    assert (found.cpu, found.cpu_id) == ("Intel(R) Xeon(R) Platinum 8480+", "GenuineIntel/6/143")
    assert (found.board, found.virtual, found.sockets) == ("Dell Inc. PowerEdge R760", False, 2)
    assert found.instructions == ("avx", "avx2", "avx512f")
    assert found.caches == (Cache("L1d", 49_152, 2), Cache("L2", 2_097_152, 2), Cache("L3", 110_100_480, 4))
    assert [(one.kind, one.name, one.memory_bytes, one.driver) for one in found.accelerators] == [
        ("gpu", "NVIDIA L4", 24_152_899_584, "32.0.15.6094"),
        ("npu", "Intel(R) AI Boost", None, "32.0.100.3104"),
    ]
    assert catalogue_ids(machine(found), devices()) == ("intel-xeon-sapphire-rapids", "nvidia-l4")


def test_a_card_that_the_library_lists_is_not_listed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    card = Accelerator("gpu", "NVIDIA L4", 24_152_899_584, "nvidia 560.94", "NVML", reachable=True)
    monkeypatch.setattr("advisor.lab.windows_hardware.by_library", lambda: (card,))
    assert [one.name for one in windows(WINDOWS, set()).accelerators] == ["NVIDIA L4", "Intel(R) AI Boost"]


def test_a_virtual_windows_and_one_that_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("advisor.lab.windows_hardware.by_library", tuple)
    firmware = {"SystemManufacturer": "Microsoft Corporation", "SystemProductName": "Virtual Machine"}
    assert windows({r"HARDWARE\DESCRIPTION\System\BIOS": firmware}, set()).virtual is True
    nothing = windows({}, set(), b"\0\0\0")
    assert (nothing.cpu_id, nothing.board, nothing.virtual, nothing.sockets) == (None, None, None, None)
    assert (nothing.caches, nothing.accelerators) == ((), ())


# The catalogue

GPUS = {
    "Tesla T4": "nvidia-t4", "NVIDIA A10G": "nvidia-a10g", "NVIDIA A10": "nvidia-a10", "NVIDIA L4": "nvidia-l4",
    "NVIDIA L40S": "nvidia-l40s", "NVIDIA H100 80GB HBM3": "nvidia-h100-80gb", "NVIDIA H200": "nvidia-h200",
    "NVIDIA H100 PCIe": "nvidia-h100-pcie-80gb", "NVIDIA A100-SXM4-40GB": "nvidia-a100-40gb",
    "NVIDIA A100 80GB PCIe": "nvidia-a100-pcie-80gb", "Tesla V100-SXM2-16GB": "nvidia-v100-16gb",
    "Tesla V100-SXM2-32GB": "nvidia-v100-32gb", "NVIDIA GeForce RTX 4090": "nvidia-rtx-4090", "Hailo-8": "hailo-8",
    "AMD Instinct MI300X": "amd-mi300x", "Ascend 310": "ascend-310", "AWS Inferentia2": "aws-inferentia2",
}  # fmt: skip
STRANGERS = [
    "GRID T4-4Q", "NVIDIA A10-12Q", "NVIDIA GeForce RTX 4090 Laptop GPU", "NVIDIA RTX 6000", "Ascend 910B3",
    "NVIDIA 10de:2330", "", "NVIDIA L400", "Intel 8086:9a49",
]  # fmt: skip
CPUS = {
    ("Intel(R) Xeon(R) CPU @ 2.20GHz", "GenuineIntel/6/79"): "intel-xeon-haswell-broadwell",
    ("Intel(R) Xeon(R) Platinum 8259CL CPU @ 2.50GHz", "GenuineIntel/6/85"): "intel-xeon-skylake-cascade-lake",
    ("Intel(R) Xeon(R) Platinum 8375C CPU @ 2.90GHz", "GenuineIntel/6/106"): "intel-xeon-ice-lake",
    ("INTEL(R) XEON(R) PLATINUM 8592+".replace("XEON", "Xeon"), "GenuineIntel/6/207"): "intel-xeon-emerald-rapids",
    ("Intel(R) Xeon(R) 6980P", "GenuineIntel/6/173"): "intel-xeon-granite-rapids",
    ("AMD EPYC 7B13", "AuthenticAMD/25/1"): "amd-epyc-milan",
    ("AMD EPYC 7B12", "AuthenticAMD/23/49"): "amd-epyc-rome",
    ("AMD EPYC 9B45", "AuthenticAMD/26/2"): "amd-epyc-turin",
    ("Microsoft Azure Cobalt 100", "0x6d/0xd49"): "azure-cobalt-100",
    ("Intel(R) Core(TM) i9-10980XE CPU @ 3.00GHz", "GenuineIntel/6/85"): None,
    ("AMD Ryzen Threadripper 3990X 64-Core Processor", "AuthenticAMD/23/49"): None,
    ("Arm Neoverse-N1", "0x41/0xd0c"): None,
    ("Intel(R) Xeon(R) Processor", None): None,
}


@pytest.mark.parametrize(("name", "device"), [*GPUS.items(), *((name, None) for name in STRANGERS)])
def test_a_card_is_known_by_its_whole_name(name: str, device: str | None) -> None:
    card = Accelerator("gpu", name, None, None, "NVML")
    assert catalogue_ids(machine(accelerators=(card,)), devices()) == (() if device is None else (device,))


@pytest.mark.parametrize(("names", "device"), CPUS.items())
def test_a_processor_is_known_by_family_and_model(names: tuple[str, str | None], device: str | None) -> None:
    found = machine(cpu=names[0], cpu_id=names[1], cores=2, logical_cpus=4, virtual=True)
    assert catalogue_ids(found, devices()) == (() if device is None else (device,))


@pytest.mark.parametrize(
    ("cores", "logical", "virtual", "ids"),
    [
        (96, 192, False, ("amd-epyc-genoa",)),
        (96, 96, False, ("amd-epyc-genoa-core",)),
        (96, 96, True, ()),
        (96, 96, None, ()),
        (None, 192, False, ()),
    ],
)
def test_threads_of_a_core_decide_what_a_processor_of_the_catalogue_is(
    cores: int | None, logical: int, virtual: bool | None, ids: tuple[str, ...]
) -> None:
    epyc = machine(cpu="AMD EPYC 9654 96-Core Processor", cpu_id="AuthenticAMD/25/17", virtual=virtual)
    assert catalogue_ids(replace(epyc, cores=cores, logical_cpus=logical), devices()) == ids


@pytest.mark.parametrize(
    ("board", "ids"),
    [
        ("Amazon EC2 m7a.large", ("amd-epyc-genoa-core",)),
        ("Amazon EC2 m5.xlarge", ("intel-xeon-skylake-cascade-lake",)),
        ("Amazon EC2 z99.large", ()),
        ("Amazon EC2x m7a.large", ()),
    ],
)
def test_a_type_of_instance_settles_the_processor(board: str, ids: tuple[str, ...]) -> None:
    assert catalogue_ids(machine(board=board, virtual=True), devices()) == ids
    masked = machine(board=board, virtual=True, cpu="Xeon", cpu_id="GenuineIntel/6/143")
    assert catalogue_ids(masked, devices()) == (ids or ("intel-xeon-sapphire-rapids",))


BOARDS = [
    "Raspberry Pi 4 Model B", "Raspberry Pi 5 Model B", "Raspberry Pi 500 Rev 1.0",
    "Raspberry Pi Compute Module 5 Rev 1.0",
    *(f"Raspberry Pi {n} Model B Rev 1.{m}" for n in (3, 4, 5) for m in range(5)),
]  # fmt: skip
CARRIERS = ["", "p3768-0000+", "p3737-0000+"]
MODULES = [
    "p3448-0000", "p3310-1000", "p3668-0001", "p2888-0004", "p3767-0000", "p3767-0001", "p3767-0003", "p3767-0004",
    "p3767-0005", "p3701-0000", "p3701-0004", "p3701-0005", "p3834-0008",
]  # fmt: skip
OTHERS = [
    "nvidia,jetson-nano", "nvidia,quill", "nvidia,p2972-0000", "nvidia,tegra234", "google,imx8mq-phanbell",
    "rockchip,rk3588", "rockchip,rk3588s", "rockchip,rk3576", "rockchip,rk3562",
]  # fmt: skip
modules = st.builds(
    "nvidia,{}{}{}".format, st.sampled_from(CARRIERS), st.sampled_from(MODULES), st.sampled_from(["", "-super"])
)
names = st.one_of(st.sampled_from([*BOARDS, *OTHERS]), modules, st.text(max_size=30))


@given(name=names, memory_gb=st.sampled_from([1, 2, 4, 8, 16, 32, 64, 128]), usb=st.booleans())
def test_a_machine_is_never_two_boards(name: str, memory_gb: int, usb: bool) -> None:
    """Of one name at most one entry holds, but for the same board with an accelerator on it."""
    coral = (Accelerator("npu", "Coral USB Accelerator", None, None, "usb"),) if usb else ()
    found = machine(board=name, compatible=(name,), memory_bytes=memory_gb * 10**9, accelerators=coral)
    ids = [one for one in catalogue_ids(found, devices()) if devices()[one].board is not None]
    bare = [one for one in ids if "accelerator" not in _entry_of(one)]
    assert len(bare) <= 1
    assert len({_entry_of(one).get("board") for one in ids}) <= 1


def _entry_of(device: str) -> Mapping[str, Any]:
    return next(entry for entry in identities()["identity"] if device in entry["devices"])


def test_every_identity_is_a_device_of_the_catalogue_and_says_how_it_is_known() -> None:
    entries = identities()["identity"]
    ids = [name for entry in entries for name in entry["devices"]]
    assert len(ids) == len(set(ids))
    assert set(ids) <= devices().keys()
    conditions = {"cpu", "cpu_id", "board", "compatible", "accelerator"}
    assert [entry for entry in entries if not conditions & entry.keys()] == []
    assert {key for entry in entries for key in entry} == conditions | {"devices", "hyperthreads", "by_memory"}


def test_of_two_sizes_of_one_module_the_memory_decides() -> None:
    orin = machine(compatible=("nvidia,p3737-0000+p3701-0000", "nvidia,tegra234"))
    sizes = {32_880_000_000: ("jetson-agx-orin-32gb",), 65_900_000_000: ("jetson-agx-orin-64gb",), 8_000_000_000: ()}
    for size, ids in sizes.items():
        assert catalogue_ids(replace(orin, memory_bytes=size), devices()) == ids


def test_a_device_that_the_catalogue_lacks_is_not_named() -> None:
    pi = machine(board="Raspberry Pi 5 Model B Rev 1.0")
    assert catalogue_ids(pi, devices()) == ("raspberry-pi-5",)
    assert catalogue_ids(pi, {}) == ()


# The record


def test_a_record_survives_json_and_an_older_one_lacks_what_came_later() -> None:
    full = machine(
        Hardware("CPU", "0x41/0xd0b", ("neon",), (Cache("L2", 524_288, 1),), 1, False, "Board", ("a,b", "c,d"),
            (Accelerator("gpu", "GPU", 10**9, "driver", "NVML", reachable=True),)),
        memory_limit_bytes=10**9,
    )  # fmt: skip
    assert Machine.from_record(json.loads(json.dumps(asdict(full)))) == full
    older = {key: value for key, value in asdict(full).items() if key in Machine.__match_args__[:10]}
    assert Machine.from_record(older) == machine()
    assert full.usable_memory_bytes == 10**9
    assert machine().usable_memory_bytes == 8_000_000_000


def test_this_machine_tells_its_instructions_and_asks_no_command(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*command: str, **_: Any) -> None:
        raise AssertionError(command)

    if sys.platform == "linux" and not any(Path("/dev").glob("davinci*")) and not any(Path("/dev").glob("hailo*")):
        monkeypatch.setattr("subprocess.run", forbidden)
    found = this_machine()
    assert set(found.instructions) <= hardware_names()["instructions"].keys()
    assert found.usable_memory_bytes <= found.memory_bytes
    assert all(cache.size_bytes > 0 for cache in found.caches)


# The probe


def test_a_probe_has_all_rates_and_gives_both_peaks() -> None:
    probed = probe(seconds=0.4)
    every = [probed, probed.together] if probed.together else [probed]
    for rates in every:
        for name in ("fp32_flop_per_s", "int8_flop_per_s", "bytes_per_s", "read_bytes_per_s"):
            rate = getattr(rates, name)
            assert 0 < rate.median <= rate.best
            assert rate.repeats >= settings()["probe"]["turns"]
    assert (probed.together is None) == (probed.machine.usable_cpus < 2)
    sheet = probed.device("cpu-client")
    assert probed.int8_flop_per_s is not None
    assert sheet.peak_flop_per_s == {"fp32": probed.fp32_flop_per_s.best, "int8": probed.int8_flop_per_s.best}


def test_a_small_container_is_not_filled(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []

    def counted(size: int, kind: Any) -> Any:
        taken.append(size)
        return np.full(size, 1, kind)

    small = replace(this_machine(), usable_cpus=1.0, memory_limit_bytes=10**9)
    monkeypatch.setattr(probing, "this_machine", lambda: small)
    monkeypatch.setattr(probing.np, "ones", lambda shape, kind: counted(int(np.prod(shape)), kind).reshape(shape))
    probed = probe(seconds=0.2)
    assert probed.together is None
    assert probed.buffer_bytes == 50_000_000
    assert sum(taken) < 0.11 * 10**9
    assert probed.device().memory_bytes == 10**9
    notes = probe_notes(probed, "en")
    assert any("50 MB" in note for note in notes)
    assert any("Usable CPUs: 1" in note for note in notes)


def test_a_runtime_without_whole_numbers_has_no_rate_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(model: bytes, *rest: Any) -> Any:
        if b"MatMulInteger" in model:
            raise RuntimeError("not implemented")
        return session_of(model, *rest)

    session_of = probing.session_of
    monkeypatch.setattr(probing, "session_of", refused)
    probed = probe(seconds=0.2)
    assert probed.int8_flop_per_s is None
    assert probed.device().peak_flop_per_s.keys() == {"fp32"}
    assert any("int8" in note for note in probe_notes(probed, "en"))


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), 1e9])
def test_the_time_of_a_probe_has_bounds(seconds: float) -> None:
    with pytest.raises(MeasureError, match="seconds"):
        probe(seconds=seconds)


def test_products_grow_with_the_threads_but_not_beyond_the_memory() -> None:
    side = settings()["probe"]["side"]
    plenty = 10**12
    assert [probing._side(threads, plenty) for threads in (1, 2, 8, 64)] == [side, side, 2 * side, 4 * side]
    assert 12 * probing._side(64, 10**7) ** 2 <= 10**7


# Words

SOME = Rate(2e9, 3e9, 5)


@pytest.mark.parametrize("lang", languages())
def test_a_machine_in_words_tells_what_it_has_and_what_is_not_told(lang: str) -> None:
    gpu = Accelerator("gpu", "NVIDIA L4", 24 * 10**9, "nvidia 550.54", "NVML", reachable=True)
    hidden = Accelerator("gpu", "NVIDIA 10de:2330", None, None, "/sys/bus/pci/devices", reachable=False)
    parts = Hardware("Arm Cortex-A76", instructions=("neon", "dotprod"), caches=(Cache("L2", 524_288, 4),), sockets=1)
    told = machine(replace(parts, accelerators=(gpu, hidden)), memory_limit_bytes=10**9)
    text = machine_words(told, "2026-11-26T00:00:00+00:00", ["NVIDIA L4"], lang)
    for part in (
        "2026-11-26",
        "Arm Cortex-A76",
        "neon dotprod",
        "L2 512 KiB",
        "8 GB",
        "1 GB",
        "24 GB",
        "nvidia 550.54",
    ):
        assert part in text
    words = catalogue(lang)
    assert text.count(words["machine.unreachable"]) == 1
    own = Accelerator("npu", "RK3588 NPU", None, None, "/proc/device-tree/compatible", reachable=True)
    assert words["machine.unreachable"] not in machine_words(machine(accelerators=(own,)), "2026-11-26", lang=lang)
    untold = text.splitlines()[-1]
    for name in ("virtual", "board", "governor", "load_1min", "onnxruntime"):
        assert words[f"machine.label.{name}"] in untold
        assert words[f"machine.label.{name}"] not in [label for label, _ in machine_rows(told, (), lang)]
    assert words["machine.label.caches"] not in untold
    assert not {"None", "()", "{"} & set(text.split())


@pytest.mark.parametrize("lang", languages())
def test_rates_in_words_have_units_dates_and_every_caveat(lang: str) -> None:
    together = Rates(4, SOME, None, SOME, SOME)
    small = machine(usable_cpus=0.5, caches=(Cache("L3", 10**9, 1),))
    probed = Probe(small, SOME, SOME, None, SOME, None, 50_000_000, "2026-11-26T00:00:00+00:00")
    text = probe_words(probed, lang)
    assert "2026-11-26" in text
    assert "3 GFLOP/s" in text
    assert "3 GB/s" in text
    assert len(probe_notes(probed, lang)) == len(["one_thread", "no_int8", "small_buffers", "in_cache", "quota"])
    big = Probe(machine(), SOME, SOME, SOME, SOME, together, settings()["probe"]["copied_bytes"], "2026-11-26")
    assert "3 GOP/s" in probe_words(big, lang)
    assert len(probe_notes(big, lang)) == 1
    cached = replace(big, machine=machine(caches=(Cache("L3", 32 * 2**20, 4),)))
    assert probe_notes(cached, lang) == []
    loads = {None: 0, 1.9: 0, 2.1: 1}
    busy = {
        load: len(probe_notes(replace(cached, machine=replace(cached.machine, load_1min=load)), lang)) for load in loads
    }
    assert busy == loads


def test_chinese_words_hold_no_english_sentence() -> None:
    small = machine(usable_cpus=0.5, virtual=True, caches=(Cache("L3", 10**9, 2),), memory_limit_bytes=10**9)
    probed = Probe(small, SOME, SOME, None, SOME, Rates(2, SOME, SOME, SOME, SOME), 50_000_000, "2026-11-26")
    text = machine_words(small, "2026-11-26", lang="zh") + probe_words(probed, "zh")
    assert CHINESE.search(text)
    assert set(english_words(text)) <= {"Linux", "onnxruntime", "FLOP", "GFLOP"}


def test_json_of_a_machine_holds_si_units_and_no_nan() -> None:
    probed = Probe(machine(), SOME, SOME, buffer_bytes=10, dated="2026-11-26")
    record = json.loads(json.dumps(machine_json(machine(), "2026-11-26", ["nvidia-l4"], probed), allow_nan=False))
    assert record["format"] == "advisor/machine/1"
    assert record["catalogue"] == ["nvidia-l4"]
    assert record["probe"]["fp32_flop_per_s"] == {"median": 2e9, "best": 3e9, "repeats": 5}
    assert Machine.from_record(record["machine"]) == machine()


@pytest.mark.parametrize("lang", languages())
def test_the_command_shows_the_machine_and_its_rates(lang: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["machine", "--probe", "--seconds", "0.2", "--lang", lang]) == 0
    text = capsys.readouterr().out
    assert this_machine().cpu in text
    assert "GFLOP/s" in text
    assert main(["machine", "--json", "--lang", lang]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["probe"] is None
    assert record["machine"]["logical_cpus"] >= 1


def test_a_wrong_time_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["machine", "--probe", "--seconds", "soon"]) == 2
    assert "soon" in capsys.readouterr().err
