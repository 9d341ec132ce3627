// SPDX-License-Identifier: GPL-2.0-only
/*
 * Configuration space of an AMD accelerator: identity, three BARs, a ROM, an MSI
 * capability with one 64-bit vector and a PCI Express capability. Every bit that
 * a guest may change is in a mask, everything else ignores writes.
 *
 * Not modelled: power management (no capability, so the function is always in
 * D0), INTx (no pin), resizable BARs (BAR 0 spans all of VRAM already), AER, and
 * atomics routing: DevCap2 claims neither requester nor completer.
 */
#include <endian.h>
#include <string.h>

#include "asic.h"
#include "pci.h"

#define CFG_ID 0x00
#define CFG_COMMAND 0x04
#define CFG_STATUS 0x06
#define CFG_REVISION_CLASS 0x08
#define CFG_CACHE_LINE 0x0c
#define CFG_BAR(n) (0x10 + 4 * (n))
#define CFG_SUBSYSTEM 0x2c
#define CFG_ROM 0x30
#define CFG_CAPABILITIES 0x34
#define CFG_INTERRUPT_LINE 0x3c
#define CAP_EXPRESS 0x64
#define CAP_MSI 0xa0
#define CAP_VENDOR 0x100	/* extended */

/* Memory space, bus master, parity and SERR response, INTx disable. */
#define COMMAND_WRITABLE 0x0546

#define BAR_MEM64_PREFETCHABLE 0xc
#define ROM_ENABLE 1

#define EXP_DEVCTL (CAP_EXPRESS + 0x08)
#define EXP_DEVCTL_FLR 0x8000

static void put16(u8 *space, unsigned int at, u16 value)
{
	value = htole16(value);
	memcpy(space + at, &value, sizeof(value));
}

static void put32(u8 *space, unsigned int at, u32 value)
{
	value = htole32(value);
	memcpy(space + at, &value, sizeof(value));
}

static void header(struct pci *pci, const struct asic *asic)
{
	put16(pci->config, CFG_ID, asic->pci_vendor);
	put16(pci->config, CFG_ID + 2, asic->pci_device);
	put32(pci->config, CFG_REVISION_CLASS, asic->pci_class << 8 | asic->pci_revision);
	put16(pci->config, CFG_SUBSYSTEM, asic->pci_subsystem_vendor);
	put16(pci->config, CFG_SUBSYSTEM + 2, asic->pci_subsystem);
	put16(pci->config, CFG_STATUS, 0x0010);	/* has capabilities */
	pci->config[CFG_CAPABILITIES] = CAP_EXPRESS;

	put16(pci->writable, CFG_COMMAND, COMMAND_WRITABLE);
	pci->writable[CFG_CACHE_LINE] = 0xff;
	pci->writable[CFG_INTERRUPT_LINE] = 0xff;
}

/* A guest sizes a BAR by writing ones: the bits below the size stay zero. */
static void bar(struct pci *pci, unsigned int n, u64 size, u32 type)
{
	u64 mask = ~(size - 1);

	pci->bar_size[n] = size;
	put32(pci->config, CFG_BAR(n), type);
	put32(pci->writable, CFG_BAR(n), (u32)mask);
	if (type == BAR_MEM64_PREFETCHABLE)
		put32(pci->writable, CFG_BAR(n + 1), mask >> 32);
}

static void rom(struct pci *pci, const struct gpu *gpu)
{
	vbios_build(gpu, pci->rom);
	pci->bar_size[BAR_ROM] = sizeof(pci->rom);
	put32(pci->writable, CFG_ROM, ~((u32)sizeof(pci->rom) - 1) | ROM_ENABLE);
}

/* Version 2, endpoint; a 32 GT/s x16 link that is up. */
static void express_capability(struct pci *pci)
{
	put16(pci->config, CAP_EXPRESS, 0x10 | CAP_MSI << 8);
	put16(pci->config, CAP_EXPRESS + 0x02, 0x0002);
	put32(pci->config, CAP_EXPRESS + 0x04, 1u << 28 | 1u << 15 | 1u << 5 | 1u);
	put32(pci->config, CAP_EXPRESS + 0x0c, 16u << 4 | 5u);
	put16(pci->config, CAP_EXPRESS + 0x12, 16u << 4 | 5u);
	put32(pci->config, CAP_EXPRESS + 0x2c, 0x3e);
	put16(pci->config, CAP_EXPRESS + 0x30, 5);

	put16(pci->config, EXP_DEVCTL, 0x2810);
	put16(pci->writable, EXP_DEVCTL, 0x7fff);
	put16(pci->writable, CAP_EXPRESS + 0x10, 0x01db);
	put16(pci->writable, CAP_EXPRESS + 0x28, 0x001f);
	put16(pci->writable, CAP_EXPRESS + 0x30, 0x000f);
}

static void msi_capability(struct pci *pci)
{
	put16(pci->config, CAP_MSI, 0x05);
	put16(pci->config, CAP_MSI + 0x02, 0x0080);	/* 64-bit, one vector */

	put16(pci->writable, CAP_MSI + 0x02, 0x0001);
	put32(pci->writable, CAP_MSI + 0x04, 0xfffffffc);
	put32(pci->writable, CAP_MSI + 0x08, 0xffffffff);
	put16(pci->writable, CAP_MSI + 0x0c, 0xffff);
}

/* Empty. The driver looks for it to see that extended space is within reach. */
static void vendor_capability(struct pci *pci)
{
	put32(pci->config, CAP_VENDOR, 1u << 16 | 0x000b);
	put32(pci->config, CAP_VENDOR + 4, 8u << 20);
}

void pci_init(struct pci *pci, const struct gpu *gpu)
{
	memset(pci, 0, sizeof(*pci));
	header(pci, gpu->asic);
	bar(pci, BAR_VRAM, vram_bar_size(gpu->vram_size), BAR_MEM64_PREFETCHABLE);
	bar(pci, BAR_DOORBELL, gpu->asic->doorbell_size, BAR_MEM64_PREFETCHABLE);
	bar(pci, BAR_MMIO, gpu->asic->mmio_size, 0);
	rom(pci, gpu);
	express_capability(pci);
	msi_capability(pci);
	vendor_capability(pci);
}

static bool in_config(u64 offset, size_t len)
{
	return len <= PCI_CONFIG_SIZE && offset <= PCI_CONFIG_SIZE - len;
}

bool pci_config_read(const struct pci *pci, u64 offset, void *buf, size_t len)
{
	if (!in_config(offset, len))
		return false;
	memcpy(buf, pci->config + offset, len);
	return true;
}

bool pci_config_write(struct pci *pci, u64 offset, const void *buf, size_t len, bool *reset)
{
	const u8 *bytes = buf;
	const u64 flr = EXP_DEVCTL + 1;

	*reset = false;
	if (!in_config(offset, len))
		return false;
	for (size_t i = 0; i < len; i++) {
		u8 mask = pci->writable[offset + i];
		u8 *byte = &pci->config[offset + i];

		*byte = (*byte & ~mask) | (bytes[i] & mask);
	}
	if (offset <= flr && flr < offset + len)
		*reset = bytes[flr - offset] & (EXP_DEVCTL_FLR >> 8);
	return true;
}
