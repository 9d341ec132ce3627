# SPDX-License-Identifier: GPL-2.0-only
#
# The commands of this project. What they do is in scripts/, usable by hand.
# (The kernel's make reads Kbuild, not this file.)

S := scripts

help:
	@echo 'make run                           the demo on the emulated GPU, from nothing'
	@echo 'make check [SUITE=host|emu|vm|...] the tests that CI runs, or one suite'
	@echo 'make check-all                     those, and the debug suite'
	@echo 'make bench [NAME=]                 measurements, as ratios within one run'
	@echo 'make fuzz [TARGET=] [SECONDS_EACH=] fuzz the emulator'
	@echo 'make modules [KVER=] [DC=1]        build amdgpu.ko, print its path'
	@echo 'make diff [KVER=] [FULL=1]         the edits to the base driver as a patch'
	@echo 'make lint [KVER=]                  style and static checks, silent if clean'
	@echo 'make dkms-install [KVER=]          build and install on this host'
	@echo 'make dkms-remove                   undo that'
	@echo 'make deb                           build the Debian packages, print their paths'

# The build root and every tool come on demand; make only passes arguments on.
# Its own jobserver stays here: the kernel's make gets -j of its own.
unexport MAKEFLAGS MFLAGS

run:
	@$(S)/demo

check:
	@$(S)/check $(SUITE)

# What CI runs, and what takes a kernel of its own.
check-all: check
	@$(S)/check debug

# Longer than the bounded run that make check does.
fuzz:
	@$(S)/fuzz --seconds $(or $(SECONDS_EACH),300) $(TARGET)

bench:
	@$(S)/bench $(NAME)

modules:
	@$(S)/modules $(if $(DC),--dc) $(if $(KVER),--kver $(KVER))

diff:
	@$(S)/diff-base $(if $(FULL),--full) $(KVER)

lint:
	@$(S)/lint $(KVER)

dkms-install dkms-remove:
	@$(S)/dkms $(@:dkms-%=%) $(KVER)

deb:
	@$(S)/deb

.PHONY: help run check check-all bench fuzz modules diff lint dkms-install dkms-remove deb
