#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""gitproxy_standin.py KEY-ID: in the place of gitolite-ssh-user-proxy's forced
command, which does the same: a Python program that execs an ssh to the git
server and hands it the key's id and git's command. Written for bench/git; no
checks, no limits, no log: this is the least that such a proxy costs.

Protocol v2 goes along (SendEnv), which the original loses, so that everybody
in the table says the same things to the server.
"""
import os
import sys

SERVER = "git@gl"


def main():
    key_id, = sys.argv[1:]
    command = os.environ.get("SSH_ORIGINAL_COMMAND", "info")
    os.execlp("ssh", "ssh", "-qT", "-o", "SendEnv=GIT_PROTOCOL", SERVER,
              f"{key_id} {command}")


if __name__ == "__main__":
    main()
