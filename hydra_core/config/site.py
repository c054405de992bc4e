"""A site: where its data live, its database, its Cylc names and the settings of every stage."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, StringConstraints, field_validator, model_validator

from hydra_core.base.names import PlotKey, safe_join, slug
from hydra_core.config.groups import PlotText
from hydra_core.config.histograms import HistogramsSection
from hydra_core.config.inference import InferenceSection as InferenceSection
from hydra_core.config.plots import IGNORE, PlotClass, PlotsFile, PlotType, Strict
from hydra_core.config.retention import RetentionSection
from hydra_core.config.training import TrainingSection as TrainingSection

#: Durations as Cylc writes them: ``PT5S, 2*PT1M``.
Delays = Annotated[str, StringConstraints(pattern=r"^(\d+\*)?P[0-9TDHMS]+(, ?(\d+\*)?P[0-9TDHMS]+)*$")]
PersonName = Annotated[str, StringConstraints(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f\x7f]+$")]
RoleName = Annotated[str, StringConstraints(min_length=1, max_length=40)]
WorkflowName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*(/[A-Za-z0-9][A-Za-z0-9_.-]*)*$")]


class SiteSection(Strict):
    """``[site]``: who we are."""

    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]
    experiment: str


class PathsSection(Strict):
    """``[paths]``: `data_root` is absolute after loading; `intake` is inside it unless absolute."""

    data_root: Path
    intake: Path = Path("incoming")


class DatabaseSection(Strict):
    """``[database]``: an SQLAlchemy URL; empty means SQLite inside `data_root`."""

    url: str = ""
    password_file: Path | None = None
    """The file with the password of `url`; what the environment says comes first."""
    read_url: str = ""
    """A server or a user that can only read; pages are made from what it has, once it has everything."""
    read_password_file: Path | None = None
    """The file with the password of `read_url`; neither here nor in the environment: that of `url`."""

    @field_validator("url", "read_url")
    @classmethod
    def _no_password(cls, url: str) -> str:
        # This file is copied, shared and put under version control.
        try:
            found = urlsplit(url).password is not None
        except ValueError:
            found = False
        if found:
            raise ValueError("it holds a password; put that into a file and name it as password_file")
        return url

    @field_validator("password_file", "read_password_file")
    @classmethod
    def _whole_path(cls, path: Path | None) -> Path | None:
        if path is not None and not path.expanduser().is_absolute():
            raise ValueError("write the whole path")
        return None if path is None else path.expanduser()

    @model_validator(mode="after")
    def _read_beside_write(self) -> DatabaseSection:
        if self.read_url and not self.url:
            raise ValueError("read_url needs a url that it is the reading side of")
        return self


class CylcSection(Strict):
    """``[cylc]``: how the workflows of this site are named and how runs are handed to them."""

    workflow_prefix: WorkflowName = "hydra"
    batch: Annotated[int, Field(ge=1, le=200)] = 20
    """Runs handed to the scheduler at a time."""
    shards: Annotated[int, Field(ge=1, le=64)] = 1
    """Jobs that share the plot types of a run among them."""
    retry_delays: Delays = "PT5S, PT1M"
    """How long a failed job waits for each of its further tries."""
    poll_every: Delays = "PT1M"
    """How often the scheduler looks after jobs that say nothing: a killed one cannot report that it failed."""


class NamingRuleSection(Strict):
    """One ``[[intake.rule]]``: a named regular expression over the path below the intake folder."""

    name: str
    pattern: str
    description: str = ""
    needs: str = ""
    """What a path must hold for this rule, in words, for messages about a path that does not fit."""
    reads: Literal["images", "histograms"] = "images"
    pad_in_name: bool = True
    """Whether ``-<pad>`` stays part of the plot type's name."""
    blanks_become_underscores: bool = False
    """Whether each blank in the plot type's name becomes ``_``."""
    run_folder: str = ""
    """A pattern with the group ``run`` for folders that hold one run alone: folders of other runs are not listed."""
    run_name: str = ""
    """For sources without run numbers: the run's name, put together from groups, as in ``{campaign} {geometry}``."""
    stamp_format: str = ""
    """How the group ``stamp`` is written, as ``strptime`` has it; the rank of the time is the chunk."""
    leave: tuple[str, ...] = ()
    """Shell patterns over the path: files of this rule that are left out."""


class IntakeSection(Strict):
    """``[intake]``: how files become images."""

    settle_s: Annotated[float, Field(ge=0)] = 5.0
    """A file younger than this may still be written; it is left for the next look."""
    max_bytes: Annotated[int, Field(gt=0)] = 32 * 2**20
    max_pixels: Annotated[int, Field(gt=0, le=80_000_000)] = 40_000_000
    presets: tuple[str, ...] = ()
    """Naming rules that travel with Hydra, tried in this order before those of the site."""
    rules: tuple[NamingRuleSection, ...] = Field(default=(), alias="rule")
    """Neither presets nor rules: the default rules."""
    leave: tuple[str, ...] = ()
    """Shell patterns over the path: files that are left out, whatever rule fits."""
    listing: Path | None = None
    """A JSON-lines file that says run, plot type and chunk of every file, instead of rules."""
    new_types: Literal["hold", "accept"] = "hold"
    """What becomes of a plot type that nobody listed or accepted: it waits for a decision, or counts at once."""
    keep_model_input: bool = True
    """Keep images also in the form that networks take, where that is smaller than the image itself."""
    histograms: HistogramsSection = HistogramsSection()
    map_runs: bool = False
    """Count runs from the first number of the pass, in the order in which they come, and show their own as names."""


class ConditionsSection(Strict):
    """``[conditions]``: which run condition tells whether there was beam."""

    beam_key: str = "beam_current_nA"
    beam_min: float = 5.0


class PublishSection(Strict):
    """``[publish]``: the static pages."""

    full_images: Literal["all", "flagged"] = "all"
    expected_every_s: Annotated[float, Field(gt=0)] = 86400.0


class SiteFile(Strict):
    """The whole of ``site.toml``."""

    site: SiteSection
    paths: PathsSection
    database: DatabaseSection = DatabaseSection()
    cylc: CylcSection = CylcSection()
    intake: IntakeSection = IntakeSection()
    conditions: ConditionsSection = ConditionsSection()
    training: TrainingSection = TrainingSection()
    inference: InferenceSection = InferenceSection()
    publish: PublishSection = PublishSection()
    retention: RetentionSection = RetentionSection()


class Person(Strict):
    """Somebody who may ask for changes: known by the accounts that own their request files."""

    name: PersonName
    accounts: tuple[PersonName, ...] = ()
    roles: tuple[RoleName, ...] = ("Labeler",)
    plots: tuple[PlotText, ...] = ()
    """The plot types that the person may label: names or patterns; where not given, all."""


class PeopleFile(Strict):
    """The whole of ``people.toml``."""

    anyone_may_label: bool = False
    """Take labels from owners that are not listed (a single-user set-up)."""
    people: tuple[Person, ...] = Field(default=(), alias="person")


class Site(Strict):
    """A site, read and checked; every path in it is absolute."""

    folder: Path
    settings: SiteFile
    plots: PlotsFile
    people: PeopleFile

    @property
    def name(self) -> str:
        """The site's short name."""
        return self.settings.site.name

    @property
    def root(self) -> Path:
        """The data root: everything durable lives below it."""
        return self.settings.paths.data_root

    @property
    def intake(self) -> Path:
        """The producers' folder."""
        return self.root / self.settings.paths.intake

    @property
    def site_pages(self) -> Path:
        """Root of the static pages."""
        return self.root / "site"

    @property
    def frames(self) -> Path:
        """Empty frames of pictures, kept because they take long to draw; may be deleted at any time."""
        return self.root / "cache" / "frames"

    @property
    def models(self) -> Path:
        """Root of the model folders."""
        return self.root / "models"

    @property
    def inbox(self) -> Path:
        """Where request files are put."""
        return self.root / "inbox"

    @property
    def requests_kept(self) -> Path:
        """Accepted request files, by content hash."""
        return self.root / "requests"

    @property
    def database_url(self) -> str:
        """The configured URL, or SQLite inside the data root."""
        return self.settings.database.url or f"sqlite:///{self.root / 'hydra.sqlite'}"

    def staging(self, pass_name: str, run: int, revision: int) -> Path:
        """Folder of the files that a run revision has before it is archived."""
        return safe_join(self.root / "staging", *pass_name.split("/"), str(run), f"r{revision}")

    def archive_file(self, pass_name: str, run: int, revision: int, generation: int = 0) -> Path:
        """Return the archive file of a run revision; a folder a thousand runs keeps folders small.

        Parameters
        ----------
        generation
            How often images have left it: each time it is written anew beside the one before.
        """
        name = f"{run}-r{revision}" + (f".g{generation}" if generation else "") + ".h5"
        return safe_join(self.root / "archive", *pass_name.split("/"), f"{run // 1000 * 1000}", name)

    def maps_file(self, pass_name: str, run: int, revision: int) -> Path:
        """Return the archive file of the heat maps of a run revision."""
        return self.archive_file(pass_name, run, revision).with_name(f"{run}-r{revision}.maps.h5")

    def model_folder(self, key: PlotKey, model_name: str) -> Path:
        """Folder of one model."""
        return safe_join(self.models, key.slug, slug(model_name))

    def plot_type(self, key: PlotKey) -> PlotType:
        """Return what ``plots.toml`` says of a type, or a plain entry for one that it does not name."""
        for plot in self.plots.plots:
            if plot.key == key:
                return plot
        return PlotType(name=key.name, chunked=key.chunked)

    def label_names(self, key: PlotKey) -> tuple[str, ...]:
        """Return what a label of a plot type may say: its classes, or all of the site, and to leave the image out."""
        classes = self.plot_type(key).classes or tuple(known.name for known in self.plots.classes)
        return (*classes, IGNORE)

    def plot_class(self, name: str) -> PlotClass:
        """Return the class of that name; one that no file names is neither normal nor a problem."""
        for known in self.plots.classes:
            if known.name == name:
                return known
        return PlotClass(name=name, colour="#7a7a7a")
