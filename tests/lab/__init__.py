# SPDX-License-Identifier: ISC
"""The hosts on which system tests stand: README.md says how to use them."""
