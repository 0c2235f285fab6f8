"""Makes lives to fit: `python -m compare.jobs.lives OUT.parquet --groups 100000 --size 50`.

Columns: `unit` (a group's name), `duration` (hours), `failed`. Each group has a Weibull law of its own and is watched
for a time of its own: lives that outlast it are suspensions. Rows come as they would be recorded: the first life of
every group, then the second of every group.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy
import pyarrow
import pyarrow.parquet

SEED = 42
ROWS_PER_GROUP = 1 << 18


def lives(groups: int, size: int, seed: int = SEED) -> pyarrow.Table:
    """At least two lives of every group are failures, of different ages."""
    if size < 2:
        raise ValueError("size: expected at least 2 lives a group")
    random = numpy.random.default_rng(seed)
    beta = random.uniform(0.7, 4.0, groups)
    eta = numpy.exp(random.uniform(numpy.log(500.0), numpy.log(20_000.0), groups))
    age = eta * random.weibull(beta, (size, groups))
    watched = eta * random.uniform(0.4, 1.6, groups) * random.uniform(0.8, 1.2, (size, groups))
    failed = age <= watched
    failed[:2] = True
    duration = numpy.where(failed, age, watched)
    units = pyarrow.array([f"U{number:07}" for number in range(groups)])
    return pyarrow.table({
        "unit": pyarrow.concat_arrays([units] * size),
        "duration": duration.ravel(),
        "failed": failed.ravel(),
    })


def main() -> None:
    parser = argparse.ArgumentParser(description="Makes lives to fit.")
    parser.add_argument("out", type=Path)
    parser.add_argument("--groups", type=int, default=100_000)
    parser.add_argument("--size", type=int, default=50)
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    table = lives(options.groups, options.size, options.seed)
    pyarrow.parquet.write_table(table, options.out, row_group_size=ROWS_PER_GROUP)


if __name__ == "__main__":
    main()
