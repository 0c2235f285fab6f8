"""Tests of the comparing: `cd benches && ../target/benches/peers/bin/python -m unittest compare.test_compare`."""

import os
import subprocess
import sys
import tempfile
import unittest
from datetime import date, datetime
from decimal import Decimal

import pyarrow

from compare.measure import Peaks
from compare.rows import difference

HOLDS = """
import mmap, sys
own = b"x" * (20 << 20)
with open(sys.argv[1]) as file:
    pages = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    sum(pages[at] for at in range(0, len(pages), 4096))
    print(flush=True)
    sys.stdin.read()
"""


def table(**columns: object) -> pyarrow.Table:
    return pyarrow.table(columns)


class Difference(unittest.TestCase):
    def test_order_and_names_do_not_matter(self) -> None:
        self.assertIsNone(difference(table(a=["x", "y"], b=[1, 2]), table(c=["y", "x"], d=[2, 1])))

    def test_a_decimal_equals_the_float_that_another_engine_gives(self) -> None:
        average = pyarrow.array([Decimal("0.049977")], pyarrow.decimal128(19, 6))
        self.assertIsNone(difference(table(a=average), table(a=[0.0499766])))
        self.assertIn("column 1", difference(table(a=average), table(a=[0.05])))

    def test_the_last_digit_of_a_decimal_quotient_may_be_cut_or_rounded(self) -> None:
        def decimals(text: str, scale: int) -> pyarrow.Table:
            return table(a=pyarrow.array([Decimal(text)], pyarrow.decimal128(19, scale)))

        self.assertIsNone(difference(decimals("25.575154", 6), decimals("25.575155", 6)))
        self.assertIn("column 1", difference(decimals("25.575154", 6), decimals("25.575157", 6)))
        self.assertIn("column 1", difference(decimals("25.57", 2), decimals("25.58", 2)))

    def test_the_last_digits_of_numbers_do_not_set_the_order(self) -> None:
        one = table(a=[1.0, 1.0 + 1e-13], b=[5.0, 7.0])
        other = table(a=[1.0 + 1e-13, 1.0], b=[5.0, 7.0])
        self.assertIsNone(difference(one, other))

    def test_numbers_differ_from_one_part_in_a_milliard_on(self) -> None:
        self.assertIsNone(difference(table(a=[1e12]), table(a=[1e12 + 100])))
        self.assertIn("expected", difference(table(a=[1e12]), table(a=[1e12 + 10_000])))

    def test_dates_equal_midnights(self) -> None:
        days = pyarrow.array([date(2026, 3, 1)])
        instants = pyarrow.array([datetime(2026, 3, 1)], pyarrow.timestamp("ns"))
        self.assertIsNone(difference(table(a=days), table(a=instants)))

    def test_null_equals_null_only(self) -> None:
        self.assertIsNone(difference(table(a=[None, 1.5]), table(a=[1.5, None])))
        self.assertIsNotNone(difference(table(a=[None, 1.5]), table(a=[0.0, 1.5])))

    def test_the_first_differing_row_is_named(self) -> None:
        told = difference(table(a=["x", "y"], b=[1, 2]), table(a=["y", "x"], b=[3, 1]))
        self.assertEqual(told, "row 2 in order, column 2: 3, expected 2; the row is ['y', 3]")

    def test_shapes_must_be_the_same(self) -> None:
        self.assertIn("2 rows", difference(table(a=[1]), table(a=[1, 2])))
        self.assertIn("2 columns", difference(table(a=[1]), table(a=[1], b=[1])))
        self.assertIn("types", difference(table(a=[1]), table(a=["1"])))


class Memory(unittest.TestCase):
    def test_pages_of_several_processes_count_once_in_the_total(self) -> None:
        with tempfile.NamedTemporaryFile() as file:
            file.write(os.urandom(30 << 20))
            file.flush()
            command = [sys.executable, "-c", HOLDS, file.name]
            processes = [
                subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)
            ]
            try:
                for process in processes:
                    assert process.stdout
                    process.stdout.readline()
                peaks = Peaks({f"holder {place}": process.pid for place, process in enumerate(processes)})
                peaks.sample()
            finally:
                for process in processes:
                    process.communicate()
        figures = peaks.by_name()
        for name in ("holder 0", "holder 1"):
            self.assertGreater(figures[name], 50 << 20)
        self.assertGreaterEqual(figures["shared"], 30 << 20)
        self.assertEqual(figures["total"], figures["holder 0"] + figures["holder 1"] - figures["shared"])
        self.assertGreater(figures["total"], 70 << 20)



if __name__ == "__main__":
    unittest.main()
