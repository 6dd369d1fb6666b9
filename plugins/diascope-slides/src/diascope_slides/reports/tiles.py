"""Write one row per tile: ``tiles.parquet``, for pandas, DuckDB, Spark and similar tools."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from diascope.display_text import replace_undecodable
from diascope.sample import Record
from diascope_slides.reports.answers import Answer, answers, card_labels

if TYPE_CHECKING:
    import pyarrow as pa

_PLACE = ("x", "y", "width", "height")


@dataclass(frozen=True)
class TilesReport:
    """``tiles.parquet``: one row per tile.

    The columns are item, the id of the slide; name, its name in ``slides/``, where other reports
    write its files; x, y, width and height of the tile in full-resolution pixels; attention, its
    weight among the tiles of the slide, null for models without attention; and ``score.<label>``
    for each label. Each slide is a row group of its own, so that it can be read without the others.
    """

    api: ClassVar = (1, 5)

    def write(
        self, run: Mapping[str, Any], records: Iterable[Record], directory: Path
    ) -> Sequence[Path]:
        """Write the table, holding one slide in memory at a time."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        path = directory / "tiles.parquet"
        scores = [f"score.{label}" for label in card_labels(run)]
        fields = [
            ("item", pa.string()),
            ("name", pa.string()),
            *((name, pa.int32()) for name in _PLACE),
            ("attention", pa.float32()),
        ]
        schema = pa.schema([*fields, *((name, pa.float32()) for name in scores)])
        with pq.ParquetWriter(path, schema, compression="zstd") as file:
            for answer in answers(records):
                rows = _rows(answer, schema)
                file.write_table(rows, row_group_size=max(1, rows.num_rows))
        return [path]


def _rows(answer: Answer, schema: "pa.Schema") -> "pa.Table":
    import pyarrow as pa

    regions, count = answer.regions, len(answer.regions.boxes)
    names = replace_undecodable(answer.prediction.item.id), answer.name
    attention = pa.nulls(count) if regions.attention is None else regions.attention
    columns = [*([name] * count for name in names), *regions.boxes.T, attention, *regions.scores.T]
    arrays = [pa.array(column, kind) for column, kind in zip(columns, schema.types, strict=True)]
    return pa.table(arrays, schema=schema)
