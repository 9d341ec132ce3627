/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A GPU without engines and without a peer, guest RAM for it, and page tables as
 * the driver lays them out, for the tests of translation and interrupts.
 */
#ifndef TESTS_EMU_VM_FIXTURE_H
#define TESTS_EMU_VM_FIXTURE_H

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../emu/asic.h"
#include "../../emu/vm.h"
#include "../../emu/walker.h"

#define VRAM_SIZE (512ull << 20)
#define RAM_BASE 0x100000000ull
#define RAM_SIZE (16ull << 20)
#define TABLES 0x100000ull	/* in VRAM: page tables from here on */
#define PAGE GPU_PAGE_SIZE

/* A case that breaks leaves its GPU behind, perhaps with threads in it. */
static struct gpu *gpu;
static u8 *ram;
static u64 next_table;

static inline bool fixture_start(unsigned int num_xcc)
{
	int fd = memfd_create("ram", MFD_CLOEXEC);
	bool ok;

	gpu = calloc(1, sizeof(*gpu));
	next_table = TABLES;
	if (!gpu || fd < 0 || ftruncate(fd, RAM_SIZE))
		return false;
	ram = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ok = ram != MAP_FAILED && !asic_configure(gpu, "mi300x", num_xcc, VRAM_SIZE) &&
	     !report_init(gpu, NULL) && !memory_init(gpu) && !regs_init(gpu) &&
	     !doorbells_init(gpu) && !ih_init(gpu) && !vm_init(gpu);
	if (ok)
		regs_reset(gpu);
	ok = ok && !memory_map_window(gpu, RAM_BASE, RAM_SIZE, fd, 0, true);
	close(fd);
	return ok;
}

static inline void fixture_stop(void)
{
	vm_fini(gpu);
	ih_fini(gpu);
	doorbells_fini(gpu);
	regs_fini(gpu);
	memory_fini(gpu);
	report_fini(gpu);
	if (ram != MAP_FAILED)
		munmap(ram, RAM_SIZE);
	free(gpu);
}

static inline u64 get64(u64 vram)
{
	u64 value = 0;

	vram_read(gpu, vram, &value, 8);
	return value;
}

static inline void set64(u64 vram, u64 value)
{
	vram_write(gpu, vram, &value, 8);
}

/* An empty table of @bytes. */
static inline u64 new_table(u64 bytes)
{
	u64 table = next_table;

	next_table += (bytes + PAGE - 1) & ~(PAGE - 1);
	for (u64 i = 0; i < bytes; i += 8)
		set64(table + i, 0);
	return table;
}

/* The table below entry @index of @table, made if it is not there. */
static inline u64 descend(u64 table, u64 index, u64 flags)
{
	u64 pde = get64(table + index * 8);

	if (!(pde & PTE_V)) {
		pde = new_table(PAGE) | PTE_V | flags;
		set64(table + index * 8, pde);
	}
	return pde & PDE_ADDR_MASK;
}

/* Where the PTE of @va is in the driver's four levels of 512 entries below @root. */
static inline u64 pte_of(u64 root, u64 va)
{
	u64 page = va >> 12;
	u64 table = descend(root, page >> 27 & 511, 0);

	table = descend(table, page >> 18 & 511, 9ull << PDE_BFS_SHIFT);
	table = descend(table, page >> 9 & 511, PTE_TF);
	return table + (page & 511) * 8;
}

static inline void map_page(u64 root, u64 va, u64 pte)
{
	set64(pte_of(root, va), pte);
}

#endif
