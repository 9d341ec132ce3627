// SPDX-License-Identifier: GPL-2.0-only
/* The user queue scheduler: run lists, processes and their VMIDs, queues that come and go. */
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

static void a_run_list_that_does_not_fit_is_a_verdict(void)
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
	CASE(a_run_list_that_does_not_fit_is_a_verdict);
	CASE(a_user_queue_runs_on_the_xcc_that_its_mqd_names);
	CASE(a_following_xccs_scheduler_leaves_the_work_to_the_first);
	CASE(a_users_queue_has_no_rights);
	return DONE();
}
