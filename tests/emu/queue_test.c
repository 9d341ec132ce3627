// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queues by themselves, with an engine of our own whose packets are two dwords:
 * what to do, and an argument.
 */
#include "engine_fixture.h"

enum {
	DO_LOG = 1,		/* append the argument to the log */
	DO_WAIT,		/* until the gate is open */
	DO_TOUCH,		/* write to the argument's page in VMID 1 */
	DO_CALL,		/* the indirect buffer at VRAM offset ARG, 4 packets */
	DO_RETRY,		/* -EAGAIN until the gate is open */
	DO_BAD,
};

#define RING 0x10000u		/* VRAM */
#define IB 0x20000u
#define WPTR 0x30000u
#define RING_DWORDS 64u
#define BELL 0x40u
#define PROCESS_BELL 0x1000u
#define LOG_SIZE 256

static struct queue queue, other;
static atomic_uint log_len, parks, gate;
static u32 log_value[LOG_SIZE];
static _Atomic u64 reported;

static int test_packet(struct queue *q, struct stream *s)
{
	u32 dw[2];
	int ret = stream_read(s, dw, 2);

	if (ret)
		return ret;
	switch (dw[0]) {
	case DO_LOG:
		log_value[atomic_load(&log_len) % LOG_SIZE] = dw[1];
		atomic_fetch_add(&log_len, 1);
		return 0;
	case DO_WAIT:
		while (!ret && !atomic_load(&gate))
			ret = queue_sleep(q, 1000);
		return ret;
	case DO_TOUCH:
		ret = vm_write(&q->port, 1, (u64)dw[1] << 12, dw, 4);
		return ret;
	case DO_CALL:
		return queue_run_ib(s, mc(dw[1]), 8, 0, false);
	case DO_RETRY:
		return atomic_load(&gate) ? 0 : -EAGAIN;
	}
	return queue_bad_packet(s, dw[0], "test");
}

static void test_report(struct queue *q, u64 rptr)
{
	(void)q;
	atomic_store(&reported, rptr);
}

static u64 test_wptr(struct queue *q, u64 raw)
{
	(void)q;
	return raw;
}

static void test_parked(struct queue *q)
{
	(void)q;
	atomic_fetch_add(&parks, 1);
}

static const struct queue_ops ops = {
	.packet = test_packet, .report = test_report, .wptr = test_wptr, .parked = test_parked,
};

static struct queue_config config;
static bool running;		/* a case that failed has not ended itself */

static void end(void)
{
	if (!running)
		return;
	queue_fini(&queue);
	queue_fini(&other);
	gpu_stop();
	running = false;
}

static bool begin(void)
{
	end();
	running = true;
	atomic_store(&log_len, 0);
	atomic_store(&parks, 0);
	atomic_store(&gate, 0);
	atomic_store(&reported, ~0ull);
	config = (struct queue_config){ .base = 0, .size = RING_DWORDS, .set_wptr = true };
	if (!gpu_start(1) || queue_init(&queue, gpu, &ops, TRACE_CP, "test") ||
	    queue_init(&other, gpu, &ops, TRACE_CP, "other"))
		return false;
	queue.port.retry = other.port.retry = true;
	config.base = mc(RING);
	return true;
}

/* Packet @n of a ring or buffer at @base. */
static void put(u64 base, u32 n, u32 what, u32 arg)
{
	set32(base + 8 * (n % (RING_DWORDS / 2)), what);
	set32(base + 8 * (n % (RING_DWORDS / 2)) + 4, arg);
}

static bool log_is(u32 first, u32 len)
{
	if (atomic_load(&log_len) != len)
		return false;
	for (u32 i = 0; i < len; i++)
		if (log_value[i % LOG_SIZE] != first + i)
			return false;
	return true;
}

static void packets_run_in_order_and_the_position_is_reported(void)
{
	CHECK(begin());
	for (u32 i = 0; i < 10; i++)
		put(RING, i, DO_LOG, 100 + i);
	queue_start(&queue, &config);
	queue_set_wptr(&queue, 20);
	WAIT_FOR(atomic_load(&reported) == 20);
	CHECK(log_is(100, 10));
	WAIT_FOR(queue_is_idle(&queue));
	CHECK(!queue_is_off(&queue));
	end();
}

static void positions_count_on_when_the_ring_wraps(void)
{
	CHECK(begin());
	queue_start(&queue, &config);
	for (u32 i = 0; i < 100; i++) {
		put(RING, i, DO_LOG, i);
		queue_set_wptr(&queue, 2 * (i + 1));
		WAIT_FOR(atomic_load(&queue.rptr) == 2 * (i + 1));
	}
	CHECK(log_is(0, 100));
	CHECK_EQ(verdicts(gpu, NULL), 0);
	end();
}

static void work_set_before_the_start_is_done(void)
{
	CHECK(begin());
	put(RING, 0, DO_LOG, 7);
	config.wptr = 2;
	queue_start(&queue, &config);
	WAIT_FOR(log_is(7, 1));
	end();
}

static void stopping_interrupts_a_packet_that_waits_and_repeats_it_later(void)
{
	CHECK(begin());
	put(RING, 0, DO_LOG, 0);
	put(RING, 1, DO_WAIT, 0);
	put(RING, 2, DO_LOG, 1);
	config.wptr = 6;
	queue_start(&queue, &config);
	WAIT_FOR(atomic_load(&queue.rptr) == 2);
	CHECK(!queue_is_idle(&queue));
	queue_stop(&queue);
	CHECK_EQ(queue_wait_off(&queue, NULL), 0);
	CHECK_EQ(atomic_load(&parks), 1);
	CHECK_EQ(atomic_load(&queue.rptr), 2);
	atomic_store(&gate, 1);
	config.keep_rptr = true;
	queue_start(&queue, &config);
	WAIT_FOR(log_is(0, 2));
	end();
}

static void a_start_while_stopping_takes_effect_after_parking(void)
{
	CHECK(begin());
	put(RING, 0, DO_WAIT, 0);
	put(RING, 1, DO_LOG, 5);
	config.wptr = 4;
	queue_start(&queue, &config);
	WAIT_FOR(queue_is_executing(&queue));
	queue_stop(&queue);
	atomic_store(&gate, 1);
	config.keep_rptr = true;
	queue_start(&queue, &config);
	WAIT_FOR(log_is(5, 1));
	CHECK_EQ(atomic_load(&parks), 1);
	end();
}

static void a_write_pointer_beyond_the_ring_is_an_overrun(void)
{
	CHECK(begin());
	queue_start(&queue, &config);
	queue_set_wptr(&queue, RING_DWORDS + 2);
	WAIT_FOR(verdicts(gpu, "ring-overrun") == 1);
	WAIT_FOR(queue_is_executing(&queue));
	queue_stop(&queue);
	CHECK_EQ(queue_wait_off(&queue, NULL), 0);
	end();
}

static void a_packet_that_goes_on_behind_the_write_pointer_is_an_overrun(void)
{
	CHECK(begin());
	put(RING, 0, DO_LOG, 5);
	config.wptr = 1;
	queue_start(&queue, &config);
	WAIT_FOR(verdicts(gpu, "ring-overrun") == 1);
	CHECK_EQ(atomic_load(&log_len), 0);
	CHECK_EQ(atomic_load(&queue.rptr), 0);
	end();
}

static void a_bad_packet_halts_its_queue_until_it_is_stopped(void)
{
	CHECK(begin());
	put(RING, 0, DO_BAD, 0);
	put(RING, 1, DO_LOG, 0);
	config.wptr = 4;
	queue_start(&queue, &config);
	WAIT_FOR(verdicts(gpu, "bad-packet") == 1);
	WAIT_FOR(counted(gpu, "queue.halts") == 1);
	CHECK(!queue_is_idle(&queue));
	queue_kick(&queue);
	CHECK_EQ(atomic_load(&log_len), 0);
	queue_stop(&queue);
	CHECK_EQ(queue_wait_off(&queue, NULL), 0);
	config.rptr = 2;
	queue_start(&queue, &config);
	WAIT_FOR(log_is(0, 1));
	end();
}

static void indirect_buffers_that_call_themselves_are_refused(void)
{
	CHECK(begin());
	put(RING, 0, DO_CALL, IB);
	put(IB, 0, DO_CALL, IB);
	config.wptr = 2;
	queue_start(&queue, &config);
	WAIT_FOR(verdicts(gpu, "bad-packet") == 1);
	end();
}

static void an_interrupted_indirect_buffer_goes_on_where_it_was(void)
{
	CHECK(begin());
	put(RING, 0, DO_CALL, IB);
	put(IB, 0, DO_LOG, 0);
	put(IB, 1, DO_LOG, 1);
	put(IB, 2, DO_WAIT, 0);
	put(IB, 3, DO_LOG, 2);
	config.wptr = 2;
	queue_start(&queue, &config);
	WAIT_FOR(atomic_load(&log_len) == 2);
	queue_stop(&queue);
	CHECK_EQ(queue_wait_off(&queue, NULL), 0);
	CHECK_EQ(queue.resume.ib_pos, 4);
	CHECK_EQ(atomic_load(&queue.rptr), 0);
	atomic_store(&gate, 1);
	config.keep_rptr = true;
	queue_start(&queue, &config);
	WAIT_FOR(atomic_load(&queue.rptr) == 2);
	CHECK(log_is(0, 3));
	end();
}

static void a_queue_that_waits_for_a_fault_stops_nobody_else(void)
{
	CHECK(begin());
	new_space(1, 0, 0x8001);
	put(RING, 0, DO_TOUCH, 0x123);
	put(IB, 0, DO_LOG, 9);
	config.wptr = 2;
	queue_start(&queue, &config);
	WAIT_FOR(counted(gpu, "vm.retry_faults") == 1);
	config.base = mc(IB);
	queue_start(&other, &config);
	WAIT_FOR(log_is(9, 1));
	CHECK_EQ(atomic_load(&queue.rptr), 0);
	queue_stop(&queue);
	CHECK_EQ(queue_wait_off(&queue, NULL), 0);
	CHECK_EQ(atomic_load(&queue.rptr), 0);
	end();
}

static void a_paused_queue_goes_on_when_resumed(void)
{
	CHECK(begin());
	queue_pause(&queue, true);
	put(RING, 0, DO_LOG, 3);
	config.wptr = 2;
	queue_start(&queue, &config);
	put(IB, 0, DO_LOG, 3);
	config.base = mc(IB);
	queue_start(&other, &config);
	WAIT_FOR(atomic_load(&other.rptr) == 2);
	CHECK_EQ(atomic_load(&queue.rptr), 0);
	queue_pause(&queue, false);
	WAIT_FOR(atomic_load(&queue.rptr) == 2);
	end();
}

static void a_packet_may_ask_to_be_called_again_when_kicked(void)
{
	CHECK(begin());
	put(RING, 0, DO_RETRY, 0);
	put(RING, 1, DO_LOG, 1);
	config.wptr = 4;
	queue_start(&queue, &config);
	WAIT_FOR(!queue_is_executing(&queue) && !queue_is_off(&queue));
	CHECK_EQ(atomic_load(&log_len), 0);
	atomic_store(&gate, 1);
	queue_kick(&queue);
	WAIT_FOR(log_is(1, 1));
	end();
}

static void the_write_pointer_may_be_polled_in_memory(void)
{
	CHECK(begin());
	put(RING, 0, DO_LOG, 4);
	set64(WPTR, 0);
	config.poll_addr = mc(WPTR);
	queue_start(&queue, &config);
	set64(WPTR, 2);
	WAIT_FOR(log_is(4, 1));
	end();
}

static void a_wrapped_read_pointer_is_completed_by_the_write_pointer(void)
{
	CHECK(begin());
	put(RING, 1000, DO_LOG, 0);
	put(RING, 1001, DO_LOG, 1);
	config.rptr_wraps = true;
	config.rptr = 2000 % RING_DWORDS;
	config.wptr = 2004;
	queue_start(&queue, &config);
	WAIT_FOR(atomic_load(&queue.rptr) == 2004);
	CHECK(log_is(0, 2));
	CHECK_EQ(verdicts(gpu, NULL), 0);
	end();
}

static void a_fault_on_the_ring_itself_halts_the_queue(void)
{
	CHECK(begin());
	config.base = mc(VRAM_SIZE) + (1ull << 40);	/* in no aperture */
	config.wptr = 2;
	queue_start(&queue, &config);
	WAIT_FOR(counted(gpu, "queue.fetch_faults") == 1);
	WAIT_FOR(counted(gpu, "queue.halts") == 1);
	end();
}

static void one_doorbell_may_wake_several_queues(void)
{
	CHECK(begin());
	put(RING, 0, DO_LOG, 1);
	queue_start(&queue, &config);
	queue_start(&other, &config);
	CHECK_EQ(bell_attach(gpu, BELL, &queue), 0);
	CHECK_EQ(bell_attach(gpu, BELL, &other), 0);
	ring_doorbell(BELL, 2);
	WAIT_FOR(atomic_load(&queue.rptr) == 2 && atomic_load(&other.rptr) == 2);
	bell_detach(gpu, BELL, &queue);
	bell_detach(gpu, BELL, &other);
	end();
}

static void only_a_processs_doorbell_may_be_rung_without_a_queue(void)
{
	CHECK(begin());
	ring_doorbell(PROCESS_BELL, 2);
	CHECK_EQ(counted(gpu, "doorbell.unattached"), 1);
	CHECK_EQ(bell_attach(gpu, PROCESS_BELL, &queue), 0);
	bell_detach(gpu, PROCESS_BELL, &queue);
	ring_doorbell(PROCESS_BELL, 2);
	CHECK_EQ(counted(gpu, "doorbell.unattached"), 2);
	CHECK_EQ(verdicts(gpu, NULL), 0);
	CHECK_EQ(bell_attach(gpu, BELL, &queue), 0);
	bell_detach(gpu, BELL, &queue);
	ring_doorbell(BELL, 2);
	CHECK_EQ(verdicts(gpu, "doorbell-unmapped"), 1);
	end();
}

int main(void)
{
	CASE(packets_run_in_order_and_the_position_is_reported);
	CASE(positions_count_on_when_the_ring_wraps);
	CASE(work_set_before_the_start_is_done);
	CASE(stopping_interrupts_a_packet_that_waits_and_repeats_it_later);
	CASE(a_start_while_stopping_takes_effect_after_parking);
	CASE(a_write_pointer_beyond_the_ring_is_an_overrun);
	CASE(a_packet_that_goes_on_behind_the_write_pointer_is_an_overrun);
	CASE(a_bad_packet_halts_its_queue_until_it_is_stopped);
	CASE(indirect_buffers_that_call_themselves_are_refused);
	CASE(an_interrupted_indirect_buffer_goes_on_where_it_was);
	CASE(a_queue_that_waits_for_a_fault_stops_nobody_else);
	CASE(a_paused_queue_goes_on_when_resumed);
	CASE(a_packet_may_ask_to_be_called_again_when_kicked);
	CASE(the_write_pointer_may_be_polled_in_memory);
	CASE(a_wrapped_read_pointer_is_completed_by_the_write_pointer);
	CASE(a_fault_on_the_ring_itself_halts_the_queue);
	CASE(one_doorbell_may_wake_several_queues);
	CASE(only_a_processs_doorbell_may_be_rung_without_a_queue);
	return DONE();
}
