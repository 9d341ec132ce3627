// SPDX-License-Identifier: GPL-2.0-only
/* Who hears a doorbell, and when it may go. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>

#include "asic.h"
#include "test.h"

static struct gpu gpu;
static struct {
	unsigned int calls;
	void *ctx;
	u32 index;
	u64 value;
	unsigned int size;
} heard;

static void start(void)
{
	memset(&gpu, 0, sizeof(gpu));
	memset(&heard, 0, sizeof(heard));
	CHECK_EQ(asic_configure(&gpu, "mi300x", 1, 0), 0);
	CHECK_EQ(report_init(&gpu, NULL), 0);
	CHECK_EQ(doorbells_init(&gpu), 0);
}

static void stop(void)
{
	doorbells_fini(&gpu);
	report_fini(&gpu);
}

static void hear(struct gpu *g, void *ctx, u32 index, u64 value, unsigned int size)
{
	(void)g;
	heard.calls++;
	heard.ctx = ctx;
	heard.index = index;
	heard.value = value;
	heard.size = size;
}

static void ring(u32 index, u64 value, size_t size)
{
	doorbell_write(&gpu, index * 4ull, &value, size);
}

static void a_claim_hears_its_doorbells(void)
{
	int mine;

	start();
	CHECK_EQ(doorbell_claim(&gpu, 0x20, 4, hear, &mine), 0);
	ring(0x20, 0x1122334455667788, 8);
	CHECK_EQ(heard.calls, 1);
	CHECK_EQ(heard.index, 0x20);
	CHECK_EQ(heard.value, 0x1122334455667788);
	CHECK_EQ(heard.size, 8);
	CHECK(heard.ctx == &mine);
	ring(0x23, 0xaabbccdd, 4);
	CHECK_EQ(heard.calls, 2);
	CHECK_EQ(heard.index, 0x23);
	CHECK_EQ(heard.value, 0xaabbccdd);
	CHECK_EQ(heard.size, 4);
	CHECK_EQ(verdicts(&gpu, NULL), 0);
	stop();
}

static void a_doorbell_nobody_claimed_is_a_verdict(void)
{
	start();
	CHECK_EQ(doorbell_claim(&gpu, 0x20, 4, hear, NULL), 0);
	ring(0x1f, 1, 4);
	ring(0x24, 1, 8);
	ring(0, 1, 4);
	CHECK_EQ(heard.calls, 0);
	CHECK_EQ(verdicts(&gpu, "doorbell-unmapped"), 3);
	stop();
}

static void a_doorbell_has_one_owner(void)
{
	const u32 last = (2 << 20) / 4 - 1;

	start();
	CHECK_EQ(doorbell_claim(&gpu, 0x20, 4, hear, NULL), 0);
	CHECK_EQ(doorbell_claim(&gpu, 0x20, 1, hear, NULL), -EBUSY);
	CHECK_EQ(doorbell_claim(&gpu, 0x1f, 2, hear, NULL), -EBUSY);
	CHECK_EQ(doorbell_claim(&gpu, 0x23, 2, hear, NULL), -EBUSY);
	CHECK_EQ(doorbell_claim(&gpu, 0x10, 0x40, hear, NULL), -EBUSY);
	CHECK_EQ(doorbell_claim(&gpu, 0x24, 1, hear, NULL), 0);
	CHECK_EQ(doorbell_claim(&gpu, 0x1e, 2, hear, NULL), 0);
	CHECK_EQ(doorbell_claim(&gpu, last, 1, hear, NULL), 0);
	CHECK_EQ(doorbell_claim(&gpu, last + 1, 1, hear, NULL), -EINVAL);
	CHECK_EQ(doorbell_claim(&gpu, last - 1, 3, hear, NULL), -EINVAL);
	CHECK_EQ(doorbell_claim(&gpu, ~0u, ~0u, hear, NULL), -EINVAL);
	CHECK_EQ(doorbell_claim(&gpu, 0, 0, hear, NULL), -EINVAL);
	stop();
}

static void a_released_doorbell_is_silent_and_free(void)
{
	start();
	CHECK_EQ(doorbell_claim(&gpu, 0x20, 4, hear, NULL), 0);
	doorbell_release(&gpu, 0x20, 2);	/* not as claimed */
	ring(0x20, 1, 4);
	CHECK_EQ(heard.calls, 1);
	doorbell_release(&gpu, 0x20, 4);
	ring(0x20, 2, 4);
	CHECK_EQ(heard.calls, 1);
	CHECK_EQ(verdicts(&gpu, "doorbell-unmapped"), 1);
	CHECK_EQ(doorbell_claim(&gpu, 0x21, 1, hear, NULL), 0);
	stop();
}

static void many_claims_are_told_apart(void)
{
	static int who[500];

	start();
	for (u32 i = 0; i < 500; i++) {
		u32 k = i * 7 % 500;	/* not in order */

		CHECK_EQ(doorbell_claim(&gpu, k * 2, 2, hear, &who[k]), 0);
	}
	for (u32 i = 0; i < 500; i += 2)
		doorbell_release(&gpu, i * 2, 2);
	for (u32 i = 1; i < 500; i += 2) {
		ring(i * 2 + (i & 1), i, 4);
		CHECK(heard.ctx == &who[i]);
	}
	CHECK_EQ(heard.calls, 250);
	CHECK_EQ(verdicts(&gpu, NULL), 0);
	stop();
}

static void reading_gives_the_last_value(void)
{
	u64 value = 1;

	start();
	CHECK_EQ(doorbell_claim(&gpu, 0x20, 4, hear, NULL), 0);
	ring(0x20, 0x1122334455667788, 8);
	doorbell_read(&gpu, 0x80, &value, 8);
	CHECK_EQ(value, 0x1122334455667788);
	value = 0;
	doorbell_read(&gpu, 0x84, &value, 4);
	CHECK_EQ(value, 0x11223344);
	doorbells_reset(&gpu);
	doorbell_read(&gpu, 0x80, &value, 8);
	CHECK_EQ(value, 0);
	stop();
}

static void a_torn_access_rings_nothing(void)
{
	static const struct { u64 offset; size_t len; } bad[] = {
		{ 0x80, 1 }, { 0x80, 2 }, { 0x82, 4 }, { 0x84, 8 }, { 0x80, 3 }, { 0x80, 0 },
		{ 2 << 20, 4 }, { (2 << 20) - 4, 8 }, { ~0ull - 3, 4 }, { ~0ull - 7, 8 },
	};
	u64 value = 1;

	start();
	CHECK_EQ(doorbell_claim(&gpu, 0, (2 << 20) / 4, hear, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		doorbell_write(&gpu, bad[i].offset, &value, bad[i].len);
	CHECK_EQ(heard.calls, 0);
	CHECK_EQ(verdicts(&gpu, "doorbell-malformed"), ARRAY_SIZE(bad));
	doorbell_read(&gpu, ~0ull - 7, &value, 8);
	CHECK_EQ(value, 0);
	stop();
}

/* A queue that is torn down while its doorbell is being rung. */
static sem_t entered, leave;
static atomic_bool left, released, left_before_release;

static void hear_slowly(struct gpu *g, void *ctx, u32 index, u64 value, unsigned int size)
{
	hear(g, ctx, index, value, size);
	sem_post(&entered);
	sem_wait(&leave);
	atomic_store(&left, true);
}

static void *ring_thread(void *arg)
{
	(void)arg;
	ring(0x20, 1, 4);
	return NULL;
}

static void *release_thread(void *arg)
{
	(void)arg;
	doorbell_release(&gpu, 0x20, 4);
	atomic_store(&left_before_release, atomic_load(&left));
	atomic_store(&released, true);
	return NULL;
}

static void release_waits_for_the_call_under_way(void)
{
	pthread_t ringer, releaser;

	start();
	sem_init(&entered, 0, 0);
	sem_init(&leave, 0, 0);
	CHECK_EQ(doorbell_claim(&gpu, 0x20, 4, hear_slowly, NULL), 0);
	CHECK_EQ(pthread_create(&ringer, NULL, ring_thread, NULL), 0);
	sem_wait(&entered);
	CHECK_EQ(pthread_create(&releaser, NULL, release_thread, NULL), 0);
	/* The release is under way as soon as somebody else can have the doorbell. */
	while (doorbell_claim(&gpu, 0x20, 4, hear, NULL))
		sched_yield();
	CHECK(!atomic_load(&released));
	sem_post(&leave);
	pthread_join(releaser, NULL);
	pthread_join(ringer, NULL);
	CHECK(atomic_load(&left_before_release));
	ring(0x20, 2, 4);
	CHECK_EQ(heard.value, 2);
	sem_destroy(&entered);
	sem_destroy(&leave);
	stop();
}

int main(void)
{
	CASE(a_claim_hears_its_doorbells);
	CASE(a_doorbell_nobody_claimed_is_a_verdict);
	CASE(a_doorbell_has_one_owner);
	CASE(a_released_doorbell_is_silent_and_free);
	CASE(many_claims_are_told_apart);
	CASE(reading_gives_the_last_value);
	CASE(a_torn_access_rings_nothing);
	CASE(release_waits_for_the_call_under_way);
	return DONE();
}
