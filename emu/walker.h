/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The page-table walker: gfx9 page tables, read where they lie. It keeps no
 * state and takes no lock.
 */
#ifndef EMU_WALKER_H
#define EMU_WALKER_H

#include "gpu.h"

/* Bits of a page-table entry (PTE) and of a page-directory entry (PDE). */
#define PTE_V (1ull << 0)	/* valid */
#define PTE_S (1ull << 1)	/* system memory: a bus address; else VRAM */
#define PTE_C (1ull << 2)	/* snooped */
#define PTE_X (1ull << 4)
#define PTE_R (1ull << 5)
#define PTE_W (1ull << 6)
#define PTE_FRAGMENT_SHIFT 7	/* 5 bits, log2 pages */
#define PTE_ADDR_MASK 0x0000fffffffff000ull
#define PTE_PRT (1ull << 51)
#define PDE_PTE (1ull << 54)	/* this PDE is a leaf */
#define PTE_TF (1ull << 56)	/* this PTE is a PDE (translate further) */
#define PDE_BFS_SHIFT 59	/* block fragment size, 5 bits, log2 pages */
#define PDE_ADDR_MASK 0x0000ffffffffffc0ull

#define RIGHT_R 1u
#define RIGHT_W 2u
#define RIGHT_X 4u

/* The GPU's virtual addresses have 48 bits, its page numbers 36. */
#define VA_PAGE_MASK ((1ull << 36) - 1)

/* A context's registers, decoded. */
struct pt_root {
	u64 base;		/* PAGE_TABLE_BASE as written: address, V, S */
	u64 first_page;		/* bounds, inclusive */
	u64 last_page;
	u64 vram_base;		/* physical address of VRAM's first byte */
	unsigned int depth;	/* directories above the page table, 0 to 3 */
	unsigned int block_size; /* a last-level directory entry covers 2^(9 + this) pages */
	/*
	 * Quiet: for looking at tables that nobody uses at the moment and that
	 * may long have become something else. Nothing outside VRAM is read,
	 * and nothing is ever reported.
	 */
	bool quiet;
};

enum walk {
	WALK_OK,
	WALK_PRT,		/* sparse: reads zero, drops writes */
	WALK_INVALID,		/* leaf without V */
	WALK_NORETRY,		/* leaf that refuses retries */
	WALK_RANGE,		/* outside the context's bounds, or context off */
	WALK_PDE,		/* directory entry without V */
	WALK_TABLE,		/* tables that make no sense or cannot be read */
	WALK_UNKNOWN,		/* quiet walks only: tables that were not read */
};

struct translation {
	u64 addr;		/* of the page: bus address, or offset into VRAM */
	bool system;		/* bus address */
	u8 rights;
	u8 order;		/* log2 pages around it for which the same holds */
	u8 level;		/* WALK_PDE: directory level, 0 is the last */
};

enum walk walk_page(struct gpu *gpu, const struct pt_root *root, u64 page, struct translation *out);

#endif
