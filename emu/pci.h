/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The PCI function as its peer sees it: 4 KiB of configuration space, the sizes
 * of the BARs and the expansion ROM. It knows nothing of the blocks behind the
 * BARs; whoever calls it (the transport thread alone, so there is no lock) acts
 * on what a write asks for.
 */
#ifndef EMU_PCI_H
#define EMU_PCI_H

#include "asic.h"

#define PCI_CONFIG_SIZE 4096
#define PCI_NUM_BARS 7		/* with the expansion ROM, which vfio counts as the last */

/* BAR numbers; the 64-bit ones take the next number as well. */
#define BAR_VRAM 0
#define BAR_DOORBELL 2
#define BAR_MMIO 5
#define BAR_ROM 6

struct pci {
	u64 bar_size[PCI_NUM_BARS];	/* 0: not there, or upper half */
	u8 rom[VBIOS_SIZE];
	u8 config[PCI_CONFIG_SIZE];
	u8 writable[PCI_CONFIG_SIZE];	/* mask of the bits that a write changes */
};

/* VRAM is a BAR, so a power of two: what lies beyond vram_size is not memory. */
static inline u64 vram_bar_size(u64 vram_size)
{
	u64 size = GPU_PAGE_SIZE;

	while (size < vram_size)
		size *= 2;
	return size;
}

/* Also the reset: brings @pci to the power-on state of @gpu's function. */
void pci_init(struct pci *pci, const struct gpu *gpu);
/* False if [offset, offset + len) is not inside configuration space. */
bool pci_config_read(const struct pci *pci, u64 offset, void *buf, size_t len);
/* @reset is set to whether the write asks for a function level reset. */
bool pci_config_write(struct pci *pci, u64 offset, const void *buf, size_t len, bool *reset);

#endif
