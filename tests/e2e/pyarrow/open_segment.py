"""Opens a sealed segment without Holdfast: with pyarrow and the key of the segment alone.

    open_segment.py SEGMENT.parquet < key.hex

Reads the 64 hex digits of the key from standard input, so that it does not show in the process list, and prints
one JSON object per row. Times are milliseconds, the row hash is hex.
"""

import json
import sys

import pyarrow.parquet as parquet
import pyarrow.parquet.encryption as encryption


def plain(value):
    if hasattr(value, "timestamp"):
        return round(value.timestamp() * 1000)
    return value.hex() if isinstance(value, bytes) else value


def main():
    (path,) = sys.argv[1:]
    key = bytes.fromhex(sys.stdin.read().strip())
    table = parquet.read_table(
        path, decryption_properties=encryption.create_decryption_properties(key)
    )
    for row in table.to_pylist():
        print(json.dumps({name: plain(value) for name, value in row.items()}, ensure_ascii=False))


main()
