# SPDX-License-Identifier: ISC
"""units.py OUT.c REMOTE FILE…: packaging's unit files as setup_units.h has
them. REMOTE: the folder of embed.py, which knows how C says a line."""
import os
import sys

sys.path.insert(0, sys.argv[2])
import embed  # noqa: E402


def main():
    out, files = sys.argv[1], sys.argv[3:]
    c = ["/* Made by tools/git/units.py. */", '#include "setup_units.h"', "",
         "const struct setup_units_row setup_units_rows[] = {"]
    for path in files:
        with open(path, encoding="utf-8") as f:
            lines = f.read().splitlines()
        c += ['\t{ "%s",' % os.path.basename(path)]
        c += [embed.c_string(line) for line in lines]
        c += ["\t},"]
    c += ["\t{ 0 }", "};", ""]
    with open(out, "w", encoding="utf-8") as f:
        f.write("\n".join(c))


if __name__ == "__main__":
    main()
