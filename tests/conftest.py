# SPDX-License-Identifier: ISC
"""What every system test may ask for: tests/lab/README.md."""

from lab.fixtures import hosts, lab, leftovers, secret_search

__all__ = ["hosts", "lab", "leftovers", "secret_search"]
