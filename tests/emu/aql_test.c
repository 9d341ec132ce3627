// SPDX-License-Identifier: GPL-2.0-only
/* AQL queues of users: the packet processor, signals, and dispatches of the known kernels. */
#include "../../emu/kernels.h"
#include "cp_fixture.h"

enum { VENDOR, INVALID, DISPATCH, BARRIER_AND, AGENT_DISPATCH, BARRIER_OR };

#define SLOTS (1u << RING_LOG2 >> AQL_SHIFT)
#define READ_INDEX (USER_RING + PAGE)
#define WRITE_INDEX (USER_RING + PAGE + 8)
#define CODE_VA 0x700000ull	/* one page: kernels, then arguments */
#define ARGS_VA (CODE_VA + 0xc00)
#define SIGNAL_VA 0x710000ull	/* one page of signals, then mailboxes */
#define MAILBOX_VA (SIGNAL_VA + 0x800)
#define A_VA 0x800000ull	/* operands: pages from DATA on, with gaps at will */
#define B_VA 0x900000ull
#define DST_VA 0xa00000ull
#define UNMAPPED_VA 0xb00000ull
#define OPERAND_PAGES 4u
#define A_VRAM DATA
#define B_VRAM (DATA + OPERAND_PAGES * PAGE)
#define DST_VRAM (DATA + 2 * OPERAND_PAGES * PAGE)
#define STACK_SIZE 0x1000u

struct packet {
	u32 dw[AQL_DWORDS];
};

static u64 written;		/* packets */

static u64 code_va(enum kernel kernel)
{
	return CODE_VA + (u64)kernel * KERNEL_OBJECT_BYTES;
}

static u64 signal_va(u32 i)
{
	return SIGNAL_VA + 64ull * i;
}

static void set_signal(u32 i, s64 value, u64 mailbox, u32 event)
{
	set64(OUT + 64 * i + 8, (u64)value);
	set64(OUT + 64 * i + 16, mailbox);
	set32(OUT + 64 * i + 24, event);
}

static s64 signal_value(u32 i)
{
	return (s64)get64(OUT + 64 * i + 8);
}

static u32 mqd_reg(u32 reg)
{
	return USER_MQD + 4 * (MQD_HQD_START + reg - regCP_MQD_BASE_ADDR);
}

static void map_pages(u64 va, u64 vram, u32 n)
{
	for (u32 i = 0; i < n; i++)
		map_page(root, va + i * PAGE, PTE_VRAM(vram + i * PAGE));
}

static void put_kernels(void)
{
	for (u32 i = 0; i < NUM_KERNELS; i++) {
		u8 object[KERNEL_OBJECT_BYTES];

		kernel_object_build(object, (enum kernel)i);
		vram_write(gpu, IB + i * KERNEL_OBJECT_BYTES, object, sizeof(object));
	}
}

/* A process with kernels, signals and operands; its queue is not mapped yet. */
static bool begin_aql(void)
{
	if (!begin_hiq_on(1, 0))
		return false;
	written = 0;
	set32(mqd_reg(regCP_HQD_AQL_CONTROL), 1);
	set32(mqd_reg(regCP_HQD_CNTL_STACK_SIZE), STACK_SIZE);
	set32(mqd_reg(regCP_HQD_CNTL_STACK_OFFSET), STACK_SIZE);
	for (u32 i = 0; i < SLOTS; i++)
		set32(USER_RING + 64 * i, INVALID);
	map_page(root, CODE_VA, PTE_VRAM(IB) | PTE_X);
	put_kernels();
	map_page(root, SIGNAL_VA, PTE_VRAM(OUT));
	map_pages(A_VA, A_VRAM, OPERAND_PAGES);
	map_pages(B_VA, B_VRAM, OPERAND_PAGES);
	map_pages(DST_VA, DST_VRAM, OPERAND_PAGES);
	return true;
}

static void put_packet(u64 number, u16 type, const struct packet *packet)
{
	u64 slot = USER_RING + 64 * (number % SLOTS);

	for (u32 i = 1; i < AQL_DWORDS; i++)
		set32(slot + 4 * i, packet->dw[i]);
	set32(slot, (packet->dw[0] & 0xffff0000) | type);
}

static void ring_last(u64 last)
{
	ring_doorbell(USER_BELL, last);
}

static void add_packet(u16 type, const struct packet *packet)
{
	put_packet(written++, type, packet);
	set64(WRITE_INDEX, written);
	ring_last(written - 1);
}

static void set_addr(struct packet *packet, u32 dword, u64 value)
{
	packet->dw[dword] = LO(value);
	packet->dw[dword + 1] = HI(value);
}

static struct packet with_completion(u64 signal)
{
	struct packet packet = { { 0 } };

	set_addr(&packet, 14, signal);
	return packet;
}

static void put_args(u64 dst, u64 a, u64 b, u32 n)
{
	struct kernel_args args = { .dst = dst, .a = a, .b = b, .count = n };

	vram_write(gpu, IB + (ARGS_VA - CODE_VA), &args, sizeof(args));
}

static struct packet dispatch_of(enum kernel kernel, u32 workgroup, u32 grid, u64 signal)
{
	struct packet packet = with_completion(signal);

	packet.dw[0] = 1 << 16;
	packet.dw[1] = workgroup | 1 << 16;
	packet.dw[2] = 1;
	packet.dw[3] = grid;
	packet.dw[4] = 1;
	packet.dw[5] = 1;
	set_addr(&packet, 8, code_va(kernel));
	set_addr(&packet, 10, ARGS_VA);
	return packet;
}

static void dispatch(enum kernel kernel, u32 grid, u64 signal)
{
	struct packet packet = dispatch_of(kernel, 256, grid, signal);

	add_packet(DISPATCH, &packet);
}

static void barrier(u16 type, u64 dependency, u64 signal)
{
	struct packet packet = with_completion(signal);

	set_addr(&packet, 2, dependency);
	add_packet(type, &packet);
}

static void put_operands(u32 n)
{
	for (u32 i = 0; i < n; i++) {
		set32(A_VRAM + 4 * i, i * 3 + 1);
		set32(B_VRAM + 4 * i, i << 20);
	}
}

/* ---- the packet processor ---- */

static void a_slot_that_is_not_written_yet_is_waited_for(void)
{
	struct packet packet = with_completion(signal_va(0));

	CHECK(begin_aql());
	set_signal(0, 2, 0, 0);
	run_one_queue();
	CHECK_NO_BREAK();
	set64(WRITE_INDEX, 2);		/* both reserved, the second is faster */
	put_packet(1, BARRIER_AND, &packet);
	ring_last(1);
	WAIT_FOR(queue_is_off(&user_hqd()->queue) || atomic_load(&user_hqd()->queue.wptr) == 32);
	CHECK_EQ(signal_value(0), 2);
	put_packet(0, BARRIER_AND, &packet);
	ring_last(0);
	WAIT_FOR(get64(READ_INDEX) == 2);
	CHECK_EQ(signal_value(0), 0);
	CHECK_EQ(get32(USER_RING) & 0xff, INVALID);
	CHECK_EQ(get32(USER_RING + 64) & 0xff, INVALID);
	CHECK_EQ(verdicts(gpu, NULL), 0);
	end();
}

static void more_may_be_reserved_than_the_ring_holds(void)
{
	struct packet packet = with_completion(signal_va(0));

	CHECK(begin_aql());
	set_signal(0, 1, 0, 0);
	put_packet(0, BARRIER_AND, &packet);
	set64(WRITE_INDEX, 5 * SLOTS);
	run_one_queue();
	CHECK_NO_BREAK();
	WAIT_FOR(get64(READ_INDEX) == 1);
	CHECK_EQ(signal_value(0), 0);
	ring_last(~0ull);		/* nothing ahead, so nothing happens */
	ring_last(1ull << 40);
	put_packet(1, BARRIER_AND, &packet);
	ring_last(1);
	WAIT_FOR(get64(READ_INDEX) == 2);
	CHECK_EQ(verdicts(gpu, NULL), 0);
	end();
}

static void the_read_index_counts_on_when_the_ring_wraps_and_the_queue_moves(void)
{
	CHECK(begin_aql());
	set_signal(0, 5 * SLOTS, 0, 0);
	for (u32 round = 1; round <= 5; round++) {
		for (u32 i = 0; i < SLOTS; i++)
			barrier(BARRIER_AND, 0, signal_va(0));
		run_one_queue();
		CHECK_NO_BREAK();
		WAIT_FOR(get64(READ_INDEX) == round * SLOTS);
		unmap_all();
		CHECK_NO_BREAK();
		CHECK_EQ(get32(mqd_reg(regCP_HQD_AQL_DISPATCH_ID)), round * SLOTS);
	}
	CHECK_EQ(signal_value(0), 0);
	CHECK_EQ(verdicts(gpu, NULL), 0);
	end();
}

static void a_ring_smaller_than_a_packet_is_refused(void)
{
	CHECK(begin_aql());
	set32(mqd_reg(regCP_HQD_PQ_CONTROL), 2);
	run_one_queue();
	CHECK_NO_BREAK();
	CHECK_EQ(verdicts(gpu, "bad-queue"), 1);
	end();
}

static void what_is_no_packet_halts_the_queue(void)
{
	const struct { u16 type; struct packet packet; } cases[] = {
		{ AGENT_DISPATCH, { { 0 } } },
		{ 6, { { 0 } } },
		{ VENDOR, { { 0 } } },
		{ VENDOR, { { 3 << 16 } } },
		{ VENDOR, { { 1 << 16, 0xc0023e00, 0, 0, 0, 10 } } },
		{ VENDOR, { { 1 << 16, 0xc0023f00, 0, 0, 0, 9 } } },
		{ VENDOR, { { 1 << 16, 0xc0023f00, 2, 0, 0, 10 } } },
		{ VENDOR, { { 2 << 16 } } },
		{ VENDOR, { { 2 << 16, 0, SIGNAL_VA, 0, 0, 0, 0, 0, 4 } } },
		{ BARRIER_AND, { { 0, 0, SIGNAL_VA + 8 } } },
		{ BARRIER_AND, { { [14] = SIGNAL_VA + 8 } } },
	};

	for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
		CHECK(begin_aql());
		add_packet(cases[i].type, &cases[i].packet);
		run_one_queue();
		CHECK_NO_BREAK();
		WAIT_FOR(counted(gpu, "queue.halts") == 1);
		CHECK_EQ(verdicts(gpu, "bad-packet"), 1);
		CHECK_EQ(get64(READ_INDEX), 0);
	}
	end();
}

/* ---- signals ---- */

static void a_barrier_waits_for_all_its_signals(void)
{
	struct packet packet = with_completion(signal_va(5));

	CHECK(begin_aql());
	for (u32 i = 0; i < 5; i++) {
		set_signal(i, 1, 0, 0);
		set_addr(&packet, 2 + 2 * i, signal_va(i));
	}
	set_signal(5, 1, 0, 0);
	add_packet(BARRIER_AND, &packet);
	run_one_queue();
	CHECK_NO_BREAK();
	for (u32 i = 0; i < 5; i++) {
		WAIT_FOR(queue_is_executing(&user_hqd()->queue));
		CHECK_EQ(signal_value(5), 1);
		set_signal(4 - i, 0, 0, 0);
	}
	WAIT_FOR(signal_value(5) == 0);
	end();
}

static void a_barrier_or_waits_for_any_of_its_signals(void)
{
	struct packet packet = with_completion(signal_va(5));

	CHECK(begin_aql());
	for (u32 i = 0; i < 3; i++) {
		set_signal(i, 1, 0, 0);
		set_addr(&packet, 4 + 2 * i, signal_va(i));
	}
	set_signal(5, 2, 0, 0);
	add_packet(BARRIER_OR, &packet);
	run_one_queue();
	CHECK_NO_BREAK();
	WAIT_FOR(queue_is_executing(&user_hqd()->queue));
	CHECK_EQ(signal_value(5), 2);
	set_signal(1, 0, 0, 0);
	WAIT_FOR(signal_value(5) == 1);
	packet = with_completion(signal_va(5));
	add_packet(BARRIER_OR, &packet);	/* waits for nothing */
	WAIT_FOR(signal_value(5) == 0);
	end();
}

static void a_barrier_may_compare_a_signals_value(void)
{
	/* Condition, value, mask; what the signal has at first, and what ends the wait. */
	static const struct { u32 condition; s64 value, mask, before, after; } cases[] = {
		{ 0, 4, 0xf, 5, 0x34 }, { 1, 7, -1, 7, 8 }, { 2, -3, -1, 0, -4 }, { 3, 9, -1, 8, 9 },
	};

	CHECK(begin_aql());
	run_one_queue();
	CHECK_NO_BREAK();
	for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
		struct packet packet = with_completion(signal_va(1));

		set_signal(0, cases[i].before, 0, 0);
		set_signal(1, 1, 0, 0);
		packet.dw[0] = 2 << 16;
		set_addr(&packet, 2, signal_va(0));
		set_addr(&packet, 4, (u64)cases[i].value);
		set_addr(&packet, 6, (u64)cases[i].mask);
		packet.dw[8] = cases[i].condition;
		add_packet(VENDOR, &packet);
		WAIT_FOR(queue_is_executing(&user_hqd()->queue));
		CHECK_EQ(signal_value(1), 1);
		set_signal(0, cases[i].after, 0, 0);
		WAIT_FOR(signal_value(1) == 0);
	}
	CHECK_EQ(verdicts(gpu, NULL), 0);
	end();
}

static void a_waiting_barrier_can_be_unmapped_and_waits_on(void)
{
	CHECK(begin_aql());
	set_signal(0, 1, 0, 0);
	set_signal(1, 1, 0, 0);
	barrier(BARRIER_AND, signal_va(0), signal_va(1));
	run_one_queue();
	CHECK_NO_BREAK();
	WAIT_FOR(queue_is_executing(&user_hqd()->queue));
	unmap_all();
	CHECK_NO_BREAK();
	set_signal(0, 0, 0, 0);
	CHECK_EQ(signal_value(1), 1);
	run_one_queue();
	CHECK_NO_BREAK();
	WAIT_FOR(signal_value(1) == 0);
	end();
}

static void a_completion_tells_the_host(void)
{
	const u32 *v = NULL;

	CHECK(begin_aql());
	for (u32 i = 0; i < 2 * CP_NUM_PIPE; i++)
		reg_write(gpu, GC(regCP_ME1_PIPE0_INT_CNTL) + i,
			  CPC_INT_CNTL__TIME_STAMP_INT_ENABLE_MASK);
	set_signal(0, 1, MAILBOX_VA, 0x77);
	set64(OUT + (MAILBOX_VA - SIGNAL_VA), ~0ull);
	barrier(BARRIER_AND, 0, signal_va(0));
	run_one_queue();
	CHECK_NO_BREAK();
	WAIT_FOR((v = next_vector()));
	CHECK_EQ(v[0] >> 8 & 0xff, CP_INT_EOP);
	CHECK_EQ(v[0] >> 24, VMID);
	CHECK_EQ(v[3] & 0xffff, PASID);
	CHECK_EQ(v[4], 0x77);
	CHECK_EQ(signal_value(0), 0);
	CHECK_EQ(get64(OUT + (MAILBOX_VA - SIGNAL_VA)), 0x77);
	end();
}

/* ---- vendor packets ---- */

static void a_vendor_packet_runs_pm4_without_rights(void)
{
	struct packet packet = with_completion(signal_va(0));

	CHECK(begin_aql());
	set_signal(0, 1, 0, 0);
	PUT(IB + (ARGS_VA - CODE_VA), PACKET3(0x37, 3), 5 << 8, ADDR(DST_VA), 0x5a5a,
	    PACKET3(0x37, 3), 0, regGRBM_GFX_CNTL + 0x2000, 0, 0x123);
	packet.dw[0] = 1 << 16;
	packet.dw[1] = PACKET3(0x3f, 2);
	set_addr(&packet, 2, ARGS_VA);
	packet.dw[4] = 10 | 1 << 23;
	packet.dw[5] = 10;
	add_packet(VENDOR, &packet);
	run_one_queue();
	CHECK_NO_BREAK();
	WAIT_FOR(signal_value(0) == 0);
	CHECK_EQ(get32(DST_VRAM), 0x5a5a);
	CHECK_EQ(counted(gpu, "cp.register_writes_refused"), 1);
	CHECK_EQ(verdicts(gpu, NULL), 0);
	end();
}

/* ---- dispatches ---- */

static void the_kernels_do_what_their_code_says(void)
{
	const u32 n = 2 * PAGE / 4 + 13;

	CHECK(begin_aql());
	set_signal(0, 3, 0, 0);
	put_operands(n + 1);
	run_one_queue();
	CHECK_NO_BREAK();
	/* One more work-item than dwords, the last workgroup not full; operands apart. */
	put_args(DST_VA + 8, A_VA + 4, 0, n);
	dispatch(KERNEL_COPY, n + 1, signal_va(0));
	WAIT_FOR(signal_value(0) == 2);
	for (u32 i = 0; i < n; i++)
		CHECK_EQ(get32(DST_VRAM + 8 + 4 * i), (i + 1) * 3 + 1);
	CHECK_EQ(get32(DST_VRAM + 4), 0);
	CHECK_EQ(get32(DST_VRAM + 8 + 4 * n), 0);
	put_args(DST_VA, A_VA, B_VA + 4, n);
	dispatch(KERNEL_ADD, n, signal_va(0));
	WAIT_FOR(signal_value(0) == 1);
	for (u32 i = 0; i < n; i++)
		CHECK_EQ(get32(DST_VRAM + 4 * i), (i * 3 + 1) + ((i + 1) << 20));
	/* Fewer work-items than dwords. */
	put_args(DST_VA, 0, 0xf1f1f1f1, n);
	dispatch(KERNEL_FILL, n - 5, signal_va(0));
	WAIT_FOR(signal_value(0) == 0);
	for (u32 i = 0; i < n - 5; i++)
		CHECK_EQ(get32(DST_VRAM + 4 * i), 0xf1f1f1f1);
	CHECK_EQ(get32(DST_VRAM + 4 * (n - 5)), ((n - 5) * 3 + 1) + ((n - 4) << 20));
	CHECK_EQ(counted(gpu, "cp.dispatches"), 3);
	CHECK_EQ(verdicts(gpu, NULL), 0);
	end();
}

static void unknown_code_is_refused(void)
{
	static const u32 changed[] = {
		KERNEL_ENTRY_OFFSET, KERNEL_RSRC1, KERNEL_RSRC2, KERNEL_PROPERTIES,
		KERNEL_CODE_ALIGN, KERNEL_CODE_ALIGN + sizeof(kernel_copy_code) - 4,
	};

	for (u32 i = 0; i < ARRAY_SIZE(changed); i++) {
		CHECK(begin_aql());
		put_args(DST_VA, A_VA, 0, 16);
		set32(IB + changed[i], get32(IB + changed[i]) + 64);
		dispatch(KERNEL_COPY, 16, 0);
		run_one_queue();
		CHECK_NO_BREAK();
		WAIT_FOR(counted(gpu, "queue.halts") == 1);
		CHECK_EQ(verdicts(gpu, "unknown-kernel"), 1);
		CHECK_EQ(verdicts(gpu, NULL), 1);
		CHECK_EQ(counted(gpu, "cp.dispatches"), 0);
	}
	end();
}

static void code_must_be_executable(void)
{
	CHECK(begin_aql());
	map_page(root, CODE_VA, PTE_VRAM(IB));
	put_args(DST_VA, A_VA, 0, 16);
	dispatch(KERNEL_COPY, 16, 0);
	run_one_queue();
	CHECK_NO_BREAK();
	WAIT_FOR(next_vector());
	CHECK_EQ(counted(gpu, "cp.dispatches"), 0);
	end();
}

static void dispatches_that_compute_units_would_not_run_are_refused(void)
{
	/* A dword of the packet and what is wrong in it. */
	static const struct { u32 dword, value; } cases[] = {
		{ 0, 2 << 16 }, { 1, 64 | 2 << 16 }, { 1, 0 | 1 << 16 }, { 1, 1025 | 1 << 16 },
		{ 2, 2 }, { 3, 0 }, { 4, 2 }, { 5, 0 }, { 6, 4 }, { 7, 4 }, { 8, CODE_VA + 32 },
	};

	for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
		struct packet packet = dispatch_of(KERNEL_COPY, 64, 16, 0);

		CHECK(begin_aql());
		put_args(DST_VA, A_VA, 0, 16);
		packet.dw[cases[i].dword] = cases[i].value;
		add_packet(DISPATCH, &packet);
		run_one_queue();
		CHECK_NO_BREAK();
		WAIT_FOR(counted(gpu, "queue.halts") == 1);
		CHECK_EQ(verdicts(gpu, "bad-packet"), 1);
	}
	CHECK(begin_aql());
	put_args(DST_VA + 2, A_VA, 0, 16);
	dispatch(KERNEL_COPY, 16, 0);
	run_one_queue();
	CHECK_NO_BREAK();
	WAIT_FOR(verdicts(gpu, "bad-packet") == 1);
	end();
}

static void a_dispatch_waits_for_its_pages(void)
{
	const u32 n = 3 * PAGE / 4;

	CHECK(begin_aql());
	set_signal(0, 1, 0, 0);
	put_operands(n);
	map_page(root, A_VA + PAGE, 0);
	map_page(root, DST_VA + 2 * PAGE, 0);
	put_args(DST_VA, A_VA, 0, n);
	dispatch(KERNEL_COPY, n, signal_va(0));
	run_one_queue();
	CHECK_NO_BREAK();
	for (u32 i = 1; i <= 2; i++) {
		const u32 *v = NULL;

		WAIT_FOR((v = next_vector()));
		CHECK_EQ(fault_address(v), i == 1 ? A_VA + PAGE : DST_VA + 2 * PAGE);
		map_page(root, fault_address(v),
			 PTE_VRAM(i == 1 ? A_VRAM + PAGE : DST_VRAM + 2 * PAGE));
		answer_fault(v);
	}
	WAIT_FOR(signal_value(0) == 0);
	for (u32 i = 0; i < n; i++)
		CHECK_EQ(get32(DST_VRAM + 4 * i), i * 3 + 1);
	CHECK_EQ(verdicts(gpu, NULL), 0);
	end();
}

/* In place: what ran twice would show. */
static void start_interrupted_add(u32 n, const u32 **vector)
{
	put_operands(n);
	map_page(root, A_VA + 2 * PAGE, 0);
	put_args(A_VA, A_VA, B_VA, n);
	dispatch(KERNEL_ADD, n, signal_va(0));
	run_one_queue();
	CHECK_NO_BREAK();
	*vector = NULL;
	WAIT_FOR((*vector = next_vector()));
	CHECK_EQ(fault_address(*vector), A_VA + 2 * PAGE);
	unmap_all();
}

static void an_interrupted_dispatch_goes_on_where_it_was(void)
{
	const u32 n = 3 * PAGE / 4 + 100;
	const u32 *v;

	CHECK(begin_aql());
	set_signal(0, 1, 0, 0);
	start_interrupted_add(n, &v);
	CHECK_NO_BREAK();
	CHECK_EQ(get32(mqd_reg(regCP_HQD_CNTL_STACK_OFFSET)), STACK_SIZE - 16);
	CHECK_EQ(get64(USER_MQD + PAGE + STACK_SIZE - 16), 2 * PAGE / 4);
	map_page(root, A_VA + 2 * PAGE, PTE_VRAM(A_VRAM + 2 * PAGE));
	answer_fault(v);
	run_one_queue();
	CHECK_NO_BREAK();
	WAIT_FOR(signal_value(0) == 0);
	CHECK_EQ(counted(gpu, "cp.packets_resumed"), 1);
	for (u32 i = 0; i < n; i++)
		CHECK_EQ(get32(A_VRAM + 4 * i), (i * 3 + 1) + (i << 20));
	/* What is left of it must not be taken for the next packet's. */
	unmap_all();
	CHECK_NO_BREAK();
	CHECK_EQ(get32(mqd_reg(regCP_HQD_CNTL_STACK_OFFSET)), STACK_SIZE);
	CHECK_EQ(verdicts(gpu, NULL), 0);
	end();
}

static void without_a_control_stack_an_interrupted_dispatch_is_lost(void)
{
	const u32 *v;

	CHECK(begin_aql());
	set32(mqd_reg(regCP_HQD_CNTL_STACK_SIZE), 0);
	set32(mqd_reg(regCP_HQD_CNTL_STACK_OFFSET), 0);
	start_interrupted_add(3 * PAGE / 4, &v);
	CHECK_NO_BREAK();
	CHECK_EQ(verdicts(gpu, "dispatch-lost"), 1);
	end();
}

static void a_packet_interrupted_at_its_signal_does_not_run_again(void)
{
	const u32 n = 100;
	const u32 *v = NULL;

	CHECK(begin_aql());
	set_signal(0, 1, 0, 0);
	put_operands(n);
	put_args(A_VA, A_VA, B_VA, n);
	dispatch(KERNEL_ADD, n, UNMAPPED_VA);
	run_one_queue();
	CHECK_NO_BREAK();
	WAIT_FOR((v = next_vector()));
	CHECK_EQ(fault_address(v), UNMAPPED_VA);
	unmap_all();
	CHECK_NO_BREAK();
	map_page(root, UNMAPPED_VA, PTE_VRAM(OUT));
	answer_fault(v);
	run_one_queue();
	CHECK_NO_BREAK();
	WAIT_FOR(signal_value(0) == 0);
	WAIT_FOR(get64(READ_INDEX) == 1);
	for (u32 i = 0; i < n; i++)
		CHECK_EQ(get32(A_VRAM + 4 * i), (i * 3 + 1) + (i << 20));
	end();
}

/* The driver's answer to a fault that nothing can resolve. */
static void a_dispatch_that_may_not_have_its_memory_hangs_the_queue(void)
{
	const u32 *v = NULL;

	CHECK(begin_aql());
	set_signal(0, 1, 0, 0);
	put_args(UNMAPPED_VA, A_VA, 0, 16);
	dispatch(KERNEL_COPY, 16, signal_va(0));
	run_one_queue();
	CHECK_NO_BREAK();
	WAIT_FOR((v = next_vector()));
	map_page(root, UNMAPPED_VA, PTE_V | PTE_S | PTE_PRT);
	answer_fault(v);
	WAIT_FOR(counted(gpu, "queue.halts") == 1);
	CHECK_EQ(signal_value(0), 1);
	CHECK_EQ(counted(gpu, "cp.dispatches"), 0);
	end();
}

static void without_xnack_a_dispatch_does_not_wait_for_its_pages(void)
{
	u32 n;

	CHECK(begin_aql());
	put_args(UNMAPPED_VA, A_VA, 0, 16);
	dispatch(KERNEL_COPY, 16, 0);
	n = put_process(RUNLIST, PASID, root);
	set32(RUNLIST + 4 * 5, SH_MEM_CONFIG__RETRY_DISABLE_MASK);
	n += put_queue(RUNLIST + 4 * n, USER_MQD, USER_BELL, 0, USER_VA + PAGE + 8);
	run_list(n);
	CHECK_NO_BREAK();
	WAIT_FOR(counted(gpu, "queue.halts") == 1);
	CHECK_EQ(counted(gpu, "vm.retry_faults"), 0);
	CHECK_EQ(counted(gpu, "cp.dispatches"), 0);
	end();
}

int main(void)
{
	CASE(a_slot_that_is_not_written_yet_is_waited_for);
	CASE(more_may_be_reserved_than_the_ring_holds);
	CASE(the_read_index_counts_on_when_the_ring_wraps_and_the_queue_moves);
	CASE(a_ring_smaller_than_a_packet_is_refused);
	CASE(what_is_no_packet_halts_the_queue);
	CASE(a_barrier_waits_for_all_its_signals);
	CASE(a_barrier_or_waits_for_any_of_its_signals);
	CASE(a_barrier_may_compare_a_signals_value);
	CASE(a_waiting_barrier_can_be_unmapped_and_waits_on);
	CASE(a_completion_tells_the_host);
	CASE(a_vendor_packet_runs_pm4_without_rights);
	CASE(the_kernels_do_what_their_code_says);
	CASE(unknown_code_is_refused);
	CASE(code_must_be_executable);
	CASE(dispatches_that_compute_units_would_not_run_are_refused);
	CASE(a_dispatch_waits_for_its_pages);
	CASE(an_interrupted_dispatch_goes_on_where_it_was);
	CASE(without_a_control_stack_an_interrupted_dispatch_is_lost);
	CASE(a_packet_interrupted_at_its_signal_does_not_run_again);
	CASE(a_dispatch_that_may_not_have_its_memory_hangs_the_queue);
	CASE(without_xnack_a_dispatch_does_not_wait_for_its_pages);
	return DONE();
}
