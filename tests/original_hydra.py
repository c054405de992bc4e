"""A fabricated database of the original Hydra, as it was in 2023 and in 2025, with its images."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa
from PIL import Image
from sqlalchemy.engine import Engine

Variant = Literal["2023", "2025"]
PERIOD = "/work/halld/online_monitoring/AI/keeper/RunPeriod-2025-01/rawdata_ver00/Run"
OTHER_PERIOD = "/work/halld/online_monitoring/AI/keeper/RunPeriod-2024-08/rawdata_ver00/Run"
#: Of the clock on the wall in Newport News; in January it is five hours behind UTC.
BEGIN = datetime.fromisoformat("2025-01-20T09:30:00")
CHUNKED, WHOLE, HIDDEN, LONG, CONTROL, RICH, RICH_TWIN, ACUTE, ACUTE_TWIN, JPEG, SHELL, CLIMB = range(1, 13)
CLASSES = ("Good", "Acceptable", "Bad", "NoData", "Weird", "Ignore", "TrainingSet", "ValidationSet")
GOOD, ACCEPTABLE, BAD, NODATA, WEIRD, IGNORE, TRAINING, VALIDATION = range(1, 9)
HOSTILE = "Robert'); DROP TABLE labels;--\n</script><script>alert(1)</script> \u202e ${HOME} 🙂"
_COMPOSED = unicodedata.normalize("NFC", "Détecteur")
_NAMES = {
    CHUNKED: ("CDC_occupancy", 1), WHOLE: ("CDC_occupancy", None), HIDDEN: ("Old_plot", None), LONG: ("L" * 191, None),
    CONTROL: ("evil\nname", 1), RICH: ("RICH", None), RICH_TWIN: ("Rich", None), ACUTE: (_COMPOSED, None),
    ACUTE_TWIN: (unicodedata.normalize("NFD", _COMPOSED), None), JPEG: ("CDC_occupancy", 1),
    SHELL: ("Cost ${HOME}", None), CLIMB: ("../climb", None),
}  # fmt: skip
_INT, _TEXT, _NAME, _REAL, _TIME = sa.Integer, sa.Text, sa.String(255), sa.Double, sa.DateTime


@dataclass
class TheirDatabase:
    """A database of the original, and the folder of its images."""

    engine: Engine
    metadata: sa.MetaData
    images: Path
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def add(self, table: str, **values: Any) -> None:
        """Add a row; what has no column in this version is left out."""
        columns = self.metadata.tables[table].c
        self.rows.setdefault(table, []).append({name: value for name, value in values.items() if name in columns})

    def write(self) -> None:
        """Enter the rows that were added, and forget them."""
        with self.engine.begin() as connection:
            for table, rows in self.rows.items():
                # Rows of one statement have the same columns.
                kinds: dict[tuple[str, ...], list[dict[str, Any]]] = {}
                for row in rows:
                    kinds.setdefault(tuple(row), []).append(row)
                for part in kinds.values():
                    connection.execute(sa.insert(self.metadata.tables[table]), part)
        self.rows.clear()

    def label(self, plot: int, known: int, who: str | None, **more: Any) -> None:
        """Add a label to the plot of that number."""
        number = 1 + max((row["ID"] for row in self.rows.get("Users_Plots", [])), default=0)
        values = {"User": who, "Plot_ID": plot, "Classification_Type_ID": 1, "Plot_Classification_ID": known}
        self.add("Users_Plots", **{"ID": number, "Comment": None, **values, **more})

    def plot(self, number: int, kind: int, run: int, chunk: int | None, period: str = PERIOD) -> None:
        """Add a plot."""
        self.add("Plots", ID=number, Plot_Types_ID=kind, RunPeriod=period, RunNumber=run, Chunk=chunk, TrainingWeight=1)

    def apply(self, at: datetime | None, who: str, plot: str, labels: Sequence[tuple[int | str, int, str]]) -> None:
        """Add a transaction of labels: (run, chunk, class)."""
        items = [{"RunNum": run, "ChunkNum": f"{chunk:04d}", "Label": known} for run, chunk, known in labels]
        text = json.dumps({"plotType": plot, "labels": items})
        number = 1 + len(self.rows.get("Users_Plots_History", []))
        self.add("Users_Plots_History", ID=number, Date=at, User=who, TransactionJSON=text)

    def image(self, path: str, data: bytes) -> None:
        """Put an image where the original keeps it, without the folders at the start of its path."""
        target = self.images / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)


def a_picture(seed: int) -> bytes:
    """Return a small PNG; another seed gives another file."""
    stream = BytesIO()
    Image.new("RGB", (60, 40), (seed % 256, seed // 256 % 256, 90)).save(stream, "PNG")
    return stream.getvalue()


def run_path(run: int, name: str, chunk: int | None, period: str = PERIOD) -> str:
    """Return the path of an image below ``keeper``."""
    below = period.split("/keeper/")[1]
    return f"keeper/{below}{run:06d}/{name}{'' if chunk is None else f'_{chunk:04d}'}.png"


@contextmanager
def original_database(url: str, images: Path, variant: Variant = "2025") -> Iterator[TheirDatabase]:
    """Yield an empty database of the original."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    try:
        metadata = _tables(variant)
        with engine.begin() as connection:
            if engine.dialect.name == "mysql":
                connection.exec_driver_sql("SET time_zone = '+00:00'")
            metadata.create_all(connection)
        yield TheirDatabase(engine, metadata, images)
    finally:
        engine.dispose()


def _tables(variant: Variant) -> sa.MetaData:
    metadata = sa.MetaData()
    new = variant == "2025"

    def table(name: str, *, key: bool = True, **columns: Any) -> None:
        numbers = [sa.Column("ID", _INT, primary_key=True, autoincrement=False)] if key else []
        more = [sa.Column(column, kind) for column, kind in columns.items()]
        sa.Table(name, metadata, *numbers, *more, mysql_charset="utf8mb4")

    newer: dict[str, Any] = {"Description": _TEXT, "DisplayName": _NAME, "PointOfContact": _NAME, "IgnorePlot": _INT}
    table("Plot_Types", Name=_NAME, FileType=_NAME, IsChunked=_INT, Active_Model_ID=_INT, CollectPercent=_REAL,
          **(newer if new else {"PlotGroup": _NAME}))  # fmt: skip
    table("Plots", Plot_Types_ID=_INT, RunPeriod=_NAME, RunNumber=_INT, Chunk=_INT, TrainingWeight=_INT)
    table("Plot_Classifications", Classification=_NAME, Classification_Type_ID=_INT,
          **dict[str, Any]({"Colour" if new else "color": _NAME}))  # fmt: skip
    table("Valid_Classifications", key=False, Plot_Types_ID=_INT, Plot_Classifications_ID=_INT)
    table("User_Permissions", UserName=_NAME, Plot_Type_ID=_INT)
    table("Users_Plots", User=_NAME, Plot_ID=_INT, Classification_Type_ID=_INT, Plot_Classification_ID=_INT,
          Comment=_TEXT)  # fmt: skip
    table("Users_Plots_History", key=new, Date=_TIME, User=_NAME, TransactionJSON=_TEXT)
    table("Models", Date=_TIME, Parent_Model_ID=_INT, Name=_NAME, Location=_TEXT, PlotType_ID=_INT,
          Labels=sa.LargeBinary, InputShape=_NAME, Epochs=_INT, LearningRate=_REAL, TensorFlowVersion=_NAME,
          ConfusionMtx=_TEXT)  # fmt: skip
    table("Training_Sets", key=False, Models_ID=_INT, Plots_ID=_INT)
    table("ModelThresholds", Model_ID=_INT, Plot_Classification_ID=_INT, Threshold=_REAL,
          **dict[str, Any]({"ThresholdMethod": sa.String(100)} if new else {}))  # fmt: skip
    table("AI_Plots", key=False, Model_ID=_INT, Plot_ID=_INT, Plot_Classification_ID=_INT, Classification_Type_ID=_INT,
          Confidence=_REAL)  # fmt: skip
    table("RunHistory", key=new, RunNumber=_INT, DateTime=_TIME, PlotType_ID=_INT, Output=_TEXT, ModelThresholds=_TEXT)
    table("RunTime", DateTime=_TIME, RunNumber=_INT, PlotName=_NAME, IMG=_TEXT)
    if new:
        table("PlotGroups", Name=_NAME, Type=_NAME)
        table("PlotType_Groupings", key=False, PlotType_ID=_INT, PlotGroup_ID=_INT)
        table("SuperGroups", key=False, PlotGroup_ID=_INT, SuperPlotGroup_ID=_INT)
        table("HydraUsers", UserName=_NAME)
        table("HydraRoles", Role=_NAME)
        table("UserRoles", key=False, User_ID=_INT, Role_ID=_INT)
        table("MonitoringLog", DateTime=sa.TIMESTAMP, RunPeriod=_NAME, RunNumber=_INT, ChunkNumber=_INT,
              Plot_Type_ID=_INT, PlotName=_NAME, ModelID=_INT, VerdictLabel=_NAME, VerdictConfidence=_REAL,
              IsConfirmed=_INT, IsTransition=_INT)  # fmt: skip
        table("News", Message=_TEXT)
        table("Strange_Table", Thing=_TEXT)
    return metadata


def fill(there: TheirDatabase) -> None:
    """Enter a small hall with everything that is awkward about it."""
    _fill_directory(there)
    _fill_labels(there)
    _fill_models(there)
    there.write()


def _fill_directory(there: TheirDatabase) -> None:
    for number, (name, chunked) in _NAMES.items():
        there.add(
            "Plot_Types", ID=number, Name=name, FileType="jpg" if number == JPEG else "png", IsChunked=chunked,
            Active_Model_ID=12 if number == CHUNKED else None, CollectPercent=7.5 if number == WHOLE else 0.5,
            Description=f"{name}: {HOSTILE}", DisplayName=None, PointOfContact="cdc@hall.example",
            IgnorePlot=int(number == HIDDEN), PlotGroup="CDC",
        )  # fmt: skip
    colours = ("lightgreen", "#006400", "red", "grey", "no colour", "orange", "", None)
    for number, (name, colour) in enumerate(zip(CLASSES, colours, strict=True), start=1):
        there.add("Plot_Classifications", ID=number, Classification=name, Classification_Type_ID=1, Colour=colour,
                  color=colour)  # fmt: skip
    for kind, known in (
        (CHUNKED, GOOD),
        (CHUNKED, BAD),
        (CHUNKED, IGNORE),
        (CHUNKED, TRAINING),
        (WHOLE, GOOD),
        (99, BAD),
    ):
        there.add("Valid_Classifications", Plot_Types_ID=kind, Plot_Classifications_ID=known)
    for number, (who, kind) in enumerate((("ada", CHUNKED), ("ada", WHOLE), ("bob", CHUNKED), ("eve", LONG)), start=1):
        there.add("User_Permissions", ID=number, UserName=who, Plot_Type_ID=kind)
    there.add("RunTime", ID=1, DateTime=BEGIN, RunNumber=71234, PlotName="x", IMG="x")
    if "HydraUsers" not in there.metadata.tables:
        return
    for number, name in enumerate(("ada", "grace", "x" * 121), start=1):
        there.add("HydraUsers", ID=number, UserName=name)
    for number, name in enumerate(("Admin", "Labeler", "Viewer"), start=1):
        there.add("HydraRoles", ID=number, Role=name)
    for user, held in ((1, 1), (1, 2), (2, 2), (9, 1)):
        there.add("UserRoles", User_ID=user, Role_ID=held)
    groups = (("CDC", "detector"), ("CDC", "campaign"), ("All", "period"), ("", "x"))
    for number, (name, sort) in enumerate(groups, start=1):
        there.add("PlotGroups", ID=number, Name=name, Type=sort)
    for kind, group in ((CHUNKED, 1), (WHOLE, 1), (RICH, 2), (HIDDEN, 1), (98, 1)):
        there.add("PlotType_Groupings", PlotType_ID=kind, PlotGroup_ID=group)
    for group, above in ((1, 3), (2, 3), (3, 1), (3, 3), (1, 77)):
        there.add("SuperGroups", PlotGroup_ID=group, SuperPlotGroup_ID=above)
    there.add("News", ID=1, Message=HOSTILE)
    there.add("Strange_Table", ID=1, Thing="?")


def _fill_labels(there: TheirDatabase) -> None:
    """Eight images of a run, four simulated ones, and plots whose image or plot type is not there."""
    for number in range(1, 9):
        there.plot(number, CHUNKED, 71234, number)
        there.image(run_path(71234, "CDC_occupancy", number), a_picture(number))
    there.plot(20, WHOLE, 71234, 0)
    there.image(run_path(71234, "CDC_occupancy", None), a_picture(20))
    for number in range(31, 35):
        there.plot(number, CHUNKED, 0, 0, f"CDC_occupancy/board_{number}")
        there.image(f"simulated/CDC_occupancy/board_{number}.png", a_picture(number))
    there.plot(40, CHUNKED, 71235, 1)  # its image is not there
    there.plot(41, LONG, 71234, 0)
    there.plot(42, CLIMB, 71234, 0)
    there.plot(43, CHUNKED, 71236, 1)
    there.image(run_path(71236, "CDC_occupancy", 1), b"no image at all")
    there.plot(44, CHUNKED, 71237, 1)
    there.image(run_path(71237, "CDC_occupancy", 1), a_picture(1))  # the very same image as that of plot 1
    there.plot(45, CHUNKED, 2**40, 1) if there.engine.dialect.name == "sqlite" else None
    for number, known in zip(range(1, 9), (GOOD, GOOD, BAD, GOOD, BAD, IGNORE, TRAINING, ACCEPTABLE), strict=True):
        there.label(number, known, "bob" if number == 5 else "ada")
    there.label(20, GOOD, "ada", Comment=HOSTILE)
    for number in range(31, 35):
        there.label(number, BAD, "ada")
    for number, who in ((40, "ada"), (41, "ada"), (42, "ada"), (43, "ada"), (77, "ada")):
        there.label(number, GOOD, who)
    there.label(44, BAD, "ada")
    there.label(45, GOOD, "ada")
    there.label(2, GOOD, None)
    chunks = [(71234, number, CLASSES[known - 1]) for number, known in ((1, GOOD), (2, GOOD), (3, GOOD), (4, GOOD))]
    there.apply(BEGIN, "ada", "CDC_occupancy_Chunks", chunks)
    # The third one was corrected an hour later, in the hour of which the clock has two.
    twice = datetime.fromisoformat("2025-11-02T01:30:00")
    there.apply(twice, "ada", "CDC_occupancy_Chunks", [(71234, 3, "Bad"), (71234, 6, "Ignore")])
    there.apply(BEGIN, "eve", "CDC_occupancy_Chunks", [(71234, 5, "Good")])
    there.apply(BEGIN + timedelta(1), "bob", "CDC_occupancy_Chunks", [(71234, 5, "Bad"), (71234, 500, "Bad")])
    there.apply(BEGIN, "ada", "CDC_occupancy_Chunks", [(f"CDC_occupancy/board_{n}", 0, "Bad") for n in range(31, 35)])
    there.apply(BEGIN, "ada", "Nobody knows", [(1, 1, "Good")])
    for text in ("", "[1, 2]", "{", '{"plotType": 5, "labels": []}', '{"labels": "x"}', "[" * 9000):
        number = 1 + len(there.rows["Users_Plots_History"])
        there.add("Users_Plots_History", ID=number, Date=BEGIN, User="eve", TransactionJSON=text)


def _fill_models(there: TheirDatabase) -> None:
    for number, kind in ((11, CHUNKED), (12, CHUNKED), (13, 99)):
        there.add(
            "Models", ID=number, Date=BEGIN, Parent_Model_ID=11 if number == 12 else None, Name=f"model {number}",
            Location="/models/x.h5", PlotType_ID=kind, Labels=b"{0: 'Bad', 1: 'Good'}", InputShape="(600,800,3)",
            Epochs=40, LearningRate=0.01, TensorFlowVersion="2.7.1", ConfusionMtx="<html>",
        )  # fmt: skip
        there.add("Training_Sets", Models_ID=number, Plots_ID=1)
        there.add("Training_Sets", Models_ID=number, Plots_ID=2)
    methods = ((11, GOOD, 0.0, "INIT"), (12, GOOD, 0.4, "max_f1"), (12, BAD, 0.65, "ada"), (12, 99, 0.5, "INIT"))
    for number, (model, known, value, method) in enumerate(methods, start=1):
        there.add("ModelThresholds", ID=number, Model_ID=model, Plot_Classification_ID=known, Threshold=value,
                  ThresholdMethod=method)  # fmt: skip
    for plot in (1, 2, 3, 77):
        for known, confidence in ((GOOD, 0.25), (BAD, 0.75)):
            there.add("AI_Plots", Model_ID=12, Plot_ID=plot, Plot_Classification_ID=known, Classification_Type_ID=1,
                      Confidence=confidence)  # fmt: skip
    outputs = ("{'Good': 0.9, 'Bad': 0.1}", "{'Good': np.float32(0.3), 'Bad': np.float32(0.7)}", "{'Good': 0.9, 'Ba",
               "__import__('os').system('touch /tmp/hacked')", None)  # fmt: skip
    for number, text in enumerate(outputs, start=1):
        there.add("RunHistory", ID=number, RunNumber=71234, DateTime=BEGIN + timedelta(seconds=number),
                  PlotType_ID=CHUNKED, Output=text, ModelThresholds="{'Good': 0.4, 'Bad': 0.8}")  # fmt: skip
    there.add("RunHistory", ID=6, RunNumber=71234, DateTime=None, PlotType_ID=CHUNKED, Output=outputs[0],
              ModelThresholds="")  # fmt: skip
    there.add("RunHistory", ID=7, RunNumber=71234, DateTime=BEGIN, PlotType_ID=LONG, Output=outputs[0],
              ModelThresholds="")  # fmt: skip
    if "MonitoringLog" not in there.metadata.tables:
        return
    for number, transition in enumerate((1, 0, 2, 3), start=1):
        there.add(
            "MonitoringLog", ID=number, DateTime=BEGIN + timedelta(minutes=number), RunPeriod=PERIOD, RunNumber=71234,
            ChunkNumber=number, Plot_Type_ID=CHUNKED, PlotName="CDC_occupancy", ModelID=12, VerdictLabel="Bad",
            VerdictConfidence=0.99, IsConfirmed=int(number != 4), IsTransition=transition,
        )  # fmt: skip
