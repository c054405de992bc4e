"""The tables. ``docs/architecture.md`` says how a row comes to be; a change here needs a migration."""

from hydra_core.store.schema.asked import (
    Label,
    LabelCount,
    NewsItem,
    PersonAccount,
    PersonPlotType,
    PersonRole,
    PersonRow,
    Request,
)
from hydra_core.store.schema.base import Base
from hydra_core.store.schema.earlier import EarlierLabel, EarlierModel, EarlierVerdict, Import
from hydra_core.store.schema.judged import Evidence, Image, Incident, Item, KeptImage, Verdict, VerdictCount
from hydra_core.store.schema.learned import (
    JudgingSet,
    JudgingSetModel,
    Model,
    ModelThreshold,
    Prediction,
    TrainingClaim,
    TrainingImage,
    TrainingReport,
    TrainingReportResponse,
)
from hydra_core.store.schema.ledger import Pass, Revision, Run, StageTiming, Unmatched
from hydra_core.store.schema.plots import (
    PlotClassRow,
    PlotGroupParent,
    PlotGroupRow,
    PlotGroupType,
    PlotTypeRow,
    ValidClass,
)

#: The migration that makes exactly these tables; a test holds the two together.
SCHEMA_REVISION = "0005"

#: `Item.chunk` of a plot that comes once a run (a NULL would never be equal to another in a unique key).
ONCE_A_RUN = -1

__all__ = [
    "ONCE_A_RUN",
    "SCHEMA_REVISION",
    "Base",
    "EarlierLabel",
    "EarlierModel",
    "EarlierVerdict",
    "Evidence",
    "Image",
    "Import",
    "Incident",
    "Item",
    "JudgingSet",
    "JudgingSetModel",
    "KeptImage",
    "Label",
    "LabelCount",
    "Model",
    "ModelThreshold",
    "NewsItem",
    "Pass",
    "PersonAccount",
    "PersonPlotType",
    "PersonRole",
    "PersonRow",
    "PlotClassRow",
    "PlotGroupParent",
    "PlotGroupRow",
    "PlotGroupType",
    "PlotTypeRow",
    "Prediction",
    "Request",
    "Revision",
    "Run",
    "StageTiming",
    "TrainingClaim",
    "TrainingImage",
    "TrainingReport",
    "TrainingReportResponse",
    "Unmatched",
    "ValidClass",
    "Verdict",
    "VerdictCount",
]
