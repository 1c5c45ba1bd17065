# SPDX-License-Identifier: ISC
"""embed.py OUT.c --script NAME FILE… [--script …]: scripts as C strings.

Lines that are comments are left out. So a line of a quoted text that runs
over several lines must not begin with '#'.
"""
import sys


def compose(files):
    out = []
    for path in files:
        with open(path, encoding="utf-8") as f:
            for line in f.read().splitlines():
                line = line.lstrip("\t")
                if line and not line.startswith("#"):
                    out.append(line)
    return out


def c_string(line):
    text = ""
    for byte in line.encode():
        if 32 <= byte < 127 and byte not in b'"\\?':
            text += chr(byte)
        else:
            text += "\\%03o" % byte
    return '\t"%s\\n"' % text


def main():
    out, args = sys.argv[1], sys.argv[2:]
    scripts = []
    for arg in args:
        if arg == "--script":
            scripts.append([])
        else:
            scripts[-1].append(arg)
    c = ["/* Made by remote/embed.py. */", "#include <string.h>",
         '#include "remote/remote.h"', ""]
    for i, (_, *files) in enumerate(scripts):
        c += ["static const char text_%d[] =" % i]
        c += [c_string(line) for line in compose(files)]
        c[-1] += ";"
        c += [""]
    c += ["const struct remote_script remote_scripts[] = {"]
    for i, (name, *_) in enumerate(scripts):
        c += ['\t{ "%s", text_%d },' % (name, i)]
    c += ["\t{ NULL, NULL },", "};", "",
          "const char *remote_script(const char *name)", "{",
          "\tconst struct remote_script *s;", "",
          "\tfor (s = remote_scripts; s->name; s++)",
          "\t\tif (strcmp(s->name, name) == 0)",
          "\t\t\treturn s->text;", "\treturn NULL;", "}", ""]
    with open(out, "w", encoding="utf-8") as f:
        f.write("\n".join(c))


if __name__ == "__main__":
    main()
