#!/bin/sh
# SPDX-License-Identifier: ISC
# Sourced by dracut before any device is looked for. The sshd needs no address
# yet; so it is there before whatever asks for a passphrase.
/usr/sbin/postern-boot-sshd start
