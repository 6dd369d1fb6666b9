"""Quantise an exported graph to int8 with NNCF, without its and OpenVINO's talk and telemetry."""

import contextlib
import io
import logging
from collections.abc import Collection
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from diascope.engines.exported import INPUT, split_batch
from diascope.engines.openvino import read_graph, write_graph

_BACKBONE = "/backbone/"


def quantisable(graph: Path) -> list[str]:
    """Return the names of the layers that may alone compute in int8, from the first to the last.

    These are the backbone's dense convolutions but the first: most of the arithmetic. The first
    sees the picture itself, and the head makes the scores; convolutions channel by channel, sums
    and products are little work, and each would round once more.
    """
    convolutions = [
        each.get_friendly_name()
        for each in read_graph(graph).get_ordered_ops()
        if each.get_type_name() == "Convolution"
    ]
    return [name for name in convolutions[1:] if name.startswith(_BACKBONE)]


def write_quantised(
    graph: Path, layers: Collection[str] | None, pictures: NDArray[np.float32], path: Path
) -> None:
    """Write a graph that computes in int8, whole or in part, as OpenVINO's ``.xml`` and ``.bin``.

    Post-training quantisation after Jacob et al. 2018 (arXiv 1712.05877): weights have one scale a
    filter, activations one a tensor, from the least and the greatest value that they take on the
    pictures.

    Args:
        graph: ONNX, as ``export_onnx`` writes it.
        layers: of ``quantisable``, and all else stays in float32; None for the whole backbone,
            sums and products too.
        pictures: ``(N, H, W, C)`` in [0, 1].
    """
    with contextlib.redirect_stdout(io.StringIO()):
        import nncf
        from nncf.quantization.advanced_parameters import AdvancedQuantizationParameters
        from nncf.quantization.range_estimator import RangeEstimatorParametersSet

        nncf.set_log_level(logging.ERROR)
        model, seen = read_graph(graph), split_batch(pictures)
        names = [each.get_friendly_name() for each in model.get_ordered_ops()]
        if layers is None:
            layers = [name for name in names if name.startswith(_BACKBONE)]
        others = [name for name in names if name not in layers]
        made = nncf.quantize(
            model,
            nncf.Dataset(seen, lambda pair: {INPUT: pair}),
            subset_size=len(seen),
            ignored_scope=nncf.IgnoredScope(names=others, validate=False),
            advanced_parameters=AdvancedQuantizationParameters(
                activations_range_estimator_params=RangeEstimatorParametersSet.MINMAX
            ),
        )
        write_graph(made, path)
