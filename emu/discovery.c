// SPDX-License-Identifier: GPL-2.0-only
/*
 * The IP discovery binary: what the driver reads to learn which IP blocks there
 * are and where their registers begin.
 *
 * Layout (all little endian): a header with offset, byte sum and size of six
 * tables; the IP table, version 3, with one die; gc_info 2.1; a harvest table
 * without entries (nothing is broken); nps_info 1.0 with one memory range. The
 * VCN and MALL tables are left out, which their zero offset says.
 */
#include <string.h>

#include "asic.h"

#define BINARY_SIGNATURE 0x28211407
#define IP_SIGNATURE 0x53445049		/* "IPDS" */
#define GC_TABLE_ID 0x4347
#define HARVEST_SIGNATURE 0x56524148	/* "HARV" */
#define NPS_TABLE_ID 0x0053504E		/* "NPS" */

#define DRIVER_READS (10u << 10)	/* the driver looks no further */
#define HARVEST_ENTRIES 32
#define NPS_RANGES 12
#define IP_DIES 16

enum table { TABLE_IP, TABLE_GC, TABLE_HARVEST, TABLE_VCN, TABLE_MALL, TABLE_NPS, NUM_TABLES };

#define HEADER_SIZE (12 + 8 * NUM_TABLES)
#define CHECKSUM_AT 8
#define SIZE_AT 10
#define TABLES_AT 12

/* A cursor that stops at the end of the buffer and remembers that it did. */
struct writer {
	u8 *buf;
	size_t size;
	size_t pos;
	bool overflow;
};

static void put(struct writer *w, u64 value, size_t bytes)
{
	if (bytes > w->size - w->pos) {
		w->overflow = true;
		return;
	}
	for (size_t i = 0; i < bytes; i++)
		w->buf[w->pos++] = (u8)(value >> (8 * i));
}

static void put8(struct writer *w, u8 value) { put(w, value, 1); }
static void put16(struct writer *w, u16 value) { put(w, value, 2); }
static void put32(struct writer *w, u32 value) { put(w, value, 4); }
static void put64(struct writer *w, u64 value) { put(w, value, 8); }

static void put_at(struct writer *w, size_t at, u64 value, size_t bytes)
{
	struct writer part = { .buf = w->buf, .size = w->size, .pos = at };

	put(&part, value, bytes);
}

static void align(struct writer *w, size_t to)
{
	while (w->pos % to && !w->overflow)
		put8(w, 0);
}

static u16 byte_sum(const struct writer *w, size_t from, size_t to)
{
	u16 sum = 0;

	for (size_t i = from; i < to; i++)
		sum = (u16)(sum + w->buf[i]);
	return sum;
}

/* Enters the table from @start to the cursor into the header's list. */
static void finish_table(struct writer *w, enum table table, size_t start)
{
	size_t entry = TABLES_AT + 8 * (size_t)table;

	if (w->overflow)
		return;
	put_at(w, entry, start, 2);
	put_at(w, entry + 2, byte_sum(w, start, w->pos), 2);
	put_at(w, entry + 4, w->pos - start, 2);
	align(w, 8);
}

static void put_ip(struct writer *w, const struct asic_ip *ip, unsigned int inst)
{
	put16(w, ip->hw_id);
	put8(w, (u8)inst);
	put8(w, ip->segments);
	put8(w, ip->major);
	put8(w, ip->minor);
	put8(w, ip->revision);
	put8(w, 0);			/* sub-revision, variant */
	for (unsigned int i = 0; i < ip->segments; i++)
		put32(w, ip->bases[inst][i] & ~SMN_DIE_MASK);
}

static void put_ip_table(struct writer *w, const struct gpu *gpu)
{
	size_t start = w->pos, size_at, die_at;
	u16 num = 0;

	put32(w, IP_SIGNATURE);
	put16(w, 3);			/* version */
	size_at = w->pos;
	put16(w, 0);
	put32(w, 0);			/* table id */
	put16(w, 1);			/* dies */
	put16(w, 0);			/* die 0: its number and where it is */
	die_at = w->pos;
	put16(w, 0);
	for (unsigned int i = 1; i < IP_DIES; i++)
		put32(w, 0);
	put16(w, 0);			/* 32-bit base addresses */

	align(w, 4);
	put_at(w, die_at, w->pos, 2);
	put16(w, 0);			/* die id */
	die_at = w->pos;
	put16(w, 0);
	for (enum hw hw = 0; hw < NUM_HW; hw++)
		for (unsigned int inst = 0; inst < asic_instances(gpu, hw); inst++, num++)
			put_ip(w, asic_ip(gpu->asic, hw), inst);
	put_at(w, die_at, num, 2);
	put_at(w, size_at, w->pos - start, 2);
	finish_table(w, TABLE_IP, start);
}

static void put_gc_table(struct writer *w, const struct gpu *gpu)
{
	const struct asic_gc_info *info = &gpu->asic->gc_info;
	const u32 values[] = {
		info->num_se, info->num_cu_per_sh, info->num_sh_per_se, info->num_rb_per_se,
		info->num_tccs, info->num_gprs, info->num_max_gs_thds, info->gs_table_depth,
		info->gsprim_buff_depth, info->parameter_cache_depth,
		info->double_offchip_lds_buffer, info->wave_size, info->max_waves_per_simd,
		info->max_scratch_slots_per_cu, info->lds_size, info->num_sc_per_se,
		info->num_packer_per_sc, info->num_tcp_per_sh, info->tcp_size_per_cu,
		info->num_sdp_interface, info->num_cu_per_sqc,
		info->instruction_cache_size_per_sqc, info->scalar_data_cache_size_per_sqc,
		info->tcc_size,
	};
	size_t start = w->pos;

	put32(w, GC_TABLE_ID);
	put16(w, 2);
	put16(w, 1);
	put32(w, 12 + sizeof(values));
	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		put32(w, values[i]);
	finish_table(w, TABLE_GC, start);
}

static void put_harvest_table(struct writer *w)
{
	size_t start = w->pos;

	put32(w, HARVEST_SIGNATURE);
	put32(w, 0);			/* version */
	for (unsigned int i = 0; i < HARVEST_ENTRIES; i++)
		put32(w, 0);
	finish_table(w, TABLE_HARVEST, start);
}

static void put_nps_table(struct writer *w, const struct gpu *gpu)
{
	size_t start = w->pos, size_at;

	put32(w, NPS_TABLE_ID);
	put16(w, 1);
	put16(w, 0);
	size_at = w->pos;
	put32(w, 0);
	put32(w, 1);			/* NPS1 */
	put32(w, 1);			/* ranges */
	put64(w, 0);
	put64(w, gpu->vram_size - 1);
	for (unsigned int i = 1; i < NPS_RANGES; i++) {
		put64(w, 0);
		put64(w, 0);
	}
	put_at(w, size_at, w->pos - start, 4);
	finish_table(w, TABLE_NPS, start);
}

size_t discovery_build(const struct gpu *gpu, void *buf, size_t size)
{
	struct writer w = { .buf = buf, .size = size < DRIVER_READS ? size : DRIVER_READS };

	if (w.size < HEADER_SIZE)
		return 0;
	memset(buf, 0, w.size);
	put32(&w, BINARY_SIGNATURE);
	put16(&w, 1);			/* version 1.0 */
	w.pos = HEADER_SIZE;
	align(&w, 8);
	put_ip_table(&w, gpu);
	put_gc_table(&w, gpu);
	put_harvest_table(&w);
	put_nps_table(&w, gpu);
	if (w.overflow)
		return 0;
	put_at(&w, SIZE_AT, w.pos, 2);
	put_at(&w, CHECKSUM_AT, byte_sum(&w, SIZE_AT, w.pos), 2);
	return w.pos;
}
