# SPDX-License-Identifier: ISC
# The one place that a person types at; Meson does the work (meson.build).

PREFIX ?= /usr/local
DESTDIR ?=
BUILD ?= build
MESON_ARGS ?=
# A suite or file to run alone: make system T=tests/system/test_pipe.py
T ?= tests/system tests/lab

.PHONY: all deps configure demo check unit system install sanitize fuzz \
	valgrind bench clean

all: $(BUILD)/build.ninja
	@ninja -C $(BUILD)

$(BUILD)/build.ninja:
	@build-aux/deps.sh build
	@meson setup $(BUILD) --prefix=$(PREFIX) $(MESON_ARGS) >/dev/null

demo:
	@build-aux/deps.sh build demo
	@$(MAKE) --no-print-directory all
	@demo/run

# Everything that CI runs. Warnings are errors here, with both compilers.
check:
	@build-aux/deps.sh build test
	@build-aux/check.sh

unit: all
	meson test -C $(BUILD) --print-errorlogs

system: all
	/usr/bin/python3 -m pytest -q $(T)

# A PREFIX that is given here counts, also where a build is there already.
install: $(BUILD)/build.ninja
	@[ '$(origin PREFIX)' = file ] || \
		meson configure $(BUILD) -Dprefix='$(PREFIX)'
	@ninja -C $(BUILD)
	DESTDIR=$(DESTDIR) meson install -C $(BUILD) --no-rebuild
	@cat $(BUILD)/readall.txt

# Everything that meson test runs, and the system tests, under ASan and UBSan.
sanitize:
	@build-aux/deps.sh build test
	@build-aux/check.sh sanitize

valgrind: all
	@build-aux/check.sh valgrind

# Each target for FUZZ_S seconds, from its corpus.
fuzz:
	@build-aux/deps.sh build test
	@build-aux/check.sh fuzz

bench: all
	@build-aux/deps.sh build bench
	@rc=0; for b in run backup git boot; do bench/$$b || rc=1; done; exit $$rc

clean:
	rm -rf build build-*
