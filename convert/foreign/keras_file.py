"""Checks a .keras or .h5 file of unknown origin before Keras loads it.

Loading a Keras model can run code that its author put in (Lambda, and layers that load other files), and HDF5 can refer
to other files. Such a file is refused. Configs of Keras 2 that Keras 3 no longer reads are converted.
"""

from __future__ import annotations

import io
import json
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import h5py
import keras

from convert.foreign import legacy
from maskwatch.errors import ModelError

HDF5, ZIP, TFLITE = b"\x89HDF\r\n\x1a\n", b"PK\x03\x04", b"TFL3"
MAX_FILE = 1 << 30  # bytes; ResNet152 with its optimizer has half of that
MAX_WEIGHTS = 1 << 30  # bytes, of all tables together, uncompressed
MAX_CONFIG = 16 << 20  # bytes
CONFIG, WEIGHTS = "config.json", "model.weights.h5"  # members of a .keras file
# Modules of keras
SPACES = ("layers", "models", "initializers", "regularizers", "constraints", "dtype_policies", "ops")
OTHERS = ("Functional", "Model", "function", "__tensor__", "__tuple__", "__numpy__", "__keras_tensor__", "slice")
RUNS_CODE = ("Lambda", "__lambda__", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer")
READS_FILES = ("StringLookup", "IntegerLookup", "TextVectorization", "IndexLookup")


def load(path: Path) -> keras.Model:
    """The model.

    Raises:
        ModelError: the file is missing or damaged, runs code, or contains something unknown to Keras.
    """
    kind = kind_of(path)
    try:
        config = _config(path, kind)
        if kind == ".h5":
            legacy.convert(config)
        for node in _nodes(config):
            _demand_harmless(path, node)
        # Keras looks at the ending of the name, and .model is a common one
        with tempfile.TemporaryDirectory() as folder:
            named = Path(folder) / f"model{kind}"
            shutil.copyfile(path, named)
            if kind == ".h5":
                _write_config(named, config)
            loaded = keras.saving.load_model(named, custom_objects=legacy.LEGACY, compile=False, safe_mode=True)
    except ModelError:
        raise
    except Exception as error:  # h5py and Keras raise many kinds of errors for a damaged file
        text = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
        reason = f"{type(error).__name__}: {text}"[:300]
        raise ModelError(f"model {path}: Keras cannot load it ({reason}); save it again with model.save()") from error
    if not isinstance(loaded, keras.Model):
        _refuse(path, f"holds a {type(loaded).__name__}, expected a model")
    return loaded


def _write_config(file: Path, config: Any) -> None:
    """Replace the file's config by the converted one."""
    with h5py.File(file, "r+") as opened:
        opened.attrs["model_config"] = json.dumps(config)


def kind_of(path: Path) -> str:
    """`.keras`, `.h5` or `.tflite`, by the file's content."""
    if path.is_dir():
        _refuse(path, "is a folder (a SavedModel?); load it in Python and save it as .keras or .h5")
    if path.exists() and not path.is_file():
        _refuse(path, "is no regular file")
    try:
        with path.open("rb") as file:
            start = file.read(8)
            size = file.seek(0, io.SEEK_END)
    except OSError as error:
        raise ModelError(f"model {path}: {error.strerror}; name a .keras, .h5 or .tflite file") from error
    if size > MAX_FILE:
        _refuse(path, f"has {size >> 20} MiB, expected at most {MAX_FILE >> 20}")
    if start[4:8] == TFLITE:
        return ".tflite"
    if start.startswith(HDF5):
        return ".h5"
    if start.startswith(ZIP):
        return ".keras"
    raise ModelError(f"model {path}: is no .keras, .h5 or .tflite file, or damaged; download or copy it again")


def _config(path: Path, kind: str) -> Any:
    """The config tree that describes the model. The file of its weights is checked too."""
    if kind == ".h5":
        with h5py.File(path, "r") as file:
            _demand_plain(path, file)
            if "model_config" not in file.attrs:
                _refuse(path, "has weights but no model; save it with model.save(), not save_weights()")
            text = file.attrs["model_config"]
    else:
        with zipfile.ZipFile(path) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > MAX_WEIGHTS + MAX_CONFIG:
                _refuse(path, f"unpacks to more than {MAX_WEIGHTS >> 20} MiB")
            text = archive.read(CONFIG)
            with h5py.File(io.BytesIO(archive.read(WEIGHTS)), "r") as file:
                _demand_plain(path, file)
    if len(text) > MAX_CONFIG:
        _refuse(path, f"describes its layers in {len(text) >> 20} MiB, expected at most {MAX_CONFIG >> 20}")
    return json.loads(text)


def _demand_plain(path: Path, file: h5py.File) -> None:
    """Check that every table is in this very file, and that all of them fit into memory."""
    total = 0
    for table in _tables(path, file):
        if table.external or table.is_virtual:
            _refuse(path, f"its table {table.name} lies in another file")
        total += table.size * table.dtype.itemsize
        if total > MAX_WEIGHTS:
            _refuse(path, f"unpacks to more than {MAX_WEIGHTS >> 20} MiB")


def _tables(path: Path, group: h5py.Group) -> Iterator[h5py.Dataset]:
    for name in group:
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            _refuse(path, f"its entry {name!r} points elsewhere")
        entry = group[name]
        if isinstance(entry, h5py.Group):
            yield from _tables(path, entry)
        elif isinstance(entry, h5py.Dataset):
            yield entry


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Every node of a config that is made by a class, except how the model was compiled, which is not loaded."""
    if isinstance(value, dict):
        if isinstance(value.get("class_name"), str):
            yield value
        for name, inner in value.items():
            if name != "compile_config":
                yield from _nodes(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _nodes(inner)


def _demand_harmless(path: Path, node: dict[str, Any]) -> None:
    name, module = str(node["class_name"]), str(node.get("module") or "keras")
    layer = name.rpartition(">")[2]
    if layer in RUNS_CODE:
        what = f"has a {layer} layer: code of its maker, which loading would run"
        _refuse(path, f"{what}; rebuild the model without it (Rescaling can scale) and load its weights into that")
    if layer in READS_FILES:
        _refuse(path, f"has a {layer} layer, which reads files; no network for pictures needs it")
    known = any(hasattr(getattr(keras, space), name) for space in SPACES) or name in OTHERS or name in legacy.LEGACY
    operation = module.startswith("keras.src.ops.")
    if module.partition(".")[0] not in ("keras", "builtins") or not (known or operation):
        _refuse(path, f"has a {name} (of {module}), which is not Keras' own; only Keras' own layers are loaded")


def _refuse(path: Path, found: str) -> NoReturn:
    raise ModelError(f"model {path}: {found}")
