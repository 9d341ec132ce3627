// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page tables of any content, and the TLB over them.
 *
 * Input: a context's control and root, then records of a byte that says what to do
 * and its arguments: set an entry, access, invalidate, audit. Tables are in 64 pages
 * of VRAM and 16 of guest RAM. Faults are final: waiting for an answer is the
 * stream fuzzers' part.
 */
#include "fuzz.h"

#define NUM_TABLES 64u
#define MAX_LEN 8192u

enum { SET_ENTRY, SET_BUS_ENTRY, READ, WRITE, FETCH, ATOMIC, INVALIDATE, AUDIT, NUM_OPS };

static struct vm_port port;

static void fuzz_start(void)
{
	port = (struct vm_port){ .gpu = gpu, .client_id = 0x1b, .node_id = 1, .name = "fuzz" };
}

static u64 increment(u64 old, const void *arg)
{
	(void)arg;
	return old + 1;
}

static void set_context(struct input *in)
{
	const struct hub_layout *l = &gfxhub_layout;
	u32 base = reg_base(gpu, l->hw, 0, l->segment);

	reg_write(gpu, base + l->context0_cntl + 1, (u32)take(in, 4));
	for (u32 i = 0; i < 2; i++) {
		reg_write(gpu, base + l->context0_base_lo + 2 + i, (u32)take(in, 4));
		reg_write(gpu, base + l->context0_start_lo + 2 + i, (u32)take(in, 4));
		reg_write(gpu, base + l->context0_end_lo + 2 + i, (u32)take(in, 4));
	}
	reg_write(gpu, base + l->fb_offset, (u32)take(in, 1));
}

static void set_entry(struct input *in, bool bus)
{
	u64 table = take(in, 1) % NUM_TABLES;
	u64 index = take(in, 2) & 511;
	u64 value = take(in, 8);

	if (bus)
		memcpy(ram + (table % 16) * PAGE + index * 8, &value, 8);
	else
		set64(TABLES + table * PAGE + index * 8, value);
}

static void access_memory(struct input *in, unsigned int op)
{
	static u8 buf[MAX_LEN];
	u64 va = take(in, 8);
	size_t len = take(in, 2) % MAX_LEN;
	u64 old;

	if (op == READ)
		vm_read(&port, 1, va, buf, len);
	else if (op == WRITE)
		vm_write(&port, 1, va, buf, len);
	else if (op == FETCH)
		vm_fetch(&port, 1, va, buf, len);
	else
		vm_atomic(&port, 1, va, len & 1 ? 4 : 8, increment, NULL, &old);
}

static void fuzz_one(const u8 *data, size_t size)
{
	struct input in = { data, data + size };

	fuzz_reset();
	set_context(&in);
	while (left(&in)) {
		unsigned int op = (unsigned int)take(&in, 1) % NUM_OPS;

		if (op <= SET_BUS_ENTRY)
			set_entry(&in, op == SET_BUS_ENTRY);
		else if (op == INVALIDATE)
			vm_invalidate(gpu, 0, 1);
		else if (op == AUDIT)
			vm_audit(gpu);
		else
			access_memory(&in, op);
	}
}

/* ---- seeds ---- */

static void begin_input(struct bytes *b, u32 cntl)
{
	b->len = 0;
	ADD_DWORDS(b, cntl, (u32)TABLES | 1, 0, ~0u, 0, 0, 0xf);
	add_value(b, 0, 1);
}

static void add_entry(struct bytes *b, u32 op, u32 table, u32 index, u64 value)
{
	add_value(b, op, 1);
	add_value(b, table, 1);
	add_value(b, index, 2);
	add_value(b, value, 8);
}

static void add_accesses(struct bytes *b, u64 va)
{
	for (u32 op = READ; op <= ATOMIC; op++) {
		add_value(b, op, 1);
		add_value(b, va, 8);
		add_value(b, 64, 2);
	}
	add_value(b, AUDIT, 1);
	add_value(b, INVALIDATE, 1);
}

static void seed_leaf(struct bytes *b, const char *name, u64 pte)
{
	begin_input(b, CONTEXT_CNTL);
	add_entry(b, SET_ENTRY, 0, 0, (TABLES + 1 * PAGE) | PTE_V);
	add_entry(b, SET_ENTRY, 1, 0, (TABLES + 2 * PAGE) | PTE_V | 9ull << PDE_BFS_SHIFT);
	add_entry(b, SET_ENTRY, 2, 0, (TABLES + 3 * PAGE) | PTE_V | PTE_TF);
	add_entry(b, SET_ENTRY, 3, 0, pte);
	add_entry(b, SET_ENTRY, 3, 1, pte + PAGE);
	add_accesses(b, 0x0ff0);
	seed(name, b->data, b->len);
}

static void fuzz_seeds(void)
{
	const u64 rw = PTE_V | PTE_R | PTE_W;
	static struct bytes b;

	seed_leaf(&b, "vram", 0x800000 | rw | PTE_X);
	seed_leaf(&b, "bus", RAM_BASE | rw | PTE_S | 4ull << PTE_FRAGMENT_SHIFT);
	seed_leaf(&b, "hole", HOLE_BASE | rw | PTE_S);
	seed_leaf(&b, "prt", PTE_PRT);
	seed_leaf(&b, "no-retry", PTE_V | PTE_S | PTE_PRT);
	seed_leaf(&b, "outside", 0xfffffffff000ull | rw);

	begin_input(&b, 1);	/* depth 0: the root is the page table */
	add_entry(&b, SET_ENTRY, 0, 0, 0x800000 | rw);
	add_accesses(&b, 0);
	seed("flat", b.data, b.len);

	begin_input(&b, CONTEXT_CNTL);	/* a table that goes on in itself */
	add_entry(&b, SET_ENTRY, 0, 0, (TABLES + 1 * PAGE) | PTE_V);
	add_entry(&b, SET_ENTRY, 1, 0, (TABLES + 2 * PAGE) | PTE_V | 9ull << PDE_BFS_SHIFT);
	add_entry(&b, SET_ENTRY, 2, 0,
		  (TABLES + 2 * PAGE) | PTE_V | PTE_TF | 9ull << PDE_BFS_SHIFT);
	add_accesses(&b, 0);
	seed("loop", b.data, b.len);

	begin_input(&b, CONTEXT_CNTL);
	add_entry(&b, SET_ENTRY, 0, 0, RAM_BASE | PTE_V | PTE_S);	/* a directory in RAM */
	add_entry(&b, SET_BUS_ENTRY, 0, 0, 0x800000 | rw | PDE_PTE);	/* and a large leaf */
	add_accesses(&b, 0x1234000);
	seed("large", b.data, b.len);
}
