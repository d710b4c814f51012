"""Training on several devices, and on several machines: Keras' distribution API on JAX, by one option.

Every device takes an equal part of each batch, and the gradient is the whole batch's, batch norm's statistics too: the
losses are those of one device. Machines find each other by Keras' own variables, see docs/study.md.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

import keras

from maskwatch.errors import ConfigError

MACHINES = "KERAS_DISTRIBUTION_NUM_PROCESSES"


@dataclass(frozen=True, slots=True)
class Place:
    """Where this process is among all."""

    devices: int = 1  # of all processes together
    process: int = 0
    processes: int = 1


def start(seed: int, batch: int) -> Place:
    """From here on, models are trained on all devices. Call it before one is built.

    Raises:
        ConfigError: Keras does not run on JAX, or a batch cannot be dealt out evenly.
    """
    if keras.backend.backend() != "jax":
        raise ConfigError(
            f"--data-parallel: Keras runs on {keras.backend.backend()}, expected jax; "
            "pip install 'maskwatch[jax]' and set KERAS_BACKEND=jax"
        )
    import jax

    keras.utils.set_random_seed(seed)
    if int(os.environ.get(MACHINES, 1)) > 1:
        jax.config.update("jax_cpu_collectives_implementation", "gloo")  # processors need to be told; GPUs do not
        keras.distribution.initialize()
    devices = keras.distribution.list_devices()
    if batch % len(devices):
        raise ConfigError(f"--batch {batch}: {len(devices)} devices cannot share it evenly; expected a multiple")
    keras.distribution.set_distribution(keras.distribution.DataParallel(devices=devices, auto_shard_dataset=False))
    return Place(len(devices), jax.process_index(), jax.process_count())


def alone(model: keras.Model) -> keras.Model:
    """The model on this machine alone: what all compute together, none can read. Ends the distribution."""
    weights = model.get_weights()
    keras.distribution.set_distribution(None)
    copy = keras.models.clone_model(model)
    copy.set_weights(weights)
    return copy
