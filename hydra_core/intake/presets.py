"""Naming rules that travel with Hydra: how known producers name their files, with examples that tests read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hydra_core.base.errors import HydraError
from hydra_core.intake.naming_rule import DEFAULT_RULES, NamingRule, Reads, context, ending


@dataclass(frozen=True)
class Example:
    """A path, and what a preset reads in it.

    Attributes
    ----------
    rule
        The name of the rule that takes it; empty where it is left out.
    stamp
        Whether a time stands in the place of a chunk number.
    """

    path: str
    rule: str
    run: int | None = None
    run_name: str = ""
    plot: str = ""
    chunk: int | None = None
    pad: str | None = None
    reads: Reads = "images"
    stamp: bool = False
    facts: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Preset:
    """The naming rules of one producer, in the order in which they are tried."""

    name: str
    description: str
    rules: tuple[NamingRule, ...]
    examples: tuple[Example, ...]


def preset_rules(names: Sequence[str]) -> tuple[NamingRule, ...]:
    """Return the rules of some presets, in the order of their names.

    Raises
    ------
    HydraError
        When there is no preset of a name.
    """
    for name in names:
        if name not in PRESETS:
            raise HydraError(f"there is no preset {name!r}", next_step=f"use one of {', '.join(PRESETS)}")
    return tuple(rule for name in names for rule in PRESETS[name].rules)


_IMAGE = ending("images")
_FILE = ending("histograms")
_OF_IMAGES, _OF_FILES = context("images"), context("histograms")
_RUN_FOLDER = r"Run(?P<run>[0-9]+)"
#: Any folders above what counts.
_ABOVE = r"(?:.*/)?"

_GLUEX_ONLINE = Preset(
    "gluex-online",
    "GlueX, images drawn while data are taken (RSAI): chunks of canvases and pads in Run folders.",
    (
        NamingRule(
            name="gluex-online",
            pattern=rf"{_OF_IMAGES}(?:.*?/)??{_RUN_FOLDER}/(?P<plot>.+?)(?:-(?P<pad>[0-9]+))?_(?P<chunk>[0-9]{{4,}}){_IMAGE}",
            run_folder=_RUN_FOLDER,
            description="[RunPeriod-.../][rawdata_verNN/]Run<number>/<Plot>[-<pad>]_<chunk, 4 digits>.png",
            needs="a folder Run<number>, and a chunk of four digits at the end of the file name",
        ),
    ),
    (
        Example(
            "RunPeriod-2026-01/rawdata_ver00/Run121264/CDC_occupancy_0003.png",
            "gluex-online",
            run=121264,
            plot="CDC_occupancy",
            chunk=3,
        ),
        Example(
            "RunPeriod-2026-01/rawdata_ver00/Run071350/FCAL_occupancy-02_0001.png",
            "gluex-online",
            run=71350,
            run_name="071350",
            plot="FCAL_occupancy-02",
            chunk=1,
            pad="02",
        ),
        Example("Run121264/Kinematics-PSEnergy_0012.png", "gluex-online", 121264, plot="Kinematics-PSEnergy", chunk=12),
    ),
)

_GLUEX_OFFLINE = Preset(
    "gluex-offline",
    "GlueX, after reconstruction: images without chunks in Run folders, and merged ROOT files of a run.",
    (
        NamingRule(
            name="gluex-offline-images",
            pattern=rf"{_OF_IMAGES}(?:.*?/)??{_RUN_FOLDER}/(?P<plot>.+?){_IMAGE}",
            run_folder=_RUN_FOLDER,
            description="[RunPeriod-.../][verNN/]Run<number>/<Plot>.png",
            needs="a folder Run<number>",
        ),
        NamingRule(
            name="gluex-offline-histograms",
            pattern=rf"{_OF_FILES}{_ABOVE}(?:hd_root|hist)[_-]?(?P<run>[0-9]+)(?:_(?P<chunk>[0-9]+))?{_FILE}",
            reads="histograms",
            description="hd_root_<run>[_<chunk>].root or hist<run>[_<chunk>].root, in any folder",
            needs="a file name hd_root_<run> or hist<run>",
        ),
    ),
    (
        Example("RunPeriod-2019-11/ver20/Run071350/CDC_p2.png", "gluex-offline-images", 71350, "071350", "CDC_p2"),
        Example("hists/hd_root_050001.root", "gluex-offline-histograms", 50001, "050001", reads="histograms"),
        Example(
            "hists/050001/hd_root_050001_003.root",
            "gluex-offline-histograms",
            50001,
            "050001",
            chunk=3,
            reads="histograms",
        ),
        Example("merged/hist050001.root", "gluex-offline-histograms", 50001, "050001", reads="histograms"),
    ),
)

_CLAS12 = Preset(
    "clas12",
    "CLAS12: folders of mon12 with a time each (the chunk is its rank in the run), and the numbered images made of "
    "them. Summary images are left out.",
    (
        NamingRule(
            name="clas12-mon12",
            pattern=rf"{_ABOVE}clas12mon_(?P<run>[0-9]+)_"
            r"(?P<stamp>[0-9]{2}-[0-9]{2}-[0-9]{4}_[0-9]{2}\.[0-9]{2}\.[0-9]{2}_[AP]M)/"
            rf"(?P<plot>[^/]+){_IMAGE}",
            run_folder=r"clas12mon_(?P<run>[0-9]+)_.*",
            stamp_format="%m-%d-%Y_%I.%M.%S_%p",
            blanks_become_underscores=True,
            leave=("*summary*",),
            description="clas12mon_<run>_<MM-dd-yyyy_hh.mm.ss_AM|PM>/<Detector>_<Tab>.png",
            needs="a folder clas12mon_<run>_<time>",
        ),
        NamingRule(
            name="clas12-linked",
            pattern=rf"{_ABOVE}(?P<run>[0-9]+)/(?P<plot>[^/]+)_(?P<chunk>[0-9]{{4,}}){_IMAGE}",
            blanks_become_underscores=True,
            leave=("*summary*",),
            description="<run>/<Detector>_<Tab>_<chunk, 4 digits>.png",
            needs="a folder whose name is the run number, and a chunk of four digits at the end of the file name",
        ),
    ),
    (
        Example(
            "clas12mon_5038_11-05-2018_09.41.07_PM/FTOF_tdc Occupancy.png",
            "clas12-mon12",
            5038,
            plot="FTOF_tdc_Occupancy",
            stamp=True,
        ),
        Example("clas12mon_5038_11-05-2018_09.41.07_PM/summary_DC.png", ""),
        Example("5038/DC_OccupancyNorm_0000.png", "clas12-linked", 5038, plot="DC_OccupancyNorm", chunk=0),
    ),
)

_PANGUIN = Preset(
    "panguin",
    "Panguin (Halls A and C): one image a variable, or one a pad of a page; once a run. The name of Panguin's "
    "configuration stays in the plot type's name, for two of them may draw the same page.",
    (
        NamingRule(
            name="panguin-pad",
            pattern=rf"{_ABOVE}hydra_(?P<run>[0-9]+)_"
            rf"(?P<plot>page(?P<page>[0-9]+)_pad(?P<pad>[0-9]+)_(?P<config>[^/]+)){_IMAGE}",
            pad_in_name=False,
            description="hydra_<run>_page<page>_pad<pad>_<configuration>.png",
            needs="a file name hydra_<run>_page<page>_pad<pad>_<configuration>",
        ),
        NamingRule(
            name="panguin-variable",
            pattern=rf"{_ABOVE}hydra_(?P<run>[0-9]+)_(?P<plot>[^/]+){_IMAGE}",
            description="hydra_<run>_<variable>_<configuration>.png",
            needs="a file name hydra_<run>_<variable>_<configuration>",
        ),
    ),
    (
        Example(
            "hydra_2345_page2_pad1_sbs_50k.png",
            "panguin-pad",
            2345,
            plot="page2_pad1_sbs_50k",
            pad="1",
            facts={"page": "2", "config": "sbs_50k"},
        ),
        Example("hydra_2345_bb.ps.e_default.png", "panguin-variable", 2345, plot="bb.ps.e_default"),
    ),
)

_HALLC = Preset(
    "hallc",
    "Hall C: pages of the online display in a folder for each run; once a run.",
    (
        NamingRule(
            name="hallc",
            pattern=rf"{_ABOVE}(?P<run>[0-9]+)/(?P<plot>[^/]+){_IMAGE}",
            description="<run>/<Plot>.png",
            needs="a folder whose name is the run number",
        ),
    ),
    (Example("hydra_in/23899/hms_cal_2.png", "hallc", 23899, plot="hms_cal_2"),),
)

_EPIC = Preset(
    "epic",
    "ePIC: simulation campaigns and pipelines. There are no run numbers: folders give each run its name.",
    (
        NamingRule(
            name="epic-pipeline",
            pattern=rf"(?:.*?/)??pipelines/pipeline-(?P<pipeline>[^/]+)/(?P<plot>.+){_IMAGE}",
            run_name="pipeline {pipeline}",
            description="pipelines/pipeline-<id>/<Plot>.png",
            needs="a folder pipelines/pipeline-<id>",
        ),
        NamingRule(
            name="epic-campaign",
            pattern=r"(?:(?:.*?/)??images/)?(?P<campaign>[^/]+)/(?P<geometry>[^/]+)/(?P<process>.+?)/"
            rf"(?P<energy>[0-9]+x[0-9]+)/(?:(?P<cut>minQ2=[^/]+)/)?(?P<plot>.+){_IMAGE}",
            run_name="{campaign} {geometry} {process} {energy} {cut}",
            description="[images/]<campaign>/<geometry>/<process ...>/<energies>/[minQ2=<n>/]<Plot>.png",
            needs="folders <campaign>/<geometry>/<process>/<energies>, as in 24.08.0/epic_craterlake/DIS/NC/18x275",
        ),
    ),
    (
        Example(
            "24.08.0/epic_craterlake/DIS/NC/18x275/minQ2=10/q2.png",
            "epic-campaign",
            run_name="24.08.0 epic_craterlake DIS/NC 18x275 minQ2=10",
            plot="q2",
            facts={
                "campaign": "24.08.0",
                "geometry": "epic_craterlake",
                "process": "DIS/NC",
                "energy": "18x275",
                "cut": "minQ2=10",
            },
        ),
        Example(
            "validation/images/24.08.0/epic_craterlake/SINGLE/e-/10x100/eta.png",
            "epic-campaign",
            run_name="24.08.0 epic_craterlake SINGLE/e- 10x100",
            plot="eta",
            facts={
                "campaign": "24.08.0",
                "geometry": "epic_craterlake",
                "process": "SINGLE/e-",
                "energy": "10x100",
            },
        ),
        Example(
            "pipelines/pipeline-104713/tracking/pull.png",
            "epic-pipeline",
            run_name="pipeline 104713",
            plot="tracking/pull",
            facts={"pipeline": "104713"},
        ),
    ),
)

_GENERIC = Preset(
    "generic",
    "The rules that hold where a site names none: a run folder, a number folder, or the run in the file name.",
    DEFAULT_RULES,
    (
        Example("RunPeriod-2026-01/Run121264/CDC-03_0001.png", "run-folder", 121264, "", "CDC-03", 1, "03"),
        Example("121264/CDC.png", "number-folder", 121264, plot="CDC"),
        Example("lms/run_1059.png", "run-after-name", 1059, plot="lms"),
        Example("run12_CDC_0003.png", "run-before-name", 12, plot="CDC", chunk=3),
        Example("Run7/hd_root.root", "histograms-run-folder", 7, plot="hd_root", reads="histograms"),
        Example("7/timing_2.h5", "histograms-number-folder", 7, plot="timing", chunk=2, reads="histograms"),
        Example("digis/run_300366.root", "histograms-run-after-name", 300366, reads="histograms"),
        Example("run7_timing.hdf5", "histograms-run-before-name", 7, plot="timing", reads="histograms"),
    ),
)

#: Every preset by its name.
PRESETS: Mapping[str, Preset] = {
    preset.name: preset for preset in (_GLUEX_ONLINE, _GLUEX_OFFLINE, _CLAS12, _PANGUIN, _HALLC, _EPIC, _GENERIC)
}
