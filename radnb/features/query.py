"""The store as a database: features of every cohort, named by patient, for whoever knows a little SQL."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pandas as pd

from radnb.errors import RadnbError
from radnb.features.index import COLUMNS, KEYS
from radnb.features.store import Store
from radnb.features.values import LEVELS

VIEWS = {"features": "a row for each case and settings, a column for each feature",
         "features_long": "the same with a row for each feature: feature, value",
         "levels": "the number of grey levels of each image",
         "cases": "which case of which cohort was measured, and its files",
         "settings": "name, engine and version of everything that was measured"}
_MEND = (f"There are the tables {', '.join(VIEWS)}; for example: select patient_id, original_shape_MeshVolume from "
         "features.")
_WHO = ["cohort", *KEYS]
_ABOUT = ["settings", "engine", "version"]


def query(store: Store | Path | str, sql: str) -> pd.DataFrame:
    """Return the answer to a question in SQL about the views above; nothing in the store can be changed by it."""
    store = store if isinstance(store, Store) else Store(store)
    with duckdb.connect() as database:
        _views(database, store)
        _shut(database, store)
        try:
            return database.sql(_question(sql)).df()
        except duckdb.Error as error:
            reason = " ".join(str(error).split("\n\n")[0].split()).rstrip(".")
            raise RadnbError(f"The query cannot be answered: {reason}. {_MEND}", code="E_QUERY") from error


def _question(sql: str) -> duckdb.Statement:
    """Return the one statement that only asks; others might write files, load extensions or open other databases."""
    found = duckdb.extract_statements(sql)
    if len(found) != 1 or found[0].type != duckdb.StatementType.SELECT:
        raise RadnbError(f"The query must be one question that begins with select, with or from. {_MEND}",
                         code="E_QUERY")
    return found[0]


def _shut(database: duckdb.DuckDBPyConnection, store: Store) -> None:
    """Let the question read the store's files, and neither other files nor the network."""
    paths = [*store.folder.glob("*/cases-*.parquet"), *store.parts()]
    listed = ", ".join(_text(path) for path in paths)
    database.sql(f"set allowed_paths = [{listed}]")
    database.sql("set enable_external_access = false")
    database.sql("set lock_configuration = true")


def _views(database: duckdb.DuckDBPyConnection, store: Store) -> None:
    """Define the views over the files as they lie; no value is read before it is asked for."""
    groups = store.groups()
    for group in groups:
        store.consolidate(group)
    database.register("about", _about(store, groups))
    database.sql("create view settings as select * exclude (store_group) from about")
    database.sql(f"create view indexed as select * exclude (filename), {_GROUP} as store_group from "
                 f"{_files(sorted(store.folder.glob('*/cases-*.parquet')), COLUMNS)}")
    database.sql("create view cases as select * exclude (store_group) from indexed")
    database.sql(f"create view measured as select distinct on (key, {_GROUP}) * exclude (filename), {_GROUP} as "
                 f"store_group from {_files(store.parts(), ['key'])}")
    names = [name for name in database.sql("from measured limit 0").columns if name not in ("key", "store_group")]
    for view, columns in (("features", [name for name in names if not name.startswith(LEVELS)]),
                          ("levels", [name for name in names if name.startswith(LEVELS)])):
        listed = "".join(f', m."{name}"' for name in columns)
        database.sql(f"create view {view} as select {', '.join(f'c.{name}' for name in _WHO)}, a.settings, a.engine, "
                     f"a.version{listed} from indexed c join measured m using (key, store_group) "
                     "join about a using (store_group)")
    keys = ", ".join([*_WHO, *_ABOUT])
    database.sql(f"create view features_long as unpivot features on columns(* exclude ({keys})) into name feature "
                 "value value" if any(not name.startswith(LEVELS) for name in names) else
                 "create view features_long as select *, '' as feature, 0.0 as value from features limit 0")


_GROUP = "split_part(replace(filename, '\\', '/'), '/', -2)"


def _files(paths: list[Path], columns: list[str]) -> str:
    """Return what stands for some Parquet files in SQL; an empty table of these columns where there are none."""
    if not paths:
        return f"(select {', '.join(f'null::varchar as {name}' for name in [*columns, 'filename'])} limit 0)"
    return f"read_parquet([{', '.join(map(_text, paths))}], union_by_name=true, filename=true)"


def _text(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def _about(store: Store, groups: list[str]) -> pd.DataFrame:
    rows = []
    for group in groups:
        try:
            said = json.loads((store.folder / group / "settings.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            said = {}
        rows.append([group, *(str(said.get(name, "")) for name in ("name", "engine", "version"))])
    return pd.DataFrame(rows, columns=["store_group", *_ABOUT], dtype=str)

