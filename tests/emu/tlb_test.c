// SPDX-License-Identifier: GPL-2.0-only
/* The TLB forgets nothing, finds what covers a page, and stays within its bound. */
#include <stdlib.h>
#include <string.h>

#include "../../emu/tlb.h"
#include "test.h"

static struct tlb tlb;

static struct translation to(u64 addr, unsigned int order)
{
	return (struct translation){ .addr = addr, .rights = RIGHT_R, .order = order };
}

static void insert(unsigned int vmid, u64 page, u64 addr, unsigned int order)
{
	struct translation xl = to(addr, order);

	tlb_insert(&tlb, vmid, page, &xl);
}

/* Where the TLB says that @page is, ~0 for nowhere. */
static u64 find(unsigned int vmid, u64 page)
{
	const struct tlb_entry *entry = tlb_find(&tlb, vmid, page);

	return entry ? tlb_address(entry, page) : ~0ull;
}

static u64 random64(void)
{
	static u64 state = 0x9e3779b97f4a7c15ull;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static void an_empty_tlb_finds_nothing(void)
{
	CHECK(!tlb_init(&tlb, TLB_MAX_ENTRIES));
	CHECK_EQ(find(0, 0), ~0ull);
	CHECK_EQ(tlb_invalidate(&tlb, 3), 0);
	tlb_fini(&tlb);
}

static void vmids_do_not_see_each_other(void)
{
	CHECK(!tlb_init(&tlb, TLB_MAX_ENTRIES));
	for (unsigned int vmid = 0; vmid < NUM_VMID; vmid++)
		insert(vmid, 0x1234, 0x1000 * vmid, 0);
	for (unsigned int vmid = 0; vmid < NUM_VMID; vmid++)
		CHECK_EQ(find(vmid, 0x1234), 0x1000 * vmid);
	CHECK_EQ(tlb_invalidate(&tlb, 7), 1);
	for (unsigned int vmid = 0; vmid < NUM_VMID; vmid++)
		CHECK_EQ(find(vmid, 0x1234), vmid == 7 ? ~0ull : 0x1000 * vmid);
	tlb_fini(&tlb);
}

static void an_entry_covers_its_whole_block(void)
{
	CHECK(!tlb_init(&tlb, TLB_MAX_ENTRIES));
	for (unsigned int order = 0; order <= 20; order++) {
		u64 block = (u64)(order + 1) << 24;
		u64 page = block + (1ull << order) / 3;

		insert(1, page, 0x40000000ull + (page << 12), order);
		CHECK_EQ(find(1, block), 0x40000000ull + (block << 12));
		CHECK_EQ(find(1, block + (1ull << order) - 1),
			 0x40000000ull + ((block + (1ull << order) - 1) << 12));
		CHECK_EQ(find(1, block - 1), ~0ull);
		CHECK_EQ(find(1, block + (1ull << order)), ~0ull);
	}
	tlb_fini(&tlb);
}

static void the_smaller_entry_wins(void)
{
	CHECK(!tlb_init(&tlb, TLB_MAX_ENTRIES));
	insert(1, 0x205, 0x5000, 0);
	insert(1, 0x206, 0x900000 + 6 * 0x1000, 9);
	CHECK_EQ(find(1, 0x205), 0x5000);
	CHECK_EQ(find(1, 0x204), 0x904000);
	CHECK_EQ(tlb_invalidate(&tlb, 1), 2);
	CHECK_EQ(find(1, 0x205), ~0ull);
	tlb_fini(&tlb);
}

static void nothing_is_forgotten_while_it_grows(void)
{
	const u64 n = 100000;

	CHECK(!tlb_init(&tlb, TLB_MAX_ENTRIES));
	for (u64 i = 0; i < n; i++)
		insert(i & 15, i * 7, i << 12, 0);
	for (u64 i = 0; i < n; i++)
		CHECK_EQ(find(i & 15, i * 7), i << 12);
	CHECK_EQ(tlb.dropped, 0);
	CHECK_EQ(tlb_invalidate(&tlb, 3), n / 16);
	for (u64 i = 0; i < n; i++)
		CHECK_EQ(find(i & 15, i * 7), (i & 15) == 3 ? ~0ull : i << 12);
	tlb_fini(&tlb);
}

static void beyond_its_bound_the_oldest_goes_and_is_counted(void)
{
	const u64 limit = 1500;	/* not a power of two */

	CHECK(!tlb_init(&tlb, limit));
	for (u64 i = 0; i < limit + 300; i++)
		insert(i & 3, i, i << 12, 0);
	CHECK_EQ(tlb.dropped, 300);
	for (u64 i = 0; i < limit + 300; i++)
		CHECK_EQ(find(i & 3, i), i < 300 ? ~0ull : i << 12);
	tlb_fini(&tlb);
}

static void what_grants_nothing_is_kept_only_on_demand(void)
{
	struct translation none = { .addr = 0x1000 };

	CHECK(!tlb_init(&tlb, TLB_MAX_ENTRIES));
	tlb_insert(&tlb, 1, 5, &none);
	CHECK(!tlb_find(&tlb, 1, 5));
	tlb.negative = true;
	tlb_insert(&tlb, 1, 5, &none);
	CHECK(tlb_find(&tlb, 1, 5));
	tlb_fini(&tlb);
}

/* Against a plain array: random blocks, which do not overlap within one order. */
static void it_agrees_with_a_plain_table(void)
{
	enum { PAGES = 1024, ORDERS = 5 };
	static u64 model[NUM_VMID][ORDERS][PAGES];

	CHECK(!tlb_init(&tlb, TLB_MAX_ENTRIES));
	memset(model, 0xff, sizeof(model));
	for (unsigned int i = 0; i < 300000; i++) {
		unsigned int vmid = random64() % NUM_VMID, order = random64() % ORDERS;
		u64 page = random64() % PAGES, expect = ~0ull;

		if (random64() % 500 == 0) {
			tlb_invalidate(&tlb, vmid);
			memset(model[vmid], 0xff, sizeof(model[vmid]));
			continue;
		}
		for (unsigned int o = ORDERS; o--;)
			expect = model[vmid][o][page] != ~0ull ? model[vmid][o][page] : expect;
		CHECK_EQ(find(vmid, page), expect);
		if (expect == ~0ull) {
			u64 addr = (random64() % 100000 + PAGES) << 12;
			u64 block = page & ~((1ull << order) - 1);

			insert(vmid, page, addr, order);
			for (u64 p = block; p < block + (1ull << order); p++)
				model[vmid][order][p] = addr + ((p - page) << 12);
		}
	}
	tlb_fini(&tlb);
}

static void slots_show_all_entries_once(void)
{
	unsigned int seen = 0;

	CHECK(!tlb_init(&tlb, TLB_MAX_ENTRIES));
	for (u64 i = 0; i < 2000; i++)
		insert(i & 1, i, 0, 0);
	tlb_invalidate(&tlb, 1);
	for (u32 i = 0; i < tlb.capacity; i++)
		seen += tlb_slot(&tlb, i) != NULL;
	CHECK_EQ(seen, 1000);
	CHECK(!tlb_slot(&tlb, tlb.capacity));
	tlb_fini(&tlb);
}

static void a_suspect_keeps_the_time_of_its_first_sight(void)
{
	CHECK(!tlb_init(&tlb, TLB_MAX_ENTRIES));
	CHECK_EQ(tlb_suspect(&tlb, 1, 5, 100)->since, 100);
	CHECK_EQ(tlb_suspect(&tlb, 1, 5, 200)->since, 100);
	CHECK_EQ(tlb_suspect(&tlb, 2, 5, 300)->since, 300);
	tlb_absolve(&tlb, 1, 5);
	CHECK_EQ(tlb_suspect(&tlb, 1, 5, 400)->since, 400);
	tlb_invalidate(&tlb, 1);
	CHECK_EQ(tlb_suspect(&tlb, 1, 5, 500)->since, 500);
	CHECK_EQ(tlb_suspect(&tlb, 2, 5, 500)->since, 300);
	tlb_fini(&tlb);
}

static void suspects_survive_removals_around_them(void)
{
	enum { PAGES = 6000 };
	static u64 model[2][PAGES];

	CHECK(!tlb_init(&tlb, TLB_MAX_ENTRIES));
	memset(model, 0, sizeof(model));
	for (u64 now = 1; now < 400000; now++) {
		unsigned int vmid = random64() & 1;
		u64 page = random64() % PAGES;

		if (random64() % 50000 == 0) {
			tlb_invalidate(&tlb, vmid);
			memset(model[vmid], 0, sizeof(model[vmid]));
		} else if (random64() % 3 == 0) {
			tlb_absolve(&tlb, vmid, page);
			model[vmid][page] = 0;
		} else {
			const struct tlb_suspect *s = tlb_suspect(&tlb, vmid, page, now);

			if (!s) {
				CHECK_EQ(tlb.num_suspects, TLB_MAX_SUSPECTS / 2);
				continue;
			}
			if (!model[vmid][page])
				model[vmid][page] = now;
			CHECK_EQ(s->since, model[vmid][page]);
		}
	}
	tlb_fini(&tlb);
}

int main(void)
{
	CASE(an_empty_tlb_finds_nothing);
	CASE(vmids_do_not_see_each_other);
	CASE(an_entry_covers_its_whole_block);
	CASE(the_smaller_entry_wins);
	CASE(nothing_is_forgotten_while_it_grows);
	CASE(beyond_its_bound_the_oldest_goes_and_is_counted);
	CASE(what_grants_nothing_is_kept_only_on_demand);
	CASE(it_agrees_with_a_plain_table);
	CASE(slots_show_all_entries_once);
	CASE(a_suspect_keeps_the_time_of_its_first_sight);
	CASE(suspects_survive_removals_around_them);
	return DONE();
}
