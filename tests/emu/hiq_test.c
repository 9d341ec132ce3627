// SPDX-License-Identifier: GPL-2.0-only
/* The user queue scheduler: run lists, processes and their VMIDs, queues that come and go. */
#include "../../emu/hiq.h"
#include "cp_fixture.h"

static void a_run_list_gives_processes_vmids_and_runs_their_queues(void)
{
	struct ring user = { .vram = USER_RING, .bell = USER_BELL };
	u64 vmid;

	CHECK(begin_hiq_on(1, 0));
	EMIT(&user, PACKET3(0x37, 3), 5 << 8, ADDR(USER_VA + 2 * PAGE), 0x55);
	set64(USER_RING + PAGE + 8, user.wptr);
	run_one_queue();
	CHECK_NO_BREAK();
	WAIT_FOR(get32(DATA) == 0x55);
	CHECK(user_hqd());
	vmid = user_hqd()->queue.config.vmid;
	CHECK_EQ(vmid, VMID);	/* the first of the mask */
	CHECK_EQ(ih_pasid(gpu, 0, VMID), PASID);
	CHECK_EQ(ih_pasid(gpu, MMHUB(0), VMID), PASID);
	EMIT(&user, PACKET3(0x37, 3), 5 << 8, ADDR(USER_VA + 2 * PAGE), 0x66);
	commit(&user);
	WAIT_FOR(get32(DATA) == 0x66);
	WAIT_FOR(get32(USER_RING + PAGE) == user.wptr);
	CHECK_EQ(verdicts(gpu, NULL), 0);
	end();
}

static void a_queue_that_was_unmapped_goes_on_when_it_is_mapped_again(void)
{
	struct ring user = { .vram = USER_RING, .bell = USER_BELL };

	CHECK(begin_hiq_on(1, 0));
	EMIT(&user, PACKET3(0x37, 3), 5 << 8, ADDR(USER_VA + 2 * PAGE), 1);
	set64(USER_RING + PAGE + 8, user.wptr);
	run_one_queue();
	CHECK_NO_BREAK();
	WAIT_FOR(get32(DATA) == 1);
	unmap_all();
	CHECK_NO_BREAK();
	CHECK(!user_hqd());
	for (u32 i = 2; i < 60; i++) {
		EMIT(&user, PACKET3(0x37, 3), 5 << 8, ADDR(USER_VA + 2 * PAGE), i);
		set64(USER_RING + PAGE + 8, user.wptr);
		commit(&user);		/* nobody hears it */
		run_one_queue();
		CHECK_NO_BREAK();
		WAIT_FOR(get32(DATA) == i);
		unmap_all();
		CHECK_NO_BREAK();
	}
	CHECK_EQ(counted(gpu, "doorbell.unattached"), 58);
	CHECK_EQ(verdicts(gpu, NULL), 0);
	end();
}

static void a_queue_in_a_fault_can_be_unmapped_and_retries_later(void)
{
	struct ring user = { .vram = USER_RING, .bell = USER_BELL };
	const u32 *v = NULL;

	CHECK(begin_hiq_on(1, 0));
	EMIT(&user, PACKET3(0x37, 3), 5 << 8, ADDR(0x900000), 1);
	set64(USER_RING + PAGE + 8, user.wptr);
	run_one_queue();
	CHECK_NO_BREAK();
	WAIT_FOR((v = next_vector()));
	CHECK_EQ(fault_address(v), 0x900000);
	unmap_all();
	CHECK_NO_BREAK();
	map_page(root, 0x900000, PTE_VRAM(OUT + PAGE));
	answer_fault(v);
	run_one_queue();
	CHECK_NO_BREAK();
	WAIT_FOR(get32(OUT + PAGE) == 1);
	CHECK_EQ(verdicts(gpu, NULL), 0);
	end();
}

static void an_interrupted_indirect_buffer_of_a_user_goes_on(void)
{
	struct ring user = { .vram = USER_RING, .bell = USER_BELL };
	const u32 *v = NULL;

	CHECK(begin_hiq_on(1, 0));
	map_page(root, 0x100000, PTE_VRAM(IB));
	PUT(IB, PACKET3(0x1e, 7), 0x0f, ADDR(USER_VA + 2 * PAGE), 1, 0, 0, 0, 0,
	    PACKET3(0x37, 3), 5 << 8, ADDR(0x900000), 1);
	EMIT(&user, PACKET3(0x3f, 2), 0x100000, 0, 14 | 1 << 23);
	set64(USER_RING + PAGE + 8, user.wptr);
	run_one_queue();
	CHECK_NO_BREAK();
	WAIT_FOR((v = next_vector()));
	unmap_all();
	CHECK_NO_BREAK();
	map_page(root, 0x900000, PTE_VRAM(OUT + PAGE));
	answer_fault(v);
	run_one_queue();
	CHECK_NO_BREAK();
	WAIT_FOR(get32(OUT + PAGE) == 1);
	CHECK_EQ(get32(DATA), 1);	/* the atomic before it ran once */
	end();
}

static void queues_of_one_pasid_can_be_unmapped(void)
{
	u32 n;

	CHECK(begin_hiq_on(1, 0));
	make_user_mqd(USER_MQD + PAGE, USER_VA, USER_VA + PAGE);
	n = put_process(RUNLIST, PASID, root);
	n += put_queue(RUNLIST + 4 * n, USER_MQD, USER_BELL, 0, 0);
	n += put_process(RUNLIST + 4 * n, PASID + 1, root);
	n += put_queue(RUNLIST + 4 * n, USER_MQD + PAGE, USER_BELL + 2, 0, 0);
	run_list(n);
	CHECK_NO_BREAK();
	EMIT(&hiq, PACKET3(0xa3, 4), 1 << 4, PASID, 0, 0, 0);
	commit(&hiq);
	WAIT_FOR(done(&hiq, hiq_hqd()));
	CHECK(!user_hqd());
	CHECK(hqd_by_doorbell(cp(), USER_BELL + 2));
	CHECK_EQ(ih_pasid(gpu, 0, VMID + 1), PASID + 1);
	end();
}

static void a_user_sdma_queue_is_mapped_too(void)
{
	u32 n;

	CHECK(begin_hiq_on(1, 0));
	reg_write(gpu, reg_base(gpu, HW_SDMA, 1, 0) + 2, 0);	/* unhalt SDMA 1 */
	put(SDMA_MQD, (u32[SDMA_MQD_DWORDS]){ 6 << 1 | 1 << 12, (u32)((USER_VA + 3 * PAGE) >> 8) },
	    SDMA_MQD_DWORDS);
	PUT(SDMA_RING, 5, ADDR(USER_VA + 2 * PAGE), 0x1234);
	n = put_process(RUNLIST, PASID, root);
	n += put_queue(RUNLIST + 4 * n, SDMA_MQD, SDMA_BELL, 3u << 26, 0);
	run_list(n);
	CHECK_NO_BREAK();
	ring_doorbell(SDMA_BELL, 16);
	WAIT_FOR(get32(DATA) == 0x1234);
	unmap_all();
	CHECK_NO_BREAK();
	CHECK_EQ(get32(SDMA_MQD + 12), 16);	/* its read pointer */
	CHECK_EQ(verdicts(gpu, NULL), 0);
	end();
}

static void a_vmid_keeps_its_process_until_another_needs_it(void)
{
	CHECK(begin_hiq_on(1, 0));
	run_one_queue();
	CHECK_NO_BREAK();
	unmap_all();
	CHECK_NO_BREAK();
	CHECK_EQ(ih_pasid(gpu, 0, VMID), PASID);
	CHECK_EQ(counted(gpu, "vm.invalidations"), 2);
	run_one_queue();
	CHECK_NO_BREAK();
	CHECK_EQ(counted(gpu, "vm.invalidations"), 2);
	/* Another page table under the same PASID is another process. */
	run_list(put_process(RUNLIST, PASID, new_table(PAGE)));
	CHECK_NO_BREAK();
	CHECK_EQ(counted(gpu, "vm.invalidations"), 4);
	CHECK_EQ(ih_pasid(gpu, 0, VMID), PASID);
	end();
}

static void a_run_list_that_does_not_fit_and_has_no_chain_is_a_verdict(void)
{
	u32 n = 0;

	CHECK(begin_hiq_on(1, 0));
	for (u32 i = 0; i < 9; i++)
		n += put_process(RUNLIST + 4 * n, PASID + i, root);
	run_list(n);
	CHECK_NO_BREAK();
	CHECK_EQ(verdicts(gpu, "runlist-too-long"), 1);
	end();
}

/* ---- turns ---- */

#define MAX_CROWD 16u
#define CROWD_BELL 0x2100u
#define CROWD_VA 0x10000000ull
#define CROWD_VRAM 0x2000000u	/* each has a ring, then pointers */
#define CROWD_MQD 0x2100000u

static struct ring crowd[MAX_CROWD];

static u64 crowd_vram(u32 i)
{
	return CROWD_VRAM + 2 * PAGE * i;
}

static u64 crowd_va(u32 i)
{
	return CROWD_VA + 2 * PAGE * i;
}

/* A user queue that writes @i + 1 to dword @i of the data page. */
static void make_member(u32 i)
{
	crowd[i] = (struct ring){ .vram = crowd_vram(i), .bell = CROWD_BELL + 2 * i };
	for (u32 page = 0; page < 2; page++)
		map_page(root, crowd_va(i) + page * PAGE, PTE_VRAM(crowd_vram(i) + page * PAGE));
	make_user_mqd(CROWD_MQD + i * PAGE, crowd_va(i), crowd_va(i) + PAGE);
	EMIT(&crowd[i], PACKET3(0x37, 3), 5 << 8, ADDR(USER_VA + 2 * PAGE + 4 * i), i + 1);
	set64(crowd_vram(i) + PAGE + 8, crowd[i].wptr);
}

static u32 put_member(u64 at, u32 i)
{
	return put_queue(at, CROWD_MQD + i * PAGE, CROWD_BELL + 2 * i, 0, crowd_va(i) + PAGE + 8);
}

static u32 put_chain(u64 at, u32 n)
{
	PUT(at, PACKET3(0xa5, 2), ADDR(mc(RUNLIST)), (n + 4) | 1 << 20 | 1 << 22 | 1 << 23);
	return 4;
}

/* All members have done what they were to do. */
static bool crowd_has_run(u32 num)
{
	for (u32 i = 0; i < num; i++)
		if (get32(DATA + 4 * i) != i + 1)
			return false;
	return true;
}

/* @num queues of @processes processes, in a list that says that it is too long. */
static void run_crowd(u32 num, u32 processes)
{
	u32 n = 0;

	for (u32 i = 0; i < num; i++)
		make_member(i);
	for (u32 p = 0; p < processes; p++) {
		n += put_process(RUNLIST + 4 * n, (u16)(PASID + p), root);
		for (u32 i = p; i < num; i += processes)
			n += put_member(RUNLIST + 4 * n, i);
	}
	n += put_chain(RUNLIST + 4 * n, n);
	run_list(n);
}

/* Contexts of all VMIDs as the driver leaves them; the page tables are the scheduler's. */
static bool begin_crowd(void)
{
	if (!begin_hiq_on(1, 0))
		return false;
	for (u32 vmid = VMID + 1; vmid < NUM_VMID; vmid++)
		new_space(vmid, 0, 0);
	return true;
}

static void processes_take_turns_when_there_are_too_few_vmids(void)
{
	CHECK(begin_crowd());
	run_crowd(11, 11);
	CHECK_NO_BREAK();
	WAIT_FOR(crowd_has_run(11));
	/* And again: what they do next is found in their turn. */
	for (u32 i = 0; i < 11; i++) {
		EMIT(&crowd[i], PACKET3(0x37, 3), 5 << 8, ADDR(USER_VA + 2 * PAGE + 4 * (i + 16)),
		     i + 0x100);
		set64(crowd_vram(i) + PAGE + 8, crowd[i].wptr);
		commit(&crowd[i]);
	}
	for (u32 i = 0; i < 11; i++)
		WAIT_FOR(get32(DATA + 4 * (i + 16)) == i + 0x100);
	CHECK(counted(gpu, "hiq.slices"));
	CHECK_EQ(verdicts(gpu, NULL), 0);
	end();
}

static void queues_take_turns_when_there_are_too_few_places(void)
{
	CHECK(begin_crowd());
	EMIT(&hiq, PACKET3(0xa0, 6), 1u << 29 | 0xff00, 0x6, 0, 0, 0, 0, 0);
	run_crowd(7, 2);
	CHECK_NO_BREAK();
	WAIT_FOR(crowd_has_run(7));
	CHECK(counted(gpu, "hiq.slices"));
	CHECK_EQ(verdicts(gpu, NULL), 0);
	end();
}

static void who_waits_for_ever_does_not_keep_the_others_from_running(void)
{
	CHECK(begin_crowd());
	EMIT(&hiq, PACKET3(0xa0, 6), 1u << 29 | 0xff00, 0x1, 0, 0, 0, 0, 0);
	for (u32 i = 0; i < 3; i++)
		make_member(i);
	/* The first waits for what the last one writes. */
	crowd[0].wptr = 0;
	EMIT(&crowd[0], PACKET3(0x3c, 5), 3 | 1 << 4, ADDR(USER_VA + 2 * PAGE + 8), 3, ~0u, 10,
	     PACKET3(0x37, 3), 5 << 8, ADDR(USER_VA + 2 * PAGE), 1);
	set64(crowd_vram(0) + PAGE + 8, crowd[0].wptr);
	{
		u32 n = put_process(RUNLIST, PASID, root);

		for (u32 i = 0; i < 3; i++)
			n += put_member(RUNLIST + 4 * n, i);
		n += put_chain(RUNLIST + 4 * n, n);
		run_list(n);
	}
	CHECK_NO_BREAK();
	WAIT_FOR(crowd_has_run(3));
	CHECK_EQ(verdicts(gpu, NULL), 0);
	end();
}

#define LOST_VA 0x900000ull

/* A process with a table of its own, whose queue writes @i + 1 to a page that is not there. */
static u64 make_faulter(u32 i)
{
	u64 other = new_table(PAGE), mine = root;

	root = other;
	make_member(i);
	root = mine;
	crowd[i].wptr = 0;
	EMIT(&crowd[i], PACKET3(0x37, 3), 5 << 8, ADDR(LOST_VA), i + 1);
	return other;
}

/*
 * One VMID, and both fault at the same address: that is one entry of the retry CAM, and
 * an interrupt for the first only. Its answer must not be taken for the other's, who
 * then faults in its own name.
 */
static void who_takes_a_vmid_over_faults_for_itself(void)
{
	const u32 *first = NULL, *second = NULL;
	u64 table[2], slices;
	u32 n = 0, who;

	CHECK(begin_hiq_on(1, 0));
	EMIT(&hiq, PACKET3(0xa0, 6), 1u << 29 | 1u << VMID, 0xffffffff, 0, 0, 0, 0, 0);
	for (u32 i = 0; i < 2; i++) {
		table[i] = make_faulter(i);
		n += put_process(RUNLIST + 4 * n, (u16)(PASID + i), table[i]);
		n += put_member(RUNLIST + 4 * n, i);
	}
	n += put_chain(RUNLIST + 4 * n, n);
	run_list(n);
	CHECK_NO_BREAK();
	WAIT_FOR((first = next_vector()));
	/* On a busy machine the other one may be the first. */
	who = (first[3] & 0xffff) - PASID;
	CHECK(who < 2);
	slices = counted(gpu, "hiq.slices");
	WAIT_FOR(counted(gpu, "hiq.slices") >= slices + 4);
	CHECK(!next_vector());
	map_page(table[who], LOST_VA, PTE_VRAM(OUT));
	answer_fault(first);
	WAIT_FOR(get32(OUT) == who + 1);
	WAIT_FOR((second = next_vector()));
	CHECK_EQ(second[3] & 0xffff, PASID + 1 - who);
	CHECK_EQ(fault_address(second), LOST_VA);
	map_page(table[1 - who], LOST_VA, PTE_VRAM(OUT + PAGE));
	answer_fault(second);
	WAIT_FOR(get32(OUT + PAGE) == 2 - who);
	CHECK_EQ(verdicts(gpu, NULL), 0);
	end();
}

/* An SDMA engine has eight places for users. */
static void sdma_queues_take_turns(void)
{
	u32 n;

	CHECK(begin_crowd());
	reg_write(gpu, reg_base(gpu, HW_SDMA, 1, 0) + 2, 0);	/* unhalt SDMA 1 */
	n = put_process(RUNLIST, PASID, root);
	for (u32 i = 0; i < 11; i++) {
		u64 mqd = CROWD_MQD + i * PAGE;

		make_member(i);
		PUT(crowd_vram(i), 5, ADDR(USER_VA + 2 * PAGE + 4 * i), i + 1);
		set64(crowd_vram(i) + PAGE + 8, 16);
		put(mqd, (u32[SDMA_MQD_DWORDS]){ 6 << 1 | 1 << 12, (u32)(crowd_va(i) >> 8) },
		    SDMA_MQD_DWORDS);
		n += put_queue(RUNLIST + 4 * n, mqd, CROWD_BELL + 2 * i, 3u << 26,
			       crowd_va(i) + PAGE + 8);
	}
	n += put_chain(RUNLIST + 4 * n, n);
	run_list(n);
	CHECK_NO_BREAK();
	WAIT_FOR(crowd_has_run(11));
	CHECK_EQ(verdicts(gpu, NULL), 0);
	end();
}

static void what_the_driver_takes_off_gets_no_more_turns(void)
{
	u64 slices;

	CHECK(begin_crowd());
	run_crowd(10, 10);
	CHECK_NO_BREAK();
	WAIT_FOR(crowd_has_run(10));
	/* With two processes less all fit, and nobody has to take turns. */
	for (u32 i = 0; i < 2; i++)
		EMIT(&hiq, PACKET3(0xa3, 4), 1 << 4, PASID + i, 0, 0, 0);
	commit(&hiq);
	WAIT_FOR(done(&hiq, hiq_hqd()));
	WAIT_FOR(hqd_by_doorbell(cp(), CROWD_BELL + 18) && !cp()->hiq->rotor);
	CHECK(!hqd_by_doorbell(cp(), CROWD_BELL));
	CHECK(!hqd_by_doorbell(cp(), CROWD_BELL + 2));
	for (u32 i = 2; i < 10; i++)
		CHECK(hqd_by_doorbell(cp(), CROWD_BELL + 2 * i));
	run_crowd(10, 10);
	CHECK_NO_BREAK();
	unmap_all();
	CHECK_NO_BREAK();
	slices = counted(gpu, "hiq.slices");
	for (u32 i = 0; i < 10; i++)
		CHECK(!hqd_by_doorbell(cp(), CROWD_BELL + 2 * i));
	CHECK(!cp()->hiq->rotor);
	CHECK_EQ(counted(gpu, "hiq.slices"), slices);
	CHECK_EQ(verdicts(gpu, NULL), 0);
	end();
}

static void a_scheduler_that_is_taken_off_ends_the_turns(void)
{
	CHECK(begin_crowd());
	run_crowd(10, 10);
	CHECK_NO_BREAK();
	EMIT(&kiq, PACKET3(0xa3, 4), 1u << 29, HIQ_BELL << 2, 0, 0, 0);
	commit(&kiq);
	WAIT_FOR(done(&kiq, kiq_hqd()));
	CHECK(queue_is_off(&hiq_hqd()->queue));
	CHECK_EQ(verdicts(gpu, NULL), 0);
	end();
}

/* Two processes, the second with XNACK off; have both run at the same time? */
static bool both_ran(u32 set_resources)
{
	bool both = false;
	u32 n;

	EMIT(&hiq, PACKET3(0xa0, 6), 1u << 29 | 0xff00 | set_resources, 0xff, 0, 0, 0, 0, 0);
	for (u32 i = 0; i < 2; i++)
		make_member(i);
	n = put_process(RUNLIST, PASID, root);
	n += put_member(RUNLIST + 4 * n, 0);
	PUT(RUNLIST + 4 * n, PACKET3(0xa1, 19), PASID + 1, LO(root | 1), HI(root), 0,
	    SH_MEM_CONFIG__RETRY_DISABLE_MASK, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
	n += 21;
	n += put_member(RUNLIST + 4 * n, 1);
	n += put_chain(RUNLIST + 4 * n, n);
	run_list(n);
	for (int i = 0; i < 200; i++) {
		pthread_mutex_lock(&cp()->hiq->lock);
		both |= hqd_by_doorbell(cp(), CROWD_BELL) && hqd_by_doorbell(cp(), CROWD_BELL + 2);
		pthread_mutex_unlock(&cp()->hiq->lock);
		pause_us(200);
	}
	return both;
}

static void processes_with_and_without_xnack_run_apart_if_the_driver_says_so(void)
{
	CHECK(begin_crowd());
	CHECK(!both_ran(1 << 28));
	WAIT_FOR(crowd_has_run(2));
	CHECK(counted(gpu, "hiq.slices"));
	CHECK(begin_crowd());
	CHECK(both_ran(0));
	CHECK_EQ(counted(gpu, "hiq.slices"), 0);
	CHECK_EQ(verdicts(gpu, NULL), 0);
	end();
}

static void run_lists_that_make_no_sense_are_refused(void)
{
	u32 n;

	for (u32 i = 0; i < 3; i++) {
		CHECK(begin_crowd());
		make_member(0);
		n = i == 0 ? 0 : put_process(RUNLIST, PASID, root);
		n += put_member(RUNLIST + 4 * n, 0);	/* i == 0: of no process */
		if (i == 1)		/* to another list */
			PUT(RUNLIST + 4 * n, PACKET3(0xa5, 2), ADDR(mc(RUNLIST + 64)), n | 1 << 20);
		if (i == 2)		/* not a chain */
			PUT(RUNLIST + 4 * n, PACKET3(0xa5, 2), ADDR(mc(RUNLIST)), n);
		n += i == 0 ? 0 : 4;
		EMIT(&hiq, PACKET3(0xa5, 2), ADDR(mc(RUNLIST)), n | 1 << 23);
		commit(&hiq);
		WAIT_FOR(counted(gpu, "queue.halts") == 1);
		CHECK_EQ(verdicts(gpu, "bad-packet"), 1);
	}
	end();
}

static void a_chain_is_the_end_of_its_list(void)
{
	u32 n;

	CHECK(begin_crowd());
	make_member(0);
	n = put_process(RUNLIST, PASID, root);
	n += put_member(RUNLIST + 4 * n, 0);
	n += put_chain(RUNLIST + 4 * n, n);
	PUT(RUNLIST + 4 * n, 0, 0);
	run_list(n + 2);
	CHECK_NO_BREAK();
	WAIT_FOR(crowd_has_run(1));
	CHECK_EQ(verdicts(gpu, NULL), 0);
	end();
}

static void a_list_without_bounds_is_refused(void)
{
	u64 at = 48u << 20;
	u32 n;

	CHECK(begin_crowd());
	n = put_process(at, PASID, root);
	for (u32 i = 0; i <= 8192; i++)
		n += put_member(at + 4 * n, 0);
	EMIT(&hiq, PACKET3(0xa5, 2), ADDR(mc(at)), n | 1 << 23);
	commit(&hiq);
	WAIT_FOR(counted(gpu, "queue.halts") == 1);
	CHECK_EQ(verdicts(gpu, "bad-packet"), 1);
	end();
}

/* ---- several XCCs ---- */

static void set_partition(unsigned int size)
{
	for (unsigned int i = 0; i < size; i++) {
		xcc = i;
		reg_write(gpu, GC(regCP_HYP_XCP_CTL),
			  i | size << CP_HYP_XCP_CTL__NUM_XCC_IN_XCP__SHIFT);
	}
	xcc = 0;
}

static void a_user_queue_runs_on_the_xcc_that_its_mqd_names(void)
{
	CHECK(begin_hiq_on(4, 0));
	set_partition(4);
	set32(USER_MQD + 4 * MQD_PM4_TARGET_XCC, 3);
	set32(USER_MQD + 4 * MQD_STRIDE, PAGE);
	make_user_mqd(USER_MQD + 3 * PAGE, USER_VA, USER_VA + PAGE);
	run_one_queue();
	CHECK_NO_BREAK();
	for (xcc = 0; xcc < 4; xcc++) {
		CHECK_EQ(user_hqd() != NULL, xcc == 3);
		CHECK_EQ(ih_pasid(gpu, xcc, VMID), PASID);
		CHECK_EQ(ih_pasid(gpu, MMHUB(xcc / 2), VMID), PASID);
	}
	CHECK_EQ(verdicts(gpu, NULL), 0);
	end();
}

static void a_following_xccs_scheduler_leaves_the_work_to_the_first(void)
{
	CHECK(begin_on(2, 1));
	reg_write(gpu, GC(regCP_HYP_XCP_CTL), 1 | 2 << CP_HYP_XCP_CTL__NUM_XCC_IN_XCP__SHIFT);
	hiq = (struct ring){ .vram = HIQ_RING, .bell = HIQ_BELL };
	make_mqd(HIQ_MQD, mc(HIQ_RING), mc(WB + 32));
	emit_map(HIQ_MQD, 2, 0, 0, HIQ_BELL, 1, mc(WB + 40));
	commit(&kiq);
	WAIT_FOR(done(&kiq, kiq_hqd()));
	EMIT(&hiq, PACKET3(0xa4, 5), 2u << 30, 0, ADDR(mc(OUT)), 1, 0);
	commit(&hiq);
	WAIT_FOR(done(&hiq, hiq_hqd()));
	CHECK_EQ(get32(OUT), 0);
	CHECK_EQ(verdicts(gpu, NULL), 0);
	end();
}

static void a_users_queue_has_no_rights(void)
{
	struct ring user = { .vram = USER_RING, .bell = USER_BELL };

	CHECK(begin_hiq_on(1, 0));
	EMIT(&user, PACKET3(0x37, 3), 0, regGRBM_GFX_CNTL + 0x2000, 0, 0x123);
	EMIT(&user, PACKET3(0xa3, 4), 2 << 4, 0, 0, 0, 0);
	set64(USER_RING + PAGE + 8, user.wptr);
	run_one_queue();
	CHECK_NO_BREAK();
	WAIT_FOR(counted(gpu, "queue.halts") == 1);
	CHECK_EQ(verdicts(gpu, "bad-packet"), 1);
	CHECK_EQ(counted(gpu, "cp.register_writes_refused"), 1);
	CHECK(user_hqd());
	end();
}

int main(void)
{
	CASE(a_run_list_gives_processes_vmids_and_runs_their_queues);
	CASE(a_queue_that_was_unmapped_goes_on_when_it_is_mapped_again);
	CASE(a_queue_in_a_fault_can_be_unmapped_and_retries_later);
	CASE(an_interrupted_indirect_buffer_of_a_user_goes_on);
	CASE(queues_of_one_pasid_can_be_unmapped);
	CASE(a_user_sdma_queue_is_mapped_too);
	CASE(a_vmid_keeps_its_process_until_another_needs_it);
	CASE(a_run_list_that_does_not_fit_and_has_no_chain_is_a_verdict);
	CASE(processes_take_turns_when_there_are_too_few_vmids);
	CASE(queues_take_turns_when_there_are_too_few_places);
	CASE(who_waits_for_ever_does_not_keep_the_others_from_running);
	CASE(who_takes_a_vmid_over_faults_for_itself);
	CASE(sdma_queues_take_turns);
	CASE(what_the_driver_takes_off_gets_no_more_turns);
	CASE(a_scheduler_that_is_taken_off_ends_the_turns);
	CASE(processes_with_and_without_xnack_run_apart_if_the_driver_says_so);
	CASE(run_lists_that_make_no_sense_are_refused);
	CASE(a_chain_is_the_end_of_its_list);
	CASE(a_list_without_bounds_is_refused);
	CASE(a_user_queue_runs_on_the_xcc_that_its_mqd_names);
	CASE(a_following_xccs_scheduler_leaves_the_work_to_the_first);
	CASE(a_users_queue_has_no_rights);
	return DONE();
}
