"""What every measurement of benchmarks records of the machine: its facts, and its state before and after."""

from __future__ import annotations

from pydantic import Field

from maskwatch.records.record import Number, Record


class Host(Record):
    """The machine, see benchmarks.host.facts. Fields with a default are missing in older records."""

    board: str
    machine: str
    bits: int | None = None
    """Of the Python that measured."""
    os: str | None = None
    kernel: str
    virtual: bool | None = None
    cores: int | None
    memory_mb: int | None = None
    int8_dot_products: tuple[str, ...] = ()
    """CPU features that multiply and add int8 values."""
    governor: str | None
    clock_max_mhz: Number | None = None
    load: Number
    """Mean number of busy processes in the minute before."""
    python: str
    packages: dict[str, str]
    commit: str | None


class CpuSeconds(Record):
    """Seconds of all cores since the start of the machine."""

    busy: Number
    idle: Number
    stolen: Number
    """Given to other guests of the same hypervisor."""


class Moment(Record):
    """What changes while a machine measures, see benchmarks.host.moment."""

    time: str
    """ISO 8601, UTC."""
    clock_mhz: Number | None
    temperature_c: Number | None
    throttled: int | None
    """Flags of the Pi's firmware; None elsewhere."""
    cpu_s: CpuSeconds
    own_s: Number
    """CPU seconds of the measuring process and its children."""


class Measured(Record):
    """The head of a record that was measured on one board."""

    schema_version: int = Field(alias="schema")
    kind: str
    host: Host


class OfDaemon(Measured):
    """The head of a record of the daemon with the default models."""

    models: dict[str, str]
    """Task -> SHA-256 of the bundle."""
    threads: dict[str, int]
    """Task -> threads of its interpreter."""
