"""Training on several devices and machines with Keras' distribution API on JAX, by one option.

Every device takes an equal part of each batch. The gradient and batch norm's statistics are those of the whole batch,
so the losses are the same as on a single device. Machines find each other by Keras' own variables, see docs/study.md.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

import keras

from maskwatch.errors import ConfigError

MACHINES = "KERAS_DISTRIBUTION_NUM_PROCESSES"


@dataclass(frozen=True, slots=True)
class Place:
    """This process among all processes of the training."""

    devices: int = 1  # of all processes together
    process: int = 0
    processes: int = 1


def start(seed: int, batch: int) -> Place:
    """Train models on all devices from now on. Call it before a model is built.

    Raises:
        ConfigError: Keras does not run on JAX, or the devices cannot share a batch evenly.
    """
    if keras.backend.backend() != "jax":
        raise ConfigError(
            f"--data-parallel: Keras runs on {keras.backend.backend()}, expected jax; "
            "pip install -e '.[jax]' in the checkout and set KERAS_BACKEND=jax"
        )
    import jax

    keras.utils.set_random_seed(seed)
    if int(os.environ.get(MACHINES, 1)) > 1:
        jax.config.update("jax_cpu_collectives_implementation", "gloo")  # CPUs need this setting, GPUs do not
        keras.distribution.initialize()
    devices = keras.distribution.list_devices()
    if batch % len(devices):
        raise ConfigError(f"--data-parallel: {len(devices)} devices cannot share a batch of {batch} evenly; use fewer")
    keras.distribution.set_distribution(keras.distribution.DataParallel(devices=devices, auto_shard_dataset=False))
    return Place(len(devices), jax.process_index(), jax.process_count())


def alone(model: keras.Model) -> keras.Model:
    """A copy of the model on this machine alone, because a distributed model cannot be read. Ends the distribution."""
    weights = model.get_weights()
    keras.distribution.set_distribution(None)
    copy = keras.models.clone_model(model)
    copy.set_weights(weights)
    return copy
