"""Tables and columns of the original, under the names that they have had over the years."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType


def plain(name: str) -> str:
    """Return a name of a table or column without what differs between versions: case and underscores."""
    return name.replace("_", "").casefold()


def _columns(**names: str) -> Mapping[str, tuple[str, ...]]:
    return MappingProxyType({ours: tuple(theirs.split()) for ours, theirs in names.items()})


#: Our name of a table -> our name of a column -> its names there (see `plain`), the newest first.
KNOWN: Mapping[str, Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "Plot_Types": _columns(
            id="id",
            name="name",
            file_type="filetype",
            chunked="ischunked",
            active="activemodelid",
            collect="collectpercent",
            ignored="ignoreplot",
            description="description",
            display="displayname",
            contact="pointofcontact",
            group="plotgroup",
        ),
        "Plots": _columns(
            id="id", plot_type="plottypesid plottypeid", period="runperiod", run="runnumber", chunk="chunk"
        ),
        "Plot_Classifications": _columns(id="id", name="classification", colour="colour color"),
        "Valid_Classifications": _columns(
            plot_type="plottypesid plottypeid", known="plotclassificationsid plotclassificationid"
        ),
        "PlotGroups": _columns(id="id", name="name", kind="type"),
        "PlotType_Groupings": _columns(plot_type="plottypeid plottypesid", group="plotgroupid plotgroupsid"),
        "SuperGroups": _columns(group="plotgroupid", above="superplotgroupid supergroupid"),
        "HydraUsers": _columns(id="id userid", name="username user name"),
        "HydraRoles": _columns(id="id roleid", name="role rolename name"),
        "UserRoles": _columns(user="userid hydrauserid hydrausersid", role="roleid hydraroleid hydrarolesid"),
        "User_Permissions": _columns(user="username user", plot_type="plottypeid plottypesid"),
        "Users_Plots": _columns(
            id="id",
            user="user username",
            plot="plotid plotsid",
            known="plotclassificationid plotclassificationsid",
            comment="comment comments",
            at="datetime date insertdatetime",
        ),
        "Users_Plots_History": _columns(id="id", at="date datetime", user="user username", text="transactionjson"),
        "Models": _columns(
            id="id",
            at="date datetime",
            parent="parentmodelid",
            name="name",
            location="location",
            plot_type="plottypeid plottypesid",
            labels="labels",
            input_shape="inputshape",
            epochs="epochs",
            early_stop_quantity="earlystopquantity",
            early_stop_value="earlystopvalue",
            sampling="samplingmethod",
            merged="mergedtrain",
            learning_rate="learningrate",
            anneal_epochs="annealepochs",
            tensorflow="tensorflowversion",
            python="pythonversion",
            keras="kerasversion",
        ),
        "Training_Sets": _columns(model="modelsid modelid", plot="plotsid plotid"),
        "ModelThresholds": _columns(
            id="id",
            model="modelid modelsid",
            known="plotclassificationid plotclassificationsid",
            value="threshold",
            method="thresholdmethod",
        ),
        "AI_Plots": _columns(
            model="modelid modelsid",
            plot="plotid plotsid",
            known="plotclassificationid plotclassificationsid",
            confidence="confidence",
        ),
        "RunHistory": _columns(
            id="id",
            run="runnumber",
            at="datetime",
            plot_type="plottypeid plottypesid",
            output="output",
            thresholds="modelthresholds",
        ),
        "MonitoringLog": _columns(
            id="id",
            at="datetime",
            period="runperiod",
            run="runnumber",
            chunk="chunknumber chunk",
            plot_type="plottypeid plottypesid",
            model="modelid",
            known="verdictlabel",
            confidence="verdictconfidence",
            confirmed="isconfirmed",
            transition="istransition",
        ),
    }
)

_LIVE = "it is about the running of the original, minute by minute; a pass here has its own"
#: Tables that are not taken, and why.
LEFT: Mapping[str, str] = MappingProxyType(
    {
        "RunTime": "it is the queue of images on show, emptied every hour",
        "RunConditions": "the original does not use it; conditions come with the files of a run here",
        "FeederStatus": _LIVE,
        "BalancerStatus": _LIVE,
        "PredictStatus": _LIVE,
        "KeeperStatus": _LIVE,
        "RunStatus": _LIVE,
        "StatusMap": _LIVE,
        "News": "it is a line for today; say it anew with 'hydra news'",
        "Plot_Classification_Types": "classes have no families here",
        "TrainingReports": "they are about the original's own models",
        "TrainingReportElements": "they are about the original's own models",
        "TrainingReportResponses": "what experts changed in them is in the labels",
        "yoyo_log": "it is how that database keeps its own version",
        "yoyo_migration": "it is how that database keeps its own version",
        "yoyo_version": "it is how that database keeps its own version",
        "yoyo_lock": "it is how that database keeps its own version",
    }
)
