// SPDX-License-Identifier: GPL-2.0-only
/* The verdicts that no other test provokes on its way. */
#include <sys/resource.h>
#include <sys/wait.h>

#include "sdma/sdma_4_4_2_offset.h"
#include "sdma/sdma_4_4_2_sh_mask.h"
#include "../../emu/cp.h"
#include "../../emu/sdma.h"
#include "engine_fixture.h"

#define TAKEN_BELL 0x300u

static void ignore_bell(struct gpu *g, void *ctx, u32 index, u64 value, unsigned int size)
{
	(void)g, (void)ctx, (void)index, (void)value, (void)size;
}

static u32 sdma_reg(u32 offset)
{
	return reg_base(gpu, HW_SDMA, 0, 0) + offset;
}

static void a_compute_queue_cannot_have_the_doorbell_of_another_block(void)
{
	struct hqd *hqd;

	CHECK(gpu_start(1));
	CHECK_EQ(doorbell_claim(gpu, TAKEN_BELL, 1, ignore_bell, NULL), 0);
	hqd = &gpu->cp->xcc[0].hqd[0];
	hqd_write(hqd, HQD(CP_HQD_PQ_CONTROL), 9);
	hqd_write(hqd, HQD(CP_HQD_PQ_DOORBELL_CONTROL),
		  CP_HQD_PQ_DOORBELL_CONTROL__DOORBELL_EN_MASK |
		  TAKEN_BELL << CP_HQD_PQ_DOORBELL_CONTROL__DOORBELL_OFFSET__SHIFT);
	hqd_write(hqd, HQD(CP_HQD_ACTIVE), 1);
	CHECK_EQ(verdicts(gpu, "doorbell-conflict"), 1);
	doorbell_release(gpu, TAKEN_BELL, 1);
	gpu_stop();
}

static void an_sdma_ring_cannot_have_the_doorbell_of_another_block(void)
{
	CHECK(gpu_start(1));
	CHECK_EQ(doorbell_claim(gpu, TAKEN_BELL, 1, ignore_bell, NULL), 0);
	reg_write(gpu, sdma_reg(regSDMA_GFX_DOORBELL), SDMA_GFX_DOORBELL__ENABLE_MASK);
	reg_write(gpu, sdma_reg(regSDMA_GFX_DOORBELL_OFFSET),
		  TAKEN_BELL << SDMA_GFX_DOORBELL_OFFSET__OFFSET__SHIFT);
	CHECK_EQ(verdicts(gpu, "doorbell-conflict"), 1);
	doorbell_release(gpu, TAKEN_BELL, 1);
	gpu_stop();
}

static void a_queue_larger_than_there_are_is_refused(void)
{
	struct hqd *hqd;

	CHECK(gpu_start(1));
	hqd = &gpu->cp->xcc[0].hqd[0];
	hqd_write(hqd, HQD(CP_HQD_PQ_CONTROL), CP_HQD_PQ_CONTROL__QUEUE_SIZE_MASK);
	hqd_write(hqd, HQD(CP_HQD_ACTIVE), 1);
	CHECK_EQ(verdicts(gpu, "bad-queue"), 1);
	CHECK(!hqd_is_active(hqd));
	gpu_stop();
}

/* In a process of its own, which is not allowed to make a thread. */
static int start_without_threads(void)
{
	const struct rlimit none = { 0 };
	const struct queue_config config = { .base = mc(0x10000), .size = 64 };

	if (setrlimit(RLIMIT_NPROC, &none) || (!geteuid() && setresuid(65534, 65534, 65534)))
		return 2;
	queue_start(&gpu->sdma->engine[0].context[0].queue, &config);
	return verdicts(gpu, "emulator") == 1 ? 0 : 1;
}

static void a_queue_without_a_thread_is_a_verdict_about_the_emulator(void)
{
	int status = -1;
	pid_t child;

	CHECK(gpu_start(1));
	fflush(stdout);
	child = fork();
	CHECK(child >= 0);
	if (!child)
		_exit(start_without_threads());
	CHECK(waitpid(child, &status, 0) == child);
	CHECK(WIFEXITED(status));
	CHECK_EQ(WEXITSTATUS(status), 0);
	gpu_stop();
}

int main(void)
{
	CASE(a_compute_queue_cannot_have_the_doorbell_of_another_block);
	CASE(an_sdma_ring_cannot_have_the_doorbell_of_another_block);
	CASE(a_queue_larger_than_there_are_is_refused);
	CASE(a_queue_without_a_thread_is_a_verdict_about_the_emulator);
	return DONE();
}
