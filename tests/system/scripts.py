# SPDX-License-Identifier: ISC
"""Runs remote/*.sh on a host of the lab the way postern does: variables,
common.sh and the script over stdin up to "#END", then its own input."""

import pathlib
import shlex
import sys

REMOTE = pathlib.Path(__file__).resolve().parents[2] / "remote"
sys.path.append(str(REMOTE))

import embed  # noqa: E402

# As remote/meson.build composes them.
BETWEEN = {"cage": ["caged.sh"], "probe": ["caged.sh"]}
BOOTSTRAP = """
t=; while IFS= read -r l; do
	[ "$l" != "#END" ] || break
	t="$t$l
"
done
eval "$t"
"""


class Said:
    """What a script said: lines of words, and its exit status."""

    def __init__(self, done, out):
        self.rc, self.err, self.raw = done.returncode, done.stderr, out
        self.lines = [line[len("postern "):] for line in out.split("\n")
                      if line.startswith("postern ")]

    def of(self, event):
        return [line[len(event) + 1:] for line in self.lines
                if line.split(" ")[0] == event]

    def facts(self, key):
        return [fact[len(key) + 1:] for fact in self.of("fact")
                if fact.split(" ")[0] == key]

    @property
    def refused(self):
        """The code of the refusal, or None."""
        codes = [line.split(" ")[0] for line in self.of("refuse")]
        assert (self.rc == 3) == bool(codes), (self.rc, self.raw, self.err)
        return codes[0] if codes else None

    def __str__(self):
        return f"status {self.rc}\n{self.raw}\n{self.err}"


def run(host, name, input="", sh="sh", timeout=60, **variables):
    text = "".join(f"{k}={shlex.quote(v)}\n" for k, v in variables.items())
    # Without comments, as they are embedded in the program.
    parts = [REMOTE / part for part in
             ["common.sh", *BETWEEN.get(name, []), name + ".sh"]]
    text += "".join(line + "\n" for line in embed.compose(parts))
    done = host.run([sh, "-c", BOOTSTRAP], input=text + "#END\n" + input,
                    check=False, timeout=timeout)
    return Said(done, done.stdout)
