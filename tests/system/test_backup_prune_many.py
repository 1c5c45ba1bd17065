# SPDX-License-Identifier: ISC
"""postern backup prune with 200 snapshots on the disk: the times, and what
each rule keeps of them, are those of tests/unit/backup/test_retain.c."""

import shutil
import subprocess

import pytest

from test_backup_owner import Store

HOUR = 3600
COUNT = 200
FIRST = 1730671800      # 2024-11-03 22:10 UTC
HOURLY = [199, 196, 193, 190, 187, 184]
RULES = [
    ("keep-last = 5", [199, 198, 197, 196, 195]), ("keep-hourly = 6", HOURLY),
    ("keep-daily = 14", [199, 187, *range(148, 136, -1)]),
    ("keep-weekly = 30", [199, 147, 143, 139, 135, 131, 127, 122, 118, 114,
                          110, 106, 102, 98, 94, 90, 86, 81, 77, 73, 69, 65,
                          61, 57, 53, 49, 45, 41, 36, 32]),
    ("keep-monthly = 12", [199, 139, 122, 104, 86, 68, 52, 33, 15]),
    ("keep-yearly = 10", [199, 33]),
    ("keep-last = 3\nkeep-daily = 7\nkeep-weekly = 4\nkeep-monthly = 6\n"
     "keep-yearly = 2", [199, 198, 197, 187, 148, 147, 146, 145, 144, 143,
                         139, 122, 104, 86, 68, 33])]


def time_of(i):
    return FIRST + i * 41 * HOUR if i < 150 else \
        FIRST + 149 * 41 * HOUR + (i - 149) * 1200


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """Copies of one snapshot that a run made, with their records."""
    store = Store(tmp_path_factory.mktemp("many"))
    root = store.client("laptop") / "root"
    (root / "a").write_text("a\n")
    store.ask("run", "-q")
    one, = store.names()
    record = store.admin() / "snap" / one
    # In no order: 83 and 200 have no divisor in common.
    for i in (j * 83 % COUNT for j in range(COUNT)):
        copy = f"laptop.1970-01-01.{i}"
        subprocess.run(["cp", "-al", store.path / "laptop" / one,
                        store.path / "laptop" / copy], check=True)
        shutil.copyfile(record, store.admin() / "snap" / copy)
        store.age(copy, time_of(i))
    shutil.rmtree(store.path / "laptop" / one)
    record.unlink()
    return store


@pytest.mark.parametrize("rules, kept", RULES)
@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati"])
def test_each_rule_keeps_what_the_table_says_of_200(many, rules, kept, zone,
                                                    monkeypatch):
    monkeypatch.setenv("TZ", zone)
    many.settings(client=rules)
    names = many.names()
    assert len(names) == COUNT
    rows = many.rows("prune", "-n")
    assert [r["snapshot"] for r in rows] == names
    stay = [i for i, r in enumerate(rows) if r["fate"] == "stays"]
    assert stay == sorted(kept)
    assert many.names() == names


def test_what_the_rules_leave_out_goes(many):
    rules, kept = RULES[-1]
    many.settings(client=rules)
    want = [many.names()[i] for i in sorted(kept)]
    many.own("prune", "-q")
    assert many.names() == want
    assert sorted(p.name for p in (many.admin() / "snap").iterdir()) == \
        sorted(want)
    assert all((many.path / "laptop" / n).is_dir() for n in want)
