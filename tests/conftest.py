# SPDX-License-Identifier: ISC
"""What every system test may ask for: tests/lab/README.md."""

import signal

from lab.fixtures import hosts, lab, leftovers, secret_search

__all__ = ["hosts", "lab", "leftovers", "secret_search"]

# Who starts us in the background of a script has SIGINT ignored, and so would
# everything that a test starts and ends by Ctrl-C.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
