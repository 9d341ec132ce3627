// SPDX-License-Identifier: GPL-2.0-only
/* Interrupt rings, their pointers and overflows, routing, the retry CAM, the LUTs. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "oss/osssys_4_4_2_offset.h"
#include "oss/osssys_4_4_2_sh_mask.h"
#include "vm_fixture.h"
#include "test.h"

#define RING0 0x10000u		/* offsets in guest RAM */
#define RING1 0x20000u
#define WPTR_COPY 0x30000u
#define BELL0 0x340u
#define BELL1 0x342u
#define CAM_BELL 0x346u
#define UTCL2 0x1b
#define ENABLE_RETRY_CAM IH_RETRY_INT_CAM_CNTL__ENABLE_MASK
#define BUS (1u << IH_RB_CNTL__MC_SPACE__SHIFT)
#define CNTL0 (IH_RB_CNTL__RB_ENABLE_MASK | IH_RB_CNTL__ENABLE_INTR_MASK | \
	       IH_RB_CNTL__WPTR_WRITEBACK_ENABLE_MASK | IH_RB_CNTL__WPTR_OVERFLOW_ENABLE_MASK | \
	       IH_RB_CNTL__RPTR_REARM_MASK | BUS)
#define CNTL1 (IH_RB_CNTL__RB_ENABLE_MASK | IH_RB_CNTL__WPTR_OVERFLOW_ENABLE_MASK | BUS)

static u32 reg(u32 offset)
{
	return reg_base(gpu, HW_OSSSYS, 0, 0) + offset;
}

static void ring_bell(u32 index, u32 value)
{
	doorbell_write(gpu, index * 4ull, &value, sizeof(value));
}

/* Rings of 2^@bits dwords, as the driver sets them up. */
static bool start(unsigned int bits)
{
	u32 size = bits << IH_RB_CNTL__RB_SIZE__SHIFT;

	if (!fixture_start(2))
		return false;
	memset(ram + RING0, 0xee, 0x20000);
	reg_write(gpu, reg(regIH_RB_BASE), (RAM_BASE + RING0) >> 8);
	reg_write(gpu, reg(regIH_RB_BASE_HI), (RAM_BASE + RING0) >> 40);
	reg_write(gpu, reg(regIH_RB_WPTR_ADDR_LO), (u32)(RAM_BASE + WPTR_COPY));
	reg_write(gpu, reg(regIH_RB_WPTR_ADDR_HI), (RAM_BASE + WPTR_COPY) >> 32);
	reg_write(gpu, reg(regIH_RB_BASE_RING1), (RAM_BASE + RING1) >> 8);
	reg_write(gpu, reg(regIH_RB_BASE_HI_RING1), (RAM_BASE + RING1) >> 40);
	reg_write(gpu, reg(regIH_DOORBELL_RPTR), BELL0 | IH_DOORBELL_RPTR__ENABLE_MASK);
	reg_write(gpu, reg(regIH_DOORBELL_RPTR_RING1), BELL1 | IH_DOORBELL_RPTR__ENABLE_MASK);
	reg_write(gpu, reg(regIH_DOORBELL_RETRY_CAM), CAM_BELL | IH_DOORBELL_RPTR__ENABLE_MASK);
	reg_write(gpu, reg(regIH_RETRY_INT_CAM_CNTL),
		  reg_read(gpu, reg(regIH_RETRY_INT_CAM_CNTL)) | ENABLE_RETRY_CAM);
	reg_write(gpu, reg(regIH_RB_CNTL), CNTL0 | size);
	reg_write(gpu, reg(regIH_RB_CNTL_RING1), CNTL1 | size);
	return true;
}

static u32 *vector_at(u32 ring, u32 n)
{
	return (u32 *)(ram + ring) + n * 8;
}

static u32 wptr_copy(void)
{
	u32 value;

	memcpy(&value, ram + WPTR_COPY, 4);
	return value;
}

static u32 wptr0(void)
{
	return reg_read(gpu, reg(regIH_RB_WPTR));
}

static u32 wptr1(void)
{
	return reg_read(gpu, reg(regIH_RB_WPTR_RING1));
}

/* A vector that can be told from others by @id. */
static void raise_plain(u32 id)
{
	struct ih_vector v = { .client_id = 8, .source_id = 224, .src_data = { id } };

	ih_raise(gpu, &v);
}

/* Enters a fault and raises it, as vm.c does; returns the CAM index. */
static int raise_retry(u64 page)
{
	struct ih_vector v = { .client_id = UTCL2, .vmid = 3, .src_data = { (u32)page, FAULT_RETRY } };
	bool fresh;
	int cam = ih_cam_insert(gpu, 0, 3, page << 12, &fresh);

	v.src_data[2] = cam;
	if (cam >= 0 && fresh)
		ih_raise(gpu, &v);
	return cam;
}

static void a_vector_is_laid_out_as_the_driver_decodes_it(void)
{
	struct ih_vector v = {
		.client_id = 0x14, .source_id = 181, .ring_id = 5, .vmid = 9, .vmid_type = 1,
		.pasid = 0x8123, .node_id = 6, .src_data = { 0x11, 0x22, 0x33, 0x44 },
	};
	const u32 *dw;
	u64 first, second;

	CHECK(start(8));
	dw = vector_at(RING0, 0);
	ih_raise(gpu, &v);
	CHECK_EQ(dw[0], 0x14 | 181 << 8 | 5 << 16 | 9u << 24 | 1u << 31);
	CHECK_EQ(dw[3], 0x8123 | 6 << 16);
	CHECK_EQ(dw[4], 0x11);
	CHECK_EQ(dw[5], 0x22);
	CHECK_EQ(dw[6], 0x33);
	CHECK_EQ(dw[7], 0x44);
	first = dw[1] | (u64)(dw[2] & 0xffff) << 32;
	CHECK_EQ(dw[2] >> 16, 0);
	ih_raise(gpu, &v);
	dw = vector_at(RING0, 1);
	second = dw[1] | (u64)(dw[2] & 0xffff) << 32;
	CHECK(second >= first);
	CHECK_EQ(wptr0(), 64);
	CHECK_EQ(wptr_copy(), 64);
	fixture_stop();
}

static void a_ring_that_is_off_takes_nothing(void)
{
	CHECK(start(8));
	reg_write(gpu, reg(regIH_RB_CNTL), 0);
	raise_plain(1);
	CHECK_EQ(wptr0(), 0);
	CHECK_EQ(*vector_at(RING0, 0), 0xeeeeeeee);
	CHECK_EQ(counted(gpu, "ih.ring_off"), 1);
	fixture_stop();
}

static void the_ring_wraps(void)
{
	CHECK(start(8));	/* 32 vectors */
	for (u32 i = 0; i < 1000; i++) {
		raise_plain(i);
		CHECK_EQ(vector_at(RING0, i % 32)[4], i);
		CHECK_EQ(wptr0(), (i + 1) * 32 % 1024);
		ring_bell(BELL0, (i + 1) * 32 % 1024);
	}
	CHECK_EQ(counted(gpu, "ih.overflows"), 0);
	fixture_stop();
}

static void the_read_pointer_comes_by_doorbell_or_register(void)
{
	CHECK(start(8));
	raise_plain(0);
	raise_plain(1);
	ring_bell(BELL0, 32);
	CHECK_EQ(reg_read(gpu, reg(regIH_RB_RPTR)), 32);
	reg_write(gpu, reg(regIH_RB_RPTR), 64);
	CHECK_EQ(reg_read(gpu, reg(regIH_RB_RPTR)), 64);
	/* Nonsense stays within the ring. */
	ring_bell(BELL0, 0xffffffff);
	CHECK_EQ(reg_read(gpu, reg(regIH_RB_RPTR)), 1024 - 32);
	fixture_stop();
}

static void the_host_is_interrupted_once_until_it_has_read(void)
{
	CHECK(start(8));
	raise_plain(0);
	CHECK_EQ(counted(gpu, "ih.interrupts"), 1);
	raise_plain(1);
	raise_plain(2);
	CHECK_EQ(counted(gpu, "ih.interrupts"), 1);
	/* It read two of three: at once again. */
	ring_bell(BELL0, 64);
	CHECK_EQ(counted(gpu, "ih.interrupts"), 2);
	ring_bell(BELL0, 96);
	CHECK_EQ(counted(gpu, "ih.interrupts"), 2);
	raise_plain(3);
	CHECK_EQ(counted(gpu, "ih.interrupts"), 3);
	fixture_stop();
}

static void without_rearm_or_interrupts_the_register_decides(void)
{
	CHECK(start(8));
	reg_write(gpu, reg(regIH_RB_CNTL), (CNTL0 & ~IH_RB_CNTL__RPTR_REARM_MASK) | 8 << 1);
	raise_plain(0);
	raise_plain(1);
	CHECK_EQ(counted(gpu, "ih.interrupts"), 2);
	reg_write(gpu, reg(regIH_RB_CNTL), (CNTL0 & ~IH_RB_CNTL__ENABLE_INTR_MASK) | 8 << 1);
	raise_plain(2);
	CHECK_EQ(counted(gpu, "ih.interrupts"), 2);
	CHECK_EQ(wptr0(), 96);
	fixture_stop();
}

static void an_overflow_is_flagged_and_overwrites(void)
{
	CHECK(start(8));
	for (u32 i = 0; i < 31; i++)
		raise_plain(i);
	CHECK_EQ(wptr0(), 31 * 32);
	raise_plain(31);
	CHECK_EQ(wptr0(), IH_RB_WPTR__RB_OVERFLOW_MASK);
	CHECK_EQ(wptr_copy(), IH_RB_WPTR__RB_OVERFLOW_MASK);
	raise_plain(32);
	CHECK_EQ(vector_at(RING0, 0)[4], 32);
	CHECK_EQ(wptr0(), 32 | IH_RB_WPTR__RB_OVERFLOW_MASK);
	/* As the driver does it: clear by a step of the bit, then skip what is lost. */
	reg_write(gpu, reg(regIH_RB_CNTL),
		  reg_read(gpu, reg(regIH_RB_CNTL)) | IH_RB_CNTL__WPTR_OVERFLOW_CLEAR_MASK);
	CHECK_EQ(wptr0(), 32);
	reg_write(gpu, reg(regIH_RB_CNTL),
		  reg_read(gpu, reg(regIH_RB_CNTL)) & ~IH_RB_CNTL__WPTR_OVERFLOW_CLEAR_MASK);
	ring_bell(BELL0, 32);
	raise_plain(33);
	CHECK_EQ(wptr0(), 64);
	CHECK_EQ(counted(gpu, "ih.overflows"), 1);
	fixture_stop();
}

static void without_overflow_enable_a_full_ring_drops(void)
{
	CHECK(start(8));
	reg_write(gpu, reg(regIH_RB_CNTL), (CNTL0 & ~IH_RB_CNTL__WPTR_OVERFLOW_ENABLE_MASK) | 8 << 1);
	for (u32 i = 0; i < 40; i++)
		raise_plain(i);
	CHECK_EQ(wptr0(), 31 * 32);
	CHECK_EQ(*vector_at(RING0, 31), 0xeeeeeeee);
	CHECK_EQ(counted(gpu, "ih.overflows"), 9);
	fixture_stop();
}

static void retry_faults_wait_for_room_in_their_order(void)
{
	CHECK(start(8));
	for (u32 i = 0; i < 31; i++)
		raise_plain(i);
	for (u64 page = 100; page < 105; page++)
		CHECK(raise_retry(page) >= 0);
	CHECK_EQ(wptr0(), 31 * 32);
	CHECK_EQ(counted(gpu, "ih.held_back"), 5);
	ring_bell(BELL0, 2 * 32);	/* room for two */
	CHECK_EQ(wptr0(), 32);
	CHECK_EQ(vector_at(RING0, 31)[4], 100);
	CHECK_EQ(vector_at(RING0, 0)[4], 101);
	ring_bell(BELL0, 32);
	CHECK_EQ(wptr0(), 4 * 32);
	CHECK_EQ(vector_at(RING0, 1)[4], 102);
	CHECK_EQ(vector_at(RING0, 3)[4], 104);
	CHECK_EQ(counted(gpu, "ih.overflows"), 0);
	fixture_stop();
}

static void retry_faults_come_again_after_an_overflow(void)
{
	int cam;

	CHECK(start(8));
	cam = raise_retry(200);
	CHECK(raise_retry(201) >= 0);
	ring_bell(CAM_BELL, cam);	/* the first is dealt with */
	for (u32 i = 0; i < 40; i++)
		raise_plain(i);
	CHECK(wptr0() & IH_RB_WPTR__RB_OVERFLOW_MASK);
	reg_write(gpu, reg(regIH_RB_CNTL), CNTL0 | 8 << 1 | IH_RB_CNTL__WPTR_OVERFLOW_CLEAR_MASK);
	CHECK_EQ(wptr0(), 10 * 32);
	ring_bell(BELL0, 11 * 32);
	CHECK_EQ(wptr0(), 10 * 32);	/* full: one slot always stays free */
	ring_bell(BELL0, 10 * 32);
	CHECK_EQ(wptr0(), 11 * 32);
	CHECK_EQ(vector_at(RING0, 10)[4], 201);
	fixture_stop();
}

static u64 now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (u64)ts.tv_sec * 1000000 + (u64)ts.tv_nsec / 1000;
}

/* Not asleep: how long it takes is looked at, not assumed. */
static u64 spin(u64 us)
{
	u64 end = now_us() + us, now;

	do
		now = now_us();
	while (now < end);
	return now;
}

static u64 longest_wait(void)
{
	return counted(gpu, "ih.longest_wait_us");
}

static void the_longest_wait_for_the_driver_is_kept(void)
{
	u64 before[3], after[2], wait, most;

	CHECK(start(8));
	for (u32 i = 0; i < 2; i++) {
		before[i] = now_us();
		raise_plain(i);
		after[i] = spin(1);
	}
	CHECK_EQ(longest_wait(), 0);	/* until somebody looks */
	wait = spin(3000) - after[0];
	ring_bell(BELL0, 32);
	CHECK(longest_wait() >= wait - 1);
	CHECK(longest_wait() <= now_us() - before[0] + 1);
	/* The other one waits on, which is seen without the driver's doing. */
	wait = spin(3000) - after[1];
	ih_audit(gpu, 1ull << 60);
	CHECK(longest_wait() >= wait - 1);
	CHECK(longest_wait() <= now_us() - before[0] + 1);
	ring_bell(BELL0, 64);
	/* A shorter one does not lower it. */
	most = longest_wait();
	before[2] = now_us();
	raise_plain(2);
	ring_bell(BELL0, 96);
	wait = now_us() - before[2] + 1;
	CHECK(longest_wait() >= most);
	CHECK(longest_wait() <= (wait > most ? wait : most));
	fixture_stop();
}

static void nobody_waits_with_interrupts_off(void)
{
	u32 size = 8u << IH_RB_CNTL__RB_SIZE__SHIFT;

	CHECK(start(8));
	reg_write(gpu, reg(regIH_RB_CNTL), size | (CNTL0 & ~IH_RB_CNTL__ENABLE_INTR_MASK));
	raise_plain(1);
	spin(10);
	ih_audit(gpu, 1ull << 60);
	ring_bell(BELL0, 32);
	/* Nor for what the driver says is there. */
	reg_write(gpu, reg(regIH_RB_CNTL), CNTL0 | size);
	reg_write(gpu, reg(regIH_RB_WPTR), 128);
	ih_audit(gpu, 1ull << 60);
	ring_bell(BELL0, 128);
	CHECK_EQ(longest_wait(), 0);
	fixture_stop();
}

static void route_to_ring1(u32 client)
{
	reg_write(gpu, reg(regIH_CLIENT_CFG_INDEX), client);
	reg_write(gpu, reg(regIH_CLIENT_CFG_DATA), 1u << IH_CLIENT_CFG_DATA__RING_ID__SHIFT);
}

static void a_routed_client_uses_ring_1_which_announces_itself_in_ring_0(void)
{
	CHECK(start(8));
	route_to_ring1(UTCL2);
	CHECK(raise_retry(7) >= 0);
	CHECK_EQ(wptr1(), 32);
	CHECK_EQ(vector_at(RING1, 0)[4], 7);
	CHECK_EQ(wptr0(), 32);
	CHECK_EQ(vector_at(RING0, 0)[0], 1 << 16);	/* client 0, source 0, ring 1 */
	CHECK_EQ(counted(gpu, "ih.interrupts"), 1);
	/* Once, until the driver has read ring 1. */
	CHECK(raise_retry(8) >= 0);
	CHECK_EQ(wptr1(), 64);
	CHECK_EQ(wptr0(), 32);
	ring_bell(BELL0, 32);
	ring_bell(BELL1, 32);		/* one left: again at once */
	CHECK_EQ(wptr0(), 64);
	ring_bell(BELL1, 64);
	CHECK_EQ(wptr0(), 64);
	CHECK(raise_retry(9) >= 0);
	CHECK_EQ(wptr0(), 96);
	/* Others stay where they were. */
	raise_plain(1);
	CHECK_EQ(wptr0(), 128);
	fixture_stop();
}

static void client_routes_are_kept_per_client(void)
{
	CHECK(start(8));
	route_to_ring1(0x12);
	reg_write(gpu, reg(regIH_CLIENT_CFG_INDEX), UTCL2);
	CHECK_EQ(reg_read(gpu, reg(regIH_CLIENT_CFG_DATA)), 0);
	reg_write(gpu, reg(regIH_CLIENT_CFG_INDEX), 0x12);
	CHECK_EQ(reg_read(gpu, reg(regIH_CLIENT_CFG_DATA)),
		 1u << IH_CLIENT_CFG_DATA__RING_ID__SHIFT);
	fixture_stop();
}

static void a_route_to_a_ring_that_is_off_is_ring_0(void)
{
	CHECK(start(8));
	route_to_ring1(UTCL2);
	reg_write(gpu, reg(regIH_RB_CNTL_RING1), 0);
	CHECK(raise_retry(7) >= 0);
	CHECK_EQ(wptr1(), 0);
	CHECK_EQ(vector_at(RING0, 0)[4], 7);
	fixture_stop();
}

static void ring_1_holds_more_faults_than_it_has_room_for(void)
{
	u32 got = 0, rptr = 0;

	CHECK(start(8));
	route_to_ring1(UTCL2);
	for (u64 page = 0; page < 200; page++)
		CHECK(raise_retry(page) >= 0);
	while (rptr != wptr1()) {
		CHECK_EQ(vector_at(RING1, rptr / 32)[4], got);
		got++;
		rptr = (rptr + 32) % 1024;
		ring_bell(BELL1, rptr);
	}
	CHECK_EQ(got, 200);
	fixture_stop();
}

static void the_cam_tells_new_faults_from_known_ones(void)
{
	bool fresh;
	int a, b;

	CHECK(start(8));
	a = ih_cam_insert(gpu, 0, 3, 0x1000, &fresh);
	CHECK(a >= 0 && fresh);
	CHECK_EQ(ih_cam_insert(gpu, 0, 3, 0x1fff, &fresh), a);
	CHECK(!fresh);
	b = ih_cam_insert(gpu, 0, 3, 0x2000, &fresh);
	CHECK(b != a && fresh);
	b = ih_cam_insert(gpu, 0, 4, 0x1000, &fresh);
	CHECK(b != a && fresh);
	b = ih_cam_insert(gpu, 1, 3, 0x1000, &fresh);
	CHECK(b != a && fresh);
	ring_bell(CAM_BELL, a);
	ih_cam_insert(gpu, 0, 3, 0x1000, &fresh);
	CHECK(fresh);
	CHECK_EQ(counted(gpu, "ih.cam_released"), 1);
	/* Twice is once too often, and harmless. */
	reg_write(gpu, reg(regIH_RETRY_CAM_ACK), 500);
	CHECK_EQ(counted(gpu, "ih.cam_released_twice"), 1);
	fixture_stop();
}

static void a_fault_that_was_taken_must_be_released(void)
{
	int first, second;

	CHECK(start(8));
	first = raise_retry(1);
	second = raise_retry(2);
	CHECK(first >= 0 && second >= 0);
	ih_audit(gpu, 0);
	CHECK_EQ(verdicts(gpu, NULL), 0);	/* the driver has not seen them */
	ring_bell(BELL0, 32);
	ih_audit(gpu, 1ull << 60);
	CHECK_EQ(verdicts(gpu, NULL), 0);	/* it may take its time */
	ih_audit(gpu, 0);
	CHECK_EQ(verdicts(gpu, "cam-not-released"), 1);
	ih_audit(gpu, 0);
	CHECK_EQ(verdicts(gpu, "cam-not-released"), 1);
	ring_bell(BELL0, 64);
	ring_bell(CAM_BELL, second);
	ih_audit(gpu, 0);
	CHECK_EQ(verdicts(gpu, "cam-not-released"), 1);
	/* The ring has gone round: what is in the slot now is not that fault. */
	for (u32 i = 2; i < 40; i++) {
		raise_plain(i);
		ring_bell(BELL0, (i + 1) % 32 * 32);
	}
	CHECK_EQ(raise_retry(3), second);
	ih_audit(gpu, 0);
	CHECK_EQ(verdicts(gpu, "cam-not-released"), 1);
	fixture_stop();
}

static void *audit_all_the_time(void *stop)
{
	while (!atomic_load((atomic_bool *)stop))
		ih_audit(gpu, 1ull << 60);
	return NULL;
}

static void faults_taken_during_an_audit_are_young(void)
{
	atomic_bool stop = false;
	pthread_t auditor;

	CHECK(start(8));
	CHECK_EQ(pthread_create(&auditor, NULL, audit_all_the_time, &stop), 0);
	for (u32 i = 0; i < 20000; i++) {
		int index = raise_retry(i);

		CHECK(index >= 0);
		ring_bell(BELL0, (i + 1) % 32 * 32);
		ring_bell(CAM_BELL, index);
	}
	atomic_store(&stop, true);
	pthread_join(auditor, NULL);
	CHECK_EQ(verdicts(gpu, NULL), 0);
	fixture_stop();
}

static void a_driver_that_leaves_need_not_release(void)
{
	CHECK(start(8));
	CHECK(raise_retry(1) >= 0);
	ring_bell(BELL0, 32);
	reg_write(gpu, reg(regIH_RB_CNTL), 0);
	ih_audit(gpu, 0);
	CHECK_EQ(verdicts(gpu, NULL), 0);
	/* Nor does the driver that comes after it. */
	reg_write(gpu, reg(regIH_RB_CNTL), CNTL0 | 8 << IH_RB_CNTL__RB_SIZE__SHIFT);
	ih_audit(gpu, 0);
	CHECK_EQ(verdicts(gpu, NULL), 0);
	fixture_stop();
}

static void faults_that_nobody_read_go_with_the_driver(void)
{
	bool fresh = false;
	int index;

	CHECK(start(8));
	CHECK(raise_retry(1) >= 0);
	CHECK(raise_retry(2) >= 0);
	reg_write(gpu, reg(regIH_RB_CNTL), 0);
	CHECK_EQ(counted(gpu, "ih.cam_dropped"), 2);
	reg_write(gpu, reg(regIH_RB_CNTL), CNTL0 | 8 << IH_RB_CNTL__RB_SIZE__SHIFT);
	reg_write(gpu, reg(regIH_RB_WPTR), 0);
	/* The next driver's own fault, in the place of an old one. */
	index = raise_retry(2);
	CHECK(index >= 0);
	ring_bell(BELL0, 32);
	ring_bell(CAM_BELL, index);
	ih_audit(gpu, 0);
	CHECK_EQ(verdicts(gpu, NULL), 0);
	CHECK(ih_cam_insert(gpu, 0, 3, 1 << 12, &fresh) >= 0);
	CHECK(fresh);
	fixture_stop();
}

static void the_cam_has_the_size_that_its_register_says(void)
{
	bool fresh;

	CHECK(start(8));
	for (u32 bits = 0; bits <= 10; bits++) {
		int last = -1;

		ih_reset(gpu);
		reg_write(gpu, reg(regIH_RETRY_INT_CAM_CNTL), ENABLE_RETRY_CAM | bits);
		for (u32 i = 0; i < 1u << bits; i++) {
			last = ih_cam_insert(gpu, 0, 1, (u64)i << 12, &fresh);
			CHECK_EQ(last, i);
			CHECK(fresh);
		}
		CHECK_EQ(ih_cam_insert(gpu, 0, 1, 1ull << 40, &fresh), -1);
		CHECK(!fresh);
		CHECK_EQ(ih_cam_insert(gpu, 0, 1, (u64)last << 12, &fresh), last);
	}
	/* Off: every retry is an interrupt of its own. */
	reg_write(gpu, reg(regIH_RETRY_INT_CAM_CNTL), 9);
	CHECK_EQ(ih_cam_insert(gpu, 0, 1, 0, &fresh), -1);
	CHECK(fresh);
	fixture_stop();
}

static void pasids_are_kept_per_node(void)
{
	u32 lut, mm;

	CHECK(start(8));
	lut = reg(regIH_VMID_0_LUT);
	mm = reg(regIH_VMID_0_LUT_MM);
	reg_write(gpu, reg(regIH_VMID_LUT_INDEX), node_of_xcc(1));
	reg_write(gpu, lut + 5, 0x8001);
	reg_write(gpu, reg(regIH_VMID_LUT_INDEX), 0);
	reg_write(gpu, mm + 5, 0x8002);
	CHECK_EQ(reg_read(gpu, lut + 5), 0);
	CHECK_EQ(ih_pasid(gpu, 1, 5), 0x8001);
	CHECK_EQ(ih_pasid(gpu, MMHUB(0), 5), 0x8002);
	CHECK_EQ(ih_pasid(gpu, 0, 5), 0);
	/* A driver without banks writes bank 0. */
	reg_write(gpu, lut + 5, 0x8003);
	CHECK_EQ(ih_pasid(gpu, 0, 5), 0x8003);
	CHECK_EQ(ih_pasid(gpu, 1, 5), 0x8001);
	CHECK_EQ(ih_pasid(gpu, 0, 16), 0);
	CHECK_EQ(ih_pasid(gpu, NUM_HUB, 5), 0);
	fixture_stop();
}

static void a_ring_may_lie_in_the_gpus_address_space(void)
{
	u32 dw[8];
	u64 fb;

	CHECK(start(8));
	fb = gpu->asic->fb_base;
	reg_write(gpu, reg(regIH_RB_BASE), (u32)((fb + 0x500000) >> 8));
	reg_write(gpu, reg(regIH_RB_BASE_HI), (u32)((fb + 0x500000) >> 40));
	reg_write(gpu, reg(regIH_RB_WPTR_ADDR_LO), (u32)(fb + 0x600000));
	reg_write(gpu, reg(regIH_RB_WPTR_ADDR_HI), (u32)((fb + 0x600000) >> 32));
	reg_write(gpu, reg(regIH_RB_CNTL), (CNTL0 & ~BUS) | 4u << IH_RB_CNTL__MC_SPACE__SHIFT | 8 << 1);
	raise_plain(77);
	CHECK(vram_read(gpu, 0x500000, dw, sizeof(dw)));
	CHECK_EQ(dw[4], 77);
	CHECK_EQ((u32)get64(0x600000), 32);
	/* An address that leads nowhere is counted. */
	reg_write(gpu, reg(regIH_RB_BASE_HI), 0xff);
	raise_plain(78);
	CHECK_EQ(counted(gpu, "ih.bad_writes"), 1);
	fixture_stop();
}

static void any_ring_size_is_survived(void)
{
	CHECK(start(8));
	for (u32 bits = 0; bits < 32; bits++) {
		reg_write(gpu, reg(regIH_RB_CNTL), CNTL0 | bits << IH_RB_CNTL__RB_SIZE__SHIFT);
		reg_write(gpu, reg(regIH_RB_WPTR), 0xfffffffe);
		for (u32 i = 0; i < 5; i++)
			raise_plain(i);
		CHECK((wptr0() & ~3u) < 1u << 18);
	}
	fixture_stop();
}

static void reset_forgets_everything(void)
{
	bool fresh;

	CHECK(start(8));
	CHECK(raise_retry(7) >= 0);
	reg_write(gpu, reg(regIH_VMID_0_LUT) + 5, 9);
	route_to_ring1(UTCL2);
	ih_reset(gpu);
	regs_reset(gpu);
	CHECK_EQ(wptr0(), 0);
	CHECK_EQ(ih_pasid(gpu, 0, 5), 0);
	reg_write(gpu, reg(regIH_RETRY_INT_CAM_CNTL), ENABLE_RETRY_CAM | 9);
	CHECK(ih_cam_insert(gpu, 0, 3, 7 << 12, &fresh) >= 0);
	CHECK(fresh);
	/* The doorbells are free again. */
	CHECK_EQ(doorbell_claim(gpu, BELL0, 1, NULL, NULL), 0);
	CHECK_EQ(doorbell_claim(gpu, CAM_BELL, 1, NULL, NULL), 0);
	doorbell_release(gpu, BELL0, 1);
	doorbell_release(gpu, CAM_BELL, 1);
	fixture_stop();
}

int main(void)
{
	CASE(a_vector_is_laid_out_as_the_driver_decodes_it);
	CASE(a_ring_that_is_off_takes_nothing);
	CASE(the_ring_wraps);
	CASE(the_read_pointer_comes_by_doorbell_or_register);
	CASE(the_host_is_interrupted_once_until_it_has_read);
	CASE(without_rearm_or_interrupts_the_register_decides);
	CASE(an_overflow_is_flagged_and_overwrites);
	CASE(without_overflow_enable_a_full_ring_drops);
	CASE(retry_faults_wait_for_room_in_their_order);
	CASE(retry_faults_come_again_after_an_overflow);
	CASE(the_longest_wait_for_the_driver_is_kept);
	CASE(nobody_waits_with_interrupts_off);
	CASE(a_routed_client_uses_ring_1_which_announces_itself_in_ring_0);
	CASE(client_routes_are_kept_per_client);
	CASE(a_route_to_a_ring_that_is_off_is_ring_0);
	CASE(ring_1_holds_more_faults_than_it_has_room_for);
	CASE(the_cam_tells_new_faults_from_known_ones);
	CASE(a_fault_that_was_taken_must_be_released);
	CASE(faults_taken_during_an_audit_are_young);
	CASE(a_driver_that_leaves_need_not_release);
	CASE(faults_that_nobody_read_go_with_the_driver);
	CASE(the_cam_has_the_size_that_its_register_says);
	CASE(pasids_are_kept_per_node);
	CASE(a_ring_may_lie_in_the_gpus_address_space);
	CASE(any_ring_size_is_survived);
	CASE(reset_forgets_everything);
	return DONE();
}
