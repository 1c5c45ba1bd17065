# SPDX-License-Identifier: ISC
"""The default push: over ssh itself, the FIFOs stay locked."""

from fleet import fleet  # noqa: F401


def test_a_push_reaches_every_member_and_leaves_nothing(fleet):
    fleet.setup(2)
    before = fleet.leftovers()
    fleet.scripts({"a": "#!/bin/sh\n", "b": "x"})
    done = fleet.push("--json")
    assert done.states("h1") == ["connecting", "ready", "reading", "synced"]
    fleet.assert_same()
    fleet.assert_locked()
    before.settle()
