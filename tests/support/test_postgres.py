"""The throwaway PostgreSQL of the tests themselves: a real server, a clean database for each who asks."""

from __future__ import annotations

import sqlalchemy

from tests.support.postgres import fresh_database


def test_postgres_runs_and_gives_clean_databases(postgres_url: str) -> None:
    with fresh_database(postgres_url, name="first") as url:
        engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
        with engine.begin() as connection:
            connection.exec_driver_sql("CREATE TABLE paper (title text)")
            version = connection.exec_driver_sql("SHOW server_version_num").scalar_one()
            owner = connection.exec_driver_sql("SELECT current_setting('listen_addresses')").scalar_one()
    with fresh_database(postgres_url, name="first") as url:
        names = sqlalchemy.inspect(sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)).get_table_names()

    assert url.startswith("postgresql+psycopg://")
    assert int(version) >= 150000
    assert owner == ""
    assert names == []
