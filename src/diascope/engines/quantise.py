"""Quantise an exported graph to int8 with NNCF, without console output and telemetry."""

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
    """Return the names, in order, of the layers that partial quantisation computes in int8.

    These are the backbone's dense convolutions except the first, which do most of the arithmetic.
    The first convolution sees the picture itself, and the head computes the scores. Depthwise
    convolutions, sums and products are little work, and each would add a rounding error.
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
    """Quantise a graph to int8, wholly or partly, and write it as OpenVINO's ``.xml`` and ``.bin``.

    Post-training quantisation after Jacob et al. 2018 (arXiv 1712.05877): weights have one scale
    per filter, activations one per tensor, from their minimum and maximum on the pictures.

    Args:
        graph: an ONNX file by ``export_onnx``.
        layers: names from ``quantisable``, with everything else in float32; None for the whole
            backbone, including sums and products.
        pictures: ``(N, H, W, C)`` in [0, 1].
    """
    with contextlib.redirect_stdout(io.StringIO()):
        import nncf
        from nncf.quantization.advanced_parameters import AdvancedQuantizationParameters
        from nncf.quantization.range_estimator import RangeEstimatorParametersSet

        logging.getLogger("nncf").setLevel(logging.ERROR)
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
