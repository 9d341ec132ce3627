// SPDX-License-Identifier: GPL-2.0-only
/* The IP discovery binary, read back step by step as the driver reads it. */
#include <stdlib.h>
#include <string.h>

#include "asic.h"
#include "test.h"

#define DRIVER_READS (10u << 10)

static struct gpu gpu;
static u8 bin[64 << 10];
static size_t bin_size;

static u16 get16(size_t at)
{
	return (u16)(bin[at] | bin[at + 1] << 8);
}

static u32 get32(size_t at)
{
	return get16(at) | (u32)get16(at + 2) << 16;
}

static u64 get64(size_t at)
{
	return get32(at) | (u64)get32(at + 4) << 32;
}

static u16 sum(size_t at, size_t size)
{
	u16 total = 0;

	for (size_t i = 0; i < size; i++)
		total = (u16)(total + bin[at + i]);
	return total;
}

enum table { IP, GC, HARVEST, VCN, MALL, NPS };

static size_t table_at(enum table table)
{
	return get16(12 + 8 * (size_t)table);
}

static u16 table_sum(enum table table)
{
	return get16(12 + 8 * (size_t)table + 2);
}

static void the_header_is_signed_and_sums_up(void)
{
	CHECK_EQ(get32(0), 0x28211407);
	CHECK_EQ(get16(4), 1);
	CHECK_EQ(get16(10), bin_size);
	CHECK(bin_size <= DRIVER_READS);
	CHECK_EQ(get16(8), sum(10, bin_size - 10));
}

static void every_table_is_inside_signed_and_sums_up(void)
{
	CHECK_EQ(get32(table_at(IP)), 0x53445049);
	CHECK_EQ(table_sum(IP), sum(table_at(IP), get16(table_at(IP) + 6)));
	CHECK_EQ(get32(table_at(GC)), 0x4347);
	CHECK_EQ(table_sum(GC), sum(table_at(GC), get32(table_at(GC) + 8)));
	CHECK_EQ(get32(table_at(HARVEST)), 0x56524148);
	CHECK_EQ(table_sum(HARVEST), sum(table_at(HARVEST), 8 + 32 * 4));
	CHECK_EQ(get32(table_at(NPS)), 0x0053504E);
	CHECK_EQ(table_sum(NPS), sum(table_at(NPS), get32(table_at(NPS) + 8)));
	/* The driver reads these two only if they are there. */
	CHECK_EQ(table_at(VCN), 0);
	CHECK_EQ(table_at(MALL), 0);
	CHECK(table_at(NPS) + get32(table_at(NPS) + 8) <= bin_size);
}

/* Calls @fn for every IP entry; false if the list does not end where it should. */
typedef void (*ip_fn)(size_t at, void *arg);

static bool each_ip(ip_fn fn, void *arg)
{
	size_t die = get16(table_at(IP) + 16), at = die + 4;

	if (get16(table_at(IP) + 4) != 3 || get16(table_at(IP) + 12) != 1 || get16(die) != 0)
		return false;
	for (u16 i = 0; i < get16(die + 2); i++) {
		fn(at, arg);
		at += 8 + 4 * (size_t)bin[at + 3];
	}
	return at == table_at(IP) + get16(table_at(IP) + 6);
}

struct mask {
	u16 hw_id;
	u32 instances;
	u8 version[3];
};

static void collect(size_t at, void *arg)
{
	struct mask *mask = arg;

	if (get16(at) != mask->hw_id)
		return;
	mask->instances |= 1u << bin[at + 2];
	memcpy(mask->version, bin + at + 4, 3);
}

static bool has(u16 hw_id, u32 instances, u8 major, u8 minor, u8 revision)
{
	struct mask mask = { .hw_id = hw_id };
	const u8 version[3] = { major, minor, revision };

	return each_ip(collect, &mask) && mask.instances == instances &&
	       !memcmp(mask.version, version, 3);
}

static void blocks_have_the_versions_and_instances_of_the_asic(void)
{
	u32 xcc = (1u << gpu.num_xcc) - 1;
	u32 aid = (1u << gpu.num_aid) - 1;
	u32 sdma = (1u << gpu.num_sdma) - 1;

	CHECK(has(11, xcc, 9, 4, 3));		/* GC */
	CHECK(has(42, sdma, 4, 4, 2));		/* SDMA */
	CHECK(has(108, aid, 7, 9, 0));		/* NBIF */
	CHECK(has(34, aid, 1, 8, 0));		/* MMHUB */
	CHECK(has(12, aid, 4, 0, 3));		/* VCN */
	CHECK(has(35, 1, 1, 8, 0));		/* ATHUB */
	CHECK(has(40, 1, 4, 4, 2));		/* OSSSYS */
	CHECK(has(41, 1, 4, 4, 2));		/* HDP */
	CHECK(has(4, 1, 13, 0, 3));		/* SMUIO */
	CHECK(has(255, 1, 13, 0, 6));		/* MP0 */
	CHECK(has(46, 1, 4, 3, 0));		/* DF */
}

/* The driver's rule: 4 SDMA a die; a further die counts with all, the lower or
 * the upper two of them. */
static void sdma_instances_make_the_driver_see_every_die(void)
{
	u32 dies = 1;

	for (unsigned int i = 1; i < MAX_SDMA / 4; i++) {
		u32 of_die = ((1u << gpu.num_sdma) - 1) >> (4 * i) & 0xf;

		if (of_die == 0xf || of_die == 0x3 || of_die == 0xc)
			dies |= 1u << i;
	}
	CHECK_EQ(dies, (1u << gpu.num_aid) - 1);
}

static bool bases_differ;

static void compare_bases(size_t at, void *arg)
{
	(void)arg;
	for (enum hw hw = 0; hw < NUM_HW; hw++) {
		const struct asic_ip *ip = asic_ip(gpu.asic, hw);

		if (ip->hw_id != get16(at))
			continue;
		for (unsigned int s = 0; s < ip->segments; s++)
			if (get32(at + 8 + 4 * (size_t)s) !=
			    (reg_base(&gpu, hw, bin[at + 2], s) & ~SMN_DIE_MASK))
				bases_differ = true;
	}
}

static void bases_are_those_of_the_register_file(void)
{
	bases_differ = false;
	CHECK(each_ip(compare_bases, NULL));
	CHECK(!bases_differ);
}

static void gc_info_is_version_2_1_and_complete(void)
{
	size_t at = table_at(GC);

	CHECK_EQ(get16(at + 4), 2);
	CHECK_EQ(get16(at + 6), 1);
	CHECK_EQ(get32(at + 8), 12 + 24 * 4);
	CHECK_EQ(get32(at + 12), gpu.asic->gc_info.num_se);
	CHECK_EQ(get32(at + 12 + 11 * 4), 64);			/* wave size */
	CHECK_EQ(get32(at + 12 + 23 * 4), gpu.asic->gc_info.tcc_size);
	CHECK(get32(at + 12 + 2 * 4) != 0);			/* a divisor */
}

static void nothing_is_harvested(void)
{
	for (size_t i = 0; i < 32; i++)
		CHECK_EQ(get32(table_at(HARVEST) + 8 + 4 * i), 0);
}

static void one_memory_range_is_all_of_vram(void)
{
	size_t at = table_at(NPS);

	CHECK_EQ(get16(at + 4), 1);
	CHECK_EQ(get32(at + 8), 12 + 8 + 12 * 16);
	CHECK_EQ(get32(at + 16), 1);
	CHECK_EQ(get64(at + 20), 0);
	CHECK_EQ(get64(at + 28), gpu.vram_size - 1);
}

static void a_buffer_that_is_too_small_is_refused_untouched_beyond(void)
{
	static u8 small[DRIVER_READS];

	for (size_t size = 0; size < bin_size; size++) {
		memset(small, 0xa5, sizeof(small));
		CHECK_EQ(discovery_build(&gpu, small, size), 0);
		CHECK_EQ(small[size], 0xa5);
	}
	CHECK_EQ(discovery_build(&gpu, small, bin_size), bin_size);
	CHECK(!memcmp(small, bin, bin_size));
}

static void all(unsigned int num_xcc)
{
	char text[128];

	if (asic_configure(&gpu, "mi300x", num_xcc, 0))
		exit(1);
	bin_size = discovery_build(&gpu, bin, sizeof(bin));
	printf("# %u XCC: %zu bytes\n", num_xcc, bin_size);
#define SIZED(fn) \
	(snprintf(text, sizeof(text), "%s (%u XCC)", #fn, num_xcc), test_run(fn, text))
	SIZED(the_header_is_signed_and_sums_up);
	SIZED(every_table_is_inside_signed_and_sums_up);
	SIZED(blocks_have_the_versions_and_instances_of_the_asic);
	SIZED(sdma_instances_make_the_driver_see_every_die);
	SIZED(bases_are_those_of_the_register_file);
	SIZED(gc_info_is_version_2_1_and_complete);
	SIZED(nothing_is_harvested);
	SIZED(one_memory_range_is_all_of_vram);
	SIZED(a_buffer_that_is_too_small_is_refused_untouched_beyond);
#undef SIZED
}

int main(void)
{
	all(1);
	all(2);
	all(4);
	all(8);
	return DONE();
}
