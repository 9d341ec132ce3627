// SPDX-License-Identifier: GPL-2.0-only
/*
 * SDMA packets of a kernel's ring, a kernel's indirect buffer or a user's queue.
 *
 * Input: a byte that chooses the stream, 16 bits of length of what lies at IB, that,
 * and the packets.
 */
#include "sdma/sdma_4_4_2_offset.h"
#include "../../emu/sdma.h"
#include "fuzz.h"

#define RING 0x20000u
#define IB 0x30000u
#define DATA 0x48000u
#define RING_DWORDS 4096u

enum { KERNEL, USER_FATAL, USER_RETRY, NUM_STREAMS };

/*
 * Contexts of the fuzzer's own: a packet may write the registers of the engine's and
 * start their threads.
 */
static struct sdma_context context[NUM_STREAMS];

static void fuzz_start(void)
{
	struct sdma_engine *engine = &gpu->sdma->engine[0];

	for (unsigned int i = 0; i < NUM_STREAMS; i++) {
		const struct sdma_context *like = &engine->context[i != KERNEL];

		context[i].engine = engine;
		context[i].index = like->index;
		context[i].base = like->base;
		must(!queue_init(&context[i].queue, gpu, like->queue.ops, TRACE_SDMA, "fuzz"),
		     "queue_init");
		context[i].queue.port = like->queue.port;
		context[i].queue.port.name = context[i].queue.name;
	}
	watch_start();
}

static void fuzz_one(const u8 *data, size_t size)
{
	struct input in = { data, data + size };
	unsigned int kind = (unsigned int)take(&in, 1) % NUM_STREAMS;
	u64 ib_len = take(&in, 2);
	struct stream ring = { .queue = &context[kind].queue, .size = RING_DWORDS };

	fuzz_reset();
	start_ih();
	fuzz_spaces();
	reg_store(gpu, REG(gpu, HW_SDMA, 0, regSDMA_GFX_IB_CNTL), 1);
	ib_len = ib_len < left(&in) ? ib_len : left(&in);
	vram_write(gpu, IB, in.at, ib_len);
	in.at += ib_len;
	ring.end = left(&in) / 4 < RING_DWORDS ? left(&in) / 4 : RING_DWORDS;
	vram_write(gpu, RING, in.at, 4 * ring.end);
	if (kind != KERNEL) {
		ring.vmid = kind == USER_FATAL ? VMID_FATAL : VMID_RETRY;
		ring.base = SPACE_VRAM;
		vram_write(gpu, 0x40000, in.at, 4 * (ring.end < 2048 ? ring.end : 2048));
	} else {
		ring.base = mc(RING);
		ring.privileged = true;
	}
	run_stream(&context[kind].queue, &ring);
}

/* One packet of each kind, at addresses of the stream's own. */
static void packets(struct bytes *b, u64 dst, u64 src)
{
	ADD_DWORDS(b, 0);
	ADD_DWORDS(b, 0x20000, 0, 0);				/* NOP of three dwords */
	ADD_DWORDS(b, 1, 4095, 0, ADDR(src), ADDR(dst));	/* linear copy */
	ADD_DWORDS(b, 1 | 1u << 27, 64, 0, ADDR(src), ADDR(dst), ADDR(dst + 256));
	ADD_DWORDS(b, 1 | 4 << 8 | 2u << 29, ADDR(src), 0, 7 << 13, 63, ADDR(dst), 0, 7 << 13, 63,
		   3 | 3 << 16, 1);
	ADD_DWORDS(b, 2, ADDR(dst), 1, 0x11, 0x22);		/* write */
	ADD_DWORDS(b, 5, ADDR(dst), 0x1234);			/* fence */
	ADD_DWORDS(b, 6, 0);					/* trap */
	ADD_DWORDS(b, 8 | 3u << 28 | 1u << 31, ADDR(dst), 0x1234, ~0u, 0xfff0004);
	ADD_DWORDS(b, 8 | 1u << 8, 0x3000, ADDR(dst));
	ADD_DWORDS(b, 9, ADDR(dst), 1, 2);			/* conditional */
	ADD_DWORDS(b, 10 | 15u << 25, ADDR(dst), 1, 0, 0, 0, 0);
	ADD_DWORDS(b, 11 | 2u << 30, ADDR(dst), 0xaa55aa55, 255);
	ADD_DWORDS(b, 12, ADDR(dst), 0x71, 0, 0, 0, 4096, 0, 8);
	ADD_DWORDS(b, 13 | 2 << 8, ADDR(dst));
	ADD_DWORDS(b, 14 | 15u << 28, 0x1000, 1);		/* register write */
	ADD_DWORDS(b, 15, 2);
	ADD_DWORDS(b, 16, 0);
}

static void fuzz_seeds(void)
{
	static struct bytes b, ib;

	for (u32 kind = 0; kind < NUM_STREAMS; kind++) {
		char name[32];

		b.len = 0;
		add_value(&b, kind, 1);
		add_value(&b, 0, 2);
		if (kind == KERNEL)
			packets(&b, mc(DATA), mc(DATA + 0x1000));
		else
			packets(&b, SPACE_RAM, SPACE_RAM + PAGE);
		snprintf(name, sizeof(name), "packets-%u", kind);
		seed(name, b.data, b.len);
	}
	for (u64 page = SPACE_READ_ONLY; page <= SPACE_OUTSIDE; page += PAGE) {
		char name[32];

		b.len = 0;
		add_value(&b, page == SPACE_NOTHING ? USER_RETRY : USER_FATAL, 1);
		add_value(&b, 0, 2);
		ADD_DWORDS(&b, 1, 8191, 0, ADDR(SPACE_RAM), ADDR(page - 16));
		ADD_DWORDS(&b, 1, 8191, 0, ADDR(page - 16), ADDR(SPACE_RAM));
		snprintf(name, sizeof(name), "page-%llu", (page - SPACE) / PAGE);
		seed(name, b.data, b.len);
	}
	ib.len = 0;
	packets(&ib, SPACE_RAM, SPACE_RAM + PAGE);
	b.len = 0;
	add_value(&b, KERNEL, 1);
	add_value(&b, ib.len, 2);
	add(&b, ib.data, ib.len);
	ADD_DWORDS(&b, 0, 0, 4 | VMID_FATAL << 16, ADDR(SPACE_VRAM), (u32)ib.len / 4, 0, 0);
	ADD_DWORDS(&b, 0, 0, 4, ADDR(mc(IB)), (u32)ib.len / 4, 0, 0);
	seed("indirect", b.data, b.len);
}
