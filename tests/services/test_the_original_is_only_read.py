from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import make_url

from hydra_core.base.errors import DatabaseError
from hydra_core.moving.original import opened_original
from tests.original_hydra import CLIMB, fill, original_database
from tests.store_samples import opened


@pytest.mark.parametrize(
    "url",
    ["", "nonsense", "mysql://host", "postgresql://a@b/c", "sqlite://", "mysql+pymysql://me:S3cret@:x/y"],
)
def test_an_address_that_cannot_be_read_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(DatabaseError, match="is not one that can be read") as caught, opened_original(url):
        pass
    assert "S3cret" not in str(caught.value)


def test_a_database_of_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="there is no database"), opened_original(f"sqlite:///{tmp_path / 'none'}"):
        pass
    with opened(f"sqlite:///{tmp_path / 'hydra.sqlite'}"):
        pass
    url = f"sqlite:///{tmp_path / 'hydra.sqlite'}"
    with pytest.raises(DatabaseError, match="it lacks Plot_Types or Plots"), opened_original(url):
        pass
    (tmp_path / "text").write_text("no database at all", encoding="utf-8")
    with pytest.raises(DatabaseError, match="cannot be read"), opened_original(f"sqlite:///{tmp_path / 'text'}"):
        pass


@pytest.mark.services
def test_a_password_comes_from_a_file_and_is_never_shown(
    mariadb_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = make_url(mariadb_url)
    with original_database(mariadb_url, tmp_path / "images") as there:
        fill(there)
        secret = tmp_path / "secret"
        secret.write_text(f"{address.password}\n", encoding="utf-8")
        secret.chmod(0o600)
        monkeypatch.setenv("HYDRA_IMPORT_PASSWORD_FILE", str(secret))
        without = address._replace(password=None).render_as_string()
        with opened_original(without) as original:
            assert original.source == f"mysql://{address.host}:{address.port}/{address.database}"
            assert len(original.rows("Plot_Types")) == CLIMB
    wrong = address.set(password="S3cret").render_as_string(hide_password=False)
    with pytest.raises(DatabaseError, match="cannot be read") as caught, opened_original(wrong):
        pass
    assert "S3cret" not in str(caught.value)


@pytest.mark.services
def test_nothing_can_be_written_into_the_original(mariadb_url: str, tmp_path: Path) -> None:
    with original_database(mariadb_url, tmp_path / "images") as there:
        fill(there)
        with (
            opened_original(mariadb_url) as original,
            original.engine.connect() as connection,
            pytest.raises(sa.exc.DBAPIError, match="READ ONLY"),
        ):
            connection.exec_driver_sql("DELETE FROM Plots")
