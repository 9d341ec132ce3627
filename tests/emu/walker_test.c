// SPDX-License-Identifier: GPL-2.0-only
/* Page tables in every form that the hardware documents or the driver writes. */
#include <stdlib.h>

#include "vm_fixture.h"
#include "test.h"

#define LEAF (PTE_V | PTE_R | PTE_W)
#define LAST_PAGE VA_PAGE_MASK

static struct translation xl;

static struct pt_root root_of(u64 table, unsigned int depth, unsigned int block_size)
{
	return (struct pt_root){
		.base = table | PTE_V, .last_page = LAST_PAGE, .depth = depth,
		.block_size = block_size,
	};
}

static enum walk walk(const struct pt_root *root, u64 va)
{
	return walk_page(gpu, root, va >> 12, &xl);
}

static void the_drivers_four_levels_end_in_4k_pages(void)
{
	u64 table = new_table(PAGE);
	struct pt_root root = root_of(table, 2, 9);
	u64 va = 0x7f1234567000ull;

	map_page(table, va, 0xabc000 | LEAF);
	map_page(table, va + PAGE, 0xdef000 | LEAF | PTE_S);
	CHECK_EQ(walk(&root, va), WALK_OK);
	CHECK_EQ(xl.addr, 0xabc000);
	CHECK(!xl.system);
	CHECK_EQ(xl.order, 0);
	CHECK_EQ(walk(&root, va + PAGE), WALK_OK);
	CHECK_EQ(xl.addr, 0xdef000);
	CHECK(xl.system);
	CHECK_EQ(walk(&root, va + 2 * PAGE), WALK_INVALID);
}

static void a_pdb0_entry_without_tf_is_a_2m_leaf(void)
{
	u64 table = new_table(PAGE), pdb1, pdb0;
	struct pt_root root = root_of(table, 2, 9);

	pdb1 = descend(table, 0, 0);
	pdb0 = descend(pdb1, 0, 9ull << PDE_BFS_SHIFT);
	/* Not aligned to 2 MiB: the offset is added, not merged. */
	set64(pdb0 + 3 * 8, 0x1234000 | LEAF | PTE_S);
	CHECK_EQ(walk(&root, 0x600000), WALK_OK);
	CHECK_EQ(xl.addr, 0x1234000);
	CHECK_EQ(xl.order, 9);
	CHECK_EQ(walk(&root, 0x600000 + 511 * PAGE), WALK_OK);
	CHECK_EQ(xl.addr, 0x1234000 + 511 * PAGE);
	CHECK_EQ(walk(&root, 0x800000), WALK_INVALID);
}

static void directory_entries_can_be_leaves_at_every_level(void)
{
	for (unsigned int depth = 1; depth <= 3; depth++) {
		u64 table = new_table(PAGE);
		unsigned int block_size = depth < 3 ? 9 : 0;	/* 48 bits, or 36 */
		struct pt_root root = root_of(table, depth, block_size);

		for (unsigned int level = depth; level--; ) {
			unsigned int bits = 9 + block_size + 9 * level;
			u64 base = 0x5000 + 0x100000ull * level;

			/* Entry 1 is a leaf, entry 0 leads on. */
			set64(table + 8, base | LEAF | PDE_PTE);
			CHECK_EQ(walk(&root, (1ull << bits << 12) + 77 * PAGE), WALK_OK);
			CHECK_EQ(xl.addr, base + 77 * PAGE);
			CHECK_EQ(xl.order, bits);
			CHECK_EQ(walk(&root, (2ull << bits << 12) - PAGE), WALK_OK);
			CHECK_EQ(xl.addr, base + ((1ull << bits << 12) - PAGE));
			table = descend(table, 0, 0);
		}
	}
}

static void an_invalid_directory_entry_names_its_level(void)
{
	for (unsigned int depth = 1; depth <= 3; depth++) {
		u64 table = new_table(PAGE);
		struct pt_root root = root_of(table, depth, 9);

		for (unsigned int level = depth; level--; ) {
			CHECK_EQ(walk(&root, 0x1000), WALK_PDE);
			CHECK_EQ(xl.level, level);
			/* What the driver clears directories to is an invalid leaf. */
			set64(table, PDE_PTE);
			CHECK_EQ(walk(&root, 0x1000), WALK_INVALID);
			set64(table, 0);
			table = descend(table, 0, 0);
		}
	}
}

static void a_root_without_v_is_invalid(void)
{
	struct pt_root root = root_of(new_table(PAGE), 2, 9);

	root.base &= ~PTE_V;
	CHECK_EQ(walk(&root, 0), WALK_PDE);
}

static void a_flat_table_is_indexed_from_its_start_without_a_mask(void)
{
	u64 table = new_table(2048 * 8);
	struct pt_root root = root_of(table, 0, 0);

	root.first_page = 0x7fff0;
	root.last_page = 0x7fff0 + 2047;
	set64(table, 0x1000 | LEAF);
	set64(table + 1500 * 8, 0x2000 | LEAF);
	CHECK_EQ(walk_page(gpu, &root, 0x7fff0, &xl), WALK_OK);
	CHECK_EQ(xl.addr, 0x1000);
	CHECK_EQ(walk_page(gpu, &root, 0x7fff0 + 1500, &xl), WALK_OK);
	CHECK_EQ(xl.addr, 0x2000);
	CHECK_EQ(walk_page(gpu, &root, 0x7fff0 + 1501, &xl), WALK_INVALID);
}

static void the_bounds_are_inclusive(void)
{
	u64 table = new_table(PAGE);
	struct pt_root root = root_of(table, 0, 0);

	root.first_page = 100;
	root.last_page = 101;
	set64(table, LEAF);
	set64(table + 8, LEAF);
	CHECK_EQ(walk_page(gpu, &root, 99, &xl), WALK_RANGE);
	CHECK_EQ(walk_page(gpu, &root, 100, &xl), WALK_OK);
	CHECK_EQ(walk_page(gpu, &root, 101, &xl), WALK_OK);
	CHECK_EQ(walk_page(gpu, &root, 102, &xl), WALK_RANGE);
}

static void a_system_table_of_one_directory_mixes_leaves_and_a_long_page_table(void)
{
	u64 pdb0 = new_table(PAGE), ptb = new_table(4096 * 8);
	struct pt_root root = root_of(pdb0, 1, 12);	/* 8 GiB each */

	set64(pdb0, 0x0 | LEAF | PDE_PTE | 21ull << PTE_FRAGMENT_SHIFT);
	set64(pdb0 + 8, ptb | PTE_V);
	set64(ptb + 4000 * 8, 0x3000 | LEAF | PTE_S);
	CHECK_EQ(walk(&root, 0x123456000ull), WALK_OK);
	CHECK_EQ(xl.addr, 0x123456000ull);
	CHECK_EQ(walk(&root, (8ull << 30) + 4000 * PAGE), WALK_OK);
	CHECK_EQ(xl.addr, 0x3000);
}

static void without_translate_further_the_page_table_has_512_entries(void)
{
	u64 table = new_table(PAGE), t = table;
	struct pt_root root = root_of(table, 3, 0);
	u64 va = 0x1234567000ull, page = va >> 12;

	t = descend(t, page >> 27, 0);
	t = descend(t, page >> 18 & 511, 0);
	t = descend(t, page >> 9 & 511, 0);
	set64(t + (page & 511) * 8, 0x77000 | LEAF);
	CHECK_EQ(walk(&root, va), WALK_OK);
	CHECK_EQ(xl.addr, 0x77000);
}

static void the_block_fragment_size_scales_the_page_table(void)
{
	/* A directory entry of 1 GiB with entries of 64 KiB, some of them divided. */
	u64 pdb0 = new_table(PAGE), ptb = new_table(16384 * 8), small = new_table(PAGE);
	struct pt_root root = root_of(pdb0, 1, 9);

	set64(pdb0, ptb | PTE_V | 4ull << PDE_BFS_SHIFT);
	set64(ptb + 16383 * 8, 0x100000 | LEAF);
	set64(ptb + 5 * 8, small | PTE_V | PTE_TF);
	set64(small + 15 * 8, 0x9000 | LEAF);
	CHECK_EQ(walk(&root, (1ull << 30) - PAGE), WALK_OK);
	CHECK_EQ(xl.addr, 0x100000 + 15 * PAGE);
	CHECK_EQ(walk(&root, 5 * 16 * PAGE + 15 * PAGE), WALK_OK);
	CHECK_EQ(xl.addr, 0x9000);
	CHECK_EQ(walk(&root, 5 * 16 * PAGE), WALK_INVALID);
}

static void every_combination_of_rights_is_seen(void)
{
	u64 table = new_table(PAGE);
	struct pt_root root = root_of(table, 0, 0);

	for (unsigned int rights = 0; rights < 8; rights++) {
		set64(table, PTE_V | (rights & RIGHT_R ? PTE_R : 0) |
		      (rights & RIGHT_W ? PTE_W : 0) | (rights & RIGHT_X ? PTE_X : 0));
		CHECK_EQ(walk(&root, 0), WALK_OK);
		CHECK_EQ(xl.rights, rights);
	}
}

static void the_fragment_widens_what_is_known(void)
{
	u64 table = new_table(PAGE);
	struct pt_root root = root_of(table, 2, 9);

	map_page(table, 0x10000, 0x40000 | LEAF | 4ull << PTE_FRAGMENT_SHIFT);
	CHECK_EQ(walk(&root, 0x10000), WALK_OK);
	CHECK_EQ(xl.order, 4);
	/* But not where blocks would not be aligned. */
	root.first_page = 0x10;
	map_page(table, 0, 0x40000 | LEAF | 5ull << PTE_FRAGMENT_SHIFT);
	CHECK_EQ(walk(&root, 0x10000), WALK_OK);
	CHECK_EQ(xl.order, 0);
}

static void prt_is_sparse_only_without_v(void)
{
	u64 table = new_table(PAGE), pdb1;
	struct pt_root root = root_of(table, 2, 9);

	map_page(table, 0, PTE_PRT | PTE_R);
	CHECK_EQ(walk(&root, 0), WALK_PRT);
	map_page(table, 0, PTE_PRT | LEAF | 0x3000);
	CHECK_EQ(walk(&root, 0), WALK_OK);
	CHECK_EQ(xl.addr, 0x3000);
	pdb1 = descend(table, 0, 0);
	set64(pdb1 + 8, PTE_PRT | PDE_PTE);
	CHECK_EQ(walk(&root, 1ull << 30), WALK_PRT);
	/* A directory entry that is no leaf knows no PRT. */
	set64(pdb1 + 8, PTE_PRT);
	CHECK_EQ(walk(&root, 1ull << 30), WALK_PDE);
}

static void the_no_retry_entry_depends_on_translate_further(void)
{
	u64 further = new_table(PAGE), flat = new_table(PAGE);
	struct pt_root tf = root_of(further, 2, 9), no_tf = root_of(flat, 1, 0);

	map_page(further, 0, PTE_V | PTE_S | PTE_PRT);
	CHECK_EQ(walk(&tf, 0), WALK_NORETRY);
	map_page(further, 0, PTE_V | PTE_S | PTE_PRT | PTE_R);
	CHECK_EQ(walk(&tf, 0), WALK_OK);
	map_page(further, 0, PTE_X | PDE_PTE | PTE_TF);
	CHECK_EQ(walk(&tf, 0), WALK_INVALID);

	flat = descend(flat, 0, 0);
	set64(flat, PTE_X | PDE_PTE | PTE_TF);
	CHECK_EQ(walk(&no_tf, 0), WALK_NORETRY);
	set64(flat, PTE_V | PTE_S | PTE_PRT);
	CHECK_EQ(walk(&no_tf, 0), WALK_NORETRY);
	set64(flat, PTE_X);
	CHECK_EQ(walk(&no_tf, 0), WALK_INVALID);
}

static void vram_addresses_count_from_the_fb_offset(void)
{
	u64 table = new_table(PAGE);
	struct pt_root root = root_of(table + 0x2000000000ull, 0, 0);

	root.vram_base = 0x2000000000ull;
	set64(table, 0x2000005000ull | LEAF);
	set64(table + 8, 0x2000005000ull | LEAF | PTE_S);
	CHECK_EQ(walk(&root, 0), WALK_OK);
	CHECK_EQ(xl.addr, 0x5000);
	CHECK_EQ(walk(&root, PAGE), WALK_OK);
	CHECK_EQ(xl.addr, 0x2000005000ull);
}

static void tables_may_lie_in_system_memory(void)
{
	struct pt_root root = root_of(RAM_BASE, 1, 0);
	u64 pde = (RAM_BASE + PAGE) | PTE_V | PTE_S, pte = 0x6000 | LEAF;

	root.base |= PTE_S;
	memcpy(ram, &pde, 8);
	memcpy(ram + PAGE, &pte, 8);
	CHECK_EQ(walk(&root, 0), WALK_OK);
	CHECK_EQ(xl.addr, 0x6000);
	root.quiet = true;
	CHECK_EQ(walk(&root, 0), WALK_UNKNOWN);
}

static void tables_that_make_no_sense_are_refused(void)
{
	u64 pdb0 = new_table(PAGE), ptb = new_table(PAGE);
	struct pt_root root = root_of(pdb0, 1, 0);

	/* Entries that are as large as or larger than the whole table. */
	for (u64 bfs = 9; bfs < 32; bfs++) {
		set64(pdb0, ptb | PTE_V | bfs << PDE_BFS_SHIFT);
		CHECK_EQ(walk(&root, 0), WALK_TABLE);
	}
	/* A page table that translates further without getting smaller. */
	set64(pdb0, ptb | PTE_V | 4ull << PDE_BFS_SHIFT);
	set64(ptb, ptb | PTE_V | PTE_TF | 4ull << PDE_BFS_SHIFT);
	CHECK_EQ(walk(&root, 0), WALK_TABLE);
}

static void a_table_outside_vram_is_reported_unless_walked_quietly(void)
{
	struct pt_root root = root_of(VRAM_SIZE, 2, 9);
	u64 before = verdicts(gpu, NULL);

	root.quiet = true;
	CHECK_EQ(walk(&root, 0), WALK_TABLE);
	CHECK_EQ(verdicts(gpu, NULL), before);
	root.quiet = false;
	CHECK_EQ(walk(&root, 0), WALK_TABLE);
	CHECK_EQ(verdicts(gpu, NULL), before + 1);
	root.base = 0xffffffffffc0ull | PTE_V;
	root.quiet = true;
	CHECK_EQ(walk(&root, ~0ull >> 16), WALK_TABLE);
	CHECK_EQ(verdicts(gpu, NULL), before + 1);
}

static u64 random64(void)
{
	static u64 state = 0x853c49e6748fea9bull;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

/* Tables of noise, with valid bits and addresses likely enough to get somewhere. */
static void any_contents_end_the_walk(void)
{
	const u64 area = 8ull << 20, size = 64 * PAGE;
	u64 results[WALK_UNKNOWN + 1] = { 0 };

	for (u64 i = 0; i < size; i += 8) {
		u64 bfs = random64() % 12 << PDE_BFS_SHIFT;
		u64 flags = random64() & (PTE_S | PDE_PTE | PTE_TF | PTE_PRT | PTE_R | PTE_W);

		if (random64() % 4)
			flags &= ~(PTE_S | PDE_PTE | PTE_PRT);
		set64(area + i, area + random64() % 64 * PAGE + (flags | bfs | (random64() % 8 ? PTE_V : 0)));
	}
	for (unsigned int i = 0; i < 200000; i++) {
		struct pt_root root = root_of(area + random64() % 64 * PAGE, random64() & 3,
					      random64() & 15);

		root.first_page = random64() & 0xff;
		root.last_page = random64() & VA_PAGE_MASK;
		root.quiet = true;
		results[walk_page(gpu, &root, random64() % 0x40000, &xl)]++;
		CHECK(xl.order <= 47);
	}
	/* The noise must have been worth it. */
	CHECK(results[WALK_OK] > 1000);
	CHECK(results[WALK_INVALID] > 100);
	CHECK(results[WALK_TABLE] > 100);
	CHECK(results[WALK_PDE] > 100);
	CHECK(results[WALK_UNKNOWN] > 100);
	CHECK(results[WALK_RANGE] > 10);
}

int main(void)
{
	if (!fixture_start(1))
		return 1;
	CASE(the_drivers_four_levels_end_in_4k_pages);
	CASE(a_pdb0_entry_without_tf_is_a_2m_leaf);
	CASE(directory_entries_can_be_leaves_at_every_level);
	CASE(an_invalid_directory_entry_names_its_level);
	CASE(a_root_without_v_is_invalid);
	CASE(a_flat_table_is_indexed_from_its_start_without_a_mask);
	CASE(the_bounds_are_inclusive);
	CASE(a_system_table_of_one_directory_mixes_leaves_and_a_long_page_table);
	CASE(without_translate_further_the_page_table_has_512_entries);
	CASE(the_block_fragment_size_scales_the_page_table);
	CASE(every_combination_of_rights_is_seen);
	CASE(the_fragment_widens_what_is_known);
	CASE(prt_is_sparse_only_without_v);
	CASE(the_no_retry_entry_depends_on_translate_further);
	CASE(vram_addresses_count_from_the_fb_offset);
	CASE(tables_may_lie_in_system_memory);
	CASE(tables_that_make_no_sense_are_refused);
	CASE(a_table_outside_vram_is_reported_unless_walked_quietly);
	CASE(any_contents_end_the_walk);
	fixture_stop();
	return DONE();
}
