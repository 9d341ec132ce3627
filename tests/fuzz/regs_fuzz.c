// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a driver can do through the BARs: registers by index, by number and by any
 * BAR5 access, doorbells, VRAM, vectors; with the engines' threads running on what
 * that makes of them, and resets in between.
 *
 * Input: records of a byte that says what to do and its arguments.
 */
#include "sdma/sdma_4_4_2_offset.h"
#include "fuzz.h"

enum {
	WRITE_KNOWN, READ_KNOWN, WRITE_REG, READ_REG, WRITE_BAR, READ_BAR, DOORBELL, VRAM, VECTOR,
	WAIT, RESET, NUM_OPS
};

#define MAX_WAITS 4u
#define MAX_RESETS 2u

/* Every register that has a name, so that a short number finds one. */
static u32 *known;
static u32 num_known;

static void fuzz_start(void)
{
	known = malloc(sizeof(*known) << 20);
	must(known, "malloc");
	for (u32 reg = 0; reg < 1u << 26 && num_known < 1u << 20; reg++)
		if (reg_known(gpu, reg))
			known[num_known++] = reg;
}

static u32 known_reg(struct input *in)
{
	return known[take(in, 3) % num_known];
}

static void write_bar(struct input *in)
{
	u64 offset = take(in, 3);
	size_t len = take(in, 1) % 8 + 1;
	u64 value = take(in, 8);

	mmio_write(gpu, offset, &value, len);
}

static void read_bar(struct input *in)
{
	u64 offset = take(in, 3), value;
	size_t len = take(in, 1) % 8 + 1;

	mmio_read(gpu, offset, &value, len);
}

static void write_doorbell(struct input *in)
{
	u64 offset = take(in, 3);
	size_t len = take(in, 1) % 8 + 1;
	u64 value = take(in, 8);

	doorbell_write(gpu, offset, &value, len);
}

static void write_vram(struct input *in)
{
	u64 offset = take(in, 3);
	size_t len = take(in, 1);

	len = len < left(in) ? len : left(in);
	vram_write(gpu, offset, in->at, len);
	in->at += len;
}

static void raise_vector(struct input *in)
{
	struct ih_vector v = {
		.client_id = (u16)take(in, 1), .source_id = (u8)take(in, 1),
		.vmid = (u8)take(in, 1), .node_id = (u8)take(in, 1),
	};

	for (unsigned int i = 0; i < 4; i++)
		v.src_data[i] = (u32)take(in, 2);
	ih_raise(gpu, &v);
}

static void step(struct input *in, unsigned int op)
{
	u32 reg;

	switch (op) {
	case WRITE_KNOWN:
		reg = known_reg(in);
		reg_write(gpu, reg, (u32)take(in, 4));
		break;
	case READ_KNOWN:
		reg_read(gpu, known_reg(in));
		break;
	case WRITE_REG:
		reg = (u32)take(in, 4);
		reg_write(gpu, reg, (u32)take(in, 4));
		break;
	case READ_REG:
		reg_read(gpu, (u32)take(in, 4));
		break;
	case WRITE_BAR:
		write_bar(in);
		break;
	case READ_BAR:
		read_bar(in);
		break;
	case DOORBELL:
		write_doorbell(in);
		break;
	case VRAM:
		write_vram(in);
		break;
	case VECTOR:
		raise_vector(in);
		break;
	}
}

static void fuzz_one(const u8 *data, size_t size)
{
	unsigned int waits = 0, resets = 0;
	struct input in = { data, data + size };

	fuzz_reset();
	start_ih();
	fuzz_spaces();
	while (left(&in)) {
		unsigned int op = (unsigned int)take(&in, 1) % NUM_OPS;

		if (op == WAIT && waits++ < MAX_WAITS)
			pause_us(100);
		else if (op == RESET && resets++ < MAX_RESETS)
			gpu_reset(gpu);
		else
			step(&in, op);
	}
}

/* ---- seeds ---- */

static void add_reg(struct bytes *b, u32 reg, u32 value)
{
	add_value(b, WRITE_REG, 1);
	add_value(b, reg, 4);
	add_value(b, value, 4);
}

static void add_doorbell(struct bytes *b, u32 index, u64 value)
{
	add_value(b, DOORBELL, 1);
	add_value(b, index * 4, 3);
	add_value(b, 7, 1);
	add_value(b, value, 8);
}

static void seed_sdma(struct bytes *b)
{
	const u32 sdma = reg_base(gpu, HW_SDMA, 0, 0);
	const u64 ring = mc(0x20000);
	const u32 packet[] = { 5, ADDR(mc(0x48000)), 1 };

	b->len = 0;
	add_value(b, VRAM, 1);
	add_value(b, 0x20000, 3);
	add_value(b, sizeof(packet), 1);
	add(b, packet, sizeof(packet));
	add_reg(b, sdma + regSDMA_F32_CNTL, 0);
	add_reg(b, sdma + regSDMA_GFX_RB_BASE, (u32)(ring >> 8));
	add_reg(b, sdma + regSDMA_GFX_RB_BASE_HI, (u32)(ring >> 40));
	add_reg(b, sdma + regSDMA_GFX_DOORBELL, ~0u);
	add_reg(b, sdma + regSDMA_GFX_DOORBELL_OFFSET, 0x200 << 2);
	add_reg(b, sdma + regSDMA_GFX_RB_CNTL, 8 << 1 | 1);
	add_doorbell(b, 0x200, 16);
	add_value(b, WAIT, 1);
	add_reg(b, sdma + regSDMA_GFX_RB_CNTL, 0);
	add_reg(b, sdma + regSDMA_GFX_RB_WPTR, 32);
	add_reg(b, sdma + regSDMA_GFX_RB_WPTR_HI, 0);
	add_reg(b, sdma + regSDMA_GFX_RB_CNTL, 8 << 1 | 1);
	add_value(b, RESET, 1);
	seed("sdma", b->data, b->len);
}

static void fuzz_seeds(void)
{
	static struct bytes b;

	seed_sdma(&b);
	b.len = 0;
	for (u32 i = 0; i < 4; i++) {
		add_value(&b, VECTOR, 1);
		ADD_DWORDS(&b, 0x0200001b, 0x12340000, 0x80, 0);
	}
	add_doorbell(&b, CAM_BELL, 0);
	seed("vectors", b.data, b.len);
	b.len = 0;
	for (u32 offset = 0; offset < 0x80; offset += 4) {
		add_value(&b, offset & 4 ? WRITE_BAR : READ_BAR, 1);
		add_value(&b, offset, 3);
		add_value(&b, 3, 1);
		if (offset & 4)
			add_value(&b, offset << 8, 8);
	}
	seed("bar", b.data, b.len);
	b.len = 0;
	for (u32 i = 0; i < 64; i++) {
		add_value(&b, i & 1 ? WRITE_KNOWN : READ_KNOWN, 1);
		add_value(&b, i * 977, 3);
		if (i & 1)
			add_value(&b, i << 24 | 1, 4);
	}
	seed("known", b.data, b.len);
}
