"""The same question to DuckDB: what differs between left.parquet and right.parquet of a folder. Prints JSON."""

import json
import resource
import sys

import duckdb

folder = sys.argv[1]
database = duckdb.connect()
database.execute("SET threads = 1")
database.execute(f"SET temp_directory = '{folder}/spill'")
left, right = f"read_parquet('{folder}/left.parquet')", f"read_parquet('{folder}/right.parquet')"
columns = [row[0] for row in database.execute(f"DESCRIBE SELECT * FROM {left}").fetchall()]
fields = [column for column in columns if column != "Id"]
differing = " OR ".join(f"l.{field} IS DISTINCT FROM r.{field}" for field in fields)
database.execute(
    f"CREATE TEMP TABLE found AS SELECT l, r FROM {left} l FULL JOIN {right} r ON l.Id = r.Id"
    f" WHERE l.Id IS NULL OR r.Id IS NULL OR {differing}"
)
both = "l.Id IS NOT NULL AND r.Id IS NOT NULL"
each = " + ".join(f"count(*) FILTER ({both} AND l.{field} IS DISTINCT FROM r.{field})" for field in fields)
found = database.execute(
    f"SELECT count(*) FILTER (r.Id IS NULL), count(*) FILTER (l.Id IS NULL), count(*) FILTER ({both}), {each} FROM found"
).fetchone()
used = resource.getrusage(resource.RUSAGE_SELF)
print(
    json.dumps(
        {
            "only_left": found[0],
            "only_right": found[1],
            "changed": found[2],
            "fields": int(found[3]),
            "cpu_seconds": used.ru_utime + used.ru_stime,
            "peak_megabytes": used.ru_maxrss * 1024 / 1e6,
        }
    )
)
