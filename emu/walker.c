// SPDX-License-Identifier: GPL-2.0-only
/*
 * The page-table walker.
 *
 * A context has DEPTH directories above a page table (PTB). An entry of the
 * last directory, PDE0, covers 2^(9 + BLOCK_SIZE) pages, and one of each
 * directory above 512 times as many; the root's index is not masked, the
 * context's bounds limit it. With depth 0 (the GART) the root is the page table.
 *
 * PDE0's block fragment size (BFS) says how many pages one entry of the page
 * table below covers, 2^BFS. Such an entry is either a leaf of that size or, with
 * TF set (translate further), a directory entry for one more table, whose entry
 * size is its own BFS field. With block size 9 and BFS 9 that gives the driver's
 * four levels of 512 entries on a depth of 2.
 *
 * A directory entry with PDE_PTE is a leaf of all that it covers. The address of
 * a page inside a large leaf is the leaf's address plus the offset: leaves are
 * not aligned to their size, so masking would be wrong.
 *
 * Every address read here is the guest's: memory.c bounds it, and the depth of
 * the walk is bounded since each step covers fewer pages than the one before.
 */
#include "walker.h"

#define NORETRY_NO_TF (PTE_X | PDE_PTE | PTE_TF)
#define NORETRY_TF (PTE_V | PTE_S | PTE_PRT)

static u64 low_pages(u64 page, unsigned int bits)
{
	return bits >= 64 ? page : page & ((1ull << bits) - 1);
}

static unsigned int block_fragment_size(u64 pde)
{
	return pde >> PDE_BFS_SHIFT;
}

/* Reads entry @index of the table that @pde points to. */
static enum walk read_entry(struct gpu *gpu, const struct pt_root *root, u64 pde, u64 index,
			    u64 *entry)
{
	u64 addr = (pde & PDE_ADDR_MASK) + index * 8;
	u64 offset = addr - root->vram_base;

	if (pde & PTE_S) {
		if (root->quiet)
			return WALK_UNKNOWN;
		return bus_read(gpu, addr, entry, 8) ? WALK_OK : WALK_TABLE;
	}
	if (root->quiet && (gpu->vram_size < 8 || offset > gpu->vram_size - 8))
		return WALK_TABLE;
	return vram_read(gpu, offset, entry, 8) ? WALK_OK : WALK_TABLE;
}

/*
 * @page is relative to the start of the context, which is where tables count
 * from; a leaf covers 2^@bits pages.
 */
static enum walk leaf(const struct pt_root *root, u64 pte, u64 page, unsigned int bits,
		      bool further, struct translation *out)
{
	unsigned int fragment = (pte >> PTE_FRAGMENT_SHIFT) & 31;
	bool rights = pte & (PTE_R | PTE_W | PTE_X);

	if (!(pte & PTE_V)) {
		/* Where TF is in use this combination is just an invalid entry. */
		if (!further && (pte & NORETRY_NO_TF) == NORETRY_NO_TF)
			return WALK_NORETRY;
		return pte & PTE_PRT ? WALK_PRT : WALK_INVALID;
	}
	if ((pte & NORETRY_TF) == NORETRY_TF && !rights)
		return WALK_NORETRY;

	out->system = pte & PTE_S;
	out->addr = (pte & PTE_ADDR_MASK) + (low_pages(page, bits) << GPU_PAGE_SHIFT);
	if (!out->system)
		out->addr -= root->vram_base;
	out->rights = (pte & PTE_R ? RIGHT_R : 0) | (pte & PTE_W ? RIGHT_W : 0) |
		      (pte & PTE_X ? RIGHT_X : 0);
	out->order = fragment > bits ? fragment : bits;
	if (low_pages(root->first_page, out->order))
		out->order = 0;	/* blocks would not be aligned */
	return WALK_OK;
}

/* The page table below a PDE0 (@pde) that covers 2^@bits pages. */
static enum walk walk_table(struct gpu *gpu, const struct pt_root *root, u64 pde, u64 page,
			    unsigned int bits, struct translation *out)
{
	unsigned int entry_bits = block_fragment_size(pde);
	bool further = entry_bits > 0;
	enum walk walk;

	for (;;) {
		if (entry_bits >= bits)
			return WALK_TABLE;
		walk = read_entry(gpu, root, pde, low_pages(page, bits) >> entry_bits, &pde);
		if (walk != WALK_OK)
			return walk;
		bits = entry_bits;
		if (!(pde & PTE_V) || !(pde & PTE_TF) || !further || !bits)
			return leaf(root, pde, page, bits, further, out);
		entry_bits = block_fragment_size(pde);
	}
}

enum walk walk_page(struct gpu *gpu, const struct pt_root *root, u64 page, struct translation *out)
{
	unsigned int bits = 9 + root->block_size;
	u64 pde = root->base;
	enum walk walk;

	*out = (struct translation){ 0 };
	if (page < root->first_page || page > root->last_page)
		return WALK_RANGE;
	page -= root->first_page;
	if (!(pde & PTE_V)) {
		out->level = root->depth;
		return WALK_PDE;
	}
	if (!root->depth) {
		walk = read_entry(gpu, root, pde, page, &pde);
		return walk == WALK_OK ? leaf(root, pde, page, 0, false, out) : walk;
	}
	for (unsigned int level = root->depth; level--;) {
		unsigned int shift = bits + 9 * level;
		u64 index = page >> shift;

		if (level != root->depth - 1)
			index &= 511;
		walk = read_entry(gpu, root, pde, index, &pde);
		if (walk != WALK_OK)
			return walk;
		out->level = level;
		if (pde & PDE_PTE)
			return leaf(root, pde, page, shift, true, out);
		if (!(pde & PTE_V))
			return WALK_PDE;
	}
	return walk_table(gpu, root, pde, page, bits, out);
}
