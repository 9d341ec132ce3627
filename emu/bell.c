// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which queues hear which doorbell.
 *
 * The doorbell block knows one owner per index. Here several queues may listen
 * to the same one: a partition's HIQ has a queue on every XCC, and so have its
 * user queues. An index that once had a queue stays claimed until reset: a user
 * process may ring the doorbell of a queue that the scheduler has taken off the
 * hardware, which is only counted. For a kernel's doorbell that is a verdict.
 *
 * The lock is not held while a doorbell is released, since that waits for calls
 * under way.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "queue.h"

#define QUEUE_DOORBELL_DWORDS 2

struct bell {
	struct bell *next;
	u32 index;
	bool user;
	u32 num;
	struct queue *queue[];	/* room for every XCC, or one SDMA queue */
};

#define BELL_QUEUES MAX_XCC
#define NUM_BUCKETS 256

struct bells {
	pthread_mutex_t lock;
	struct bell *bucket[NUM_BUCKETS];
};

static struct bell **find(struct bells *bells, u32 index)
{
	struct bell **link = &bells->bucket[index / QUEUE_DOORBELL_DWORDS % NUM_BUCKETS];

	while (*link && (*link)->index != index)
		link = &(*link)->next;
	return link;
}

static void rung(struct gpu *gpu, void *ctx, u32 index, u64 value, unsigned int size)
{
	struct bells *bells = ctx;
	struct queue *queue[BELL_QUEUES];
	struct bell *bell;
	bool user;
	u32 num = 0;

	(void)size;
	pthread_mutex_lock(&bells->lock);
	bell = *find(bells, index & ~(QUEUE_DOORBELL_DWORDS - 1u));
	for (; bell && num < bell->num; num++)
		queue[num] = bell->queue[num];
	user = bell && bell->user;
	pthread_mutex_unlock(&bells->lock);
	/* Queues live as long as their engine: safe without the lock. */
	for (u32 i = 0; i < num; i++)
		queue_set_wptr(queue[i], value);
	if (!num && user)
		count(gpu, "doorbell.unattached", 1);
	else if (!num)
		verdict(gpu, "doorbell-unmapped", "doorbell 0x%x of a queue that is off: 0x%llx",
			index, (unsigned long long)value);
}

static struct bell *new_bell(struct gpu *gpu, u32 index)
{
	struct bell *bell = calloc(1, sizeof(*bell) + BELL_QUEUES * sizeof(bell->queue[0]));

	if (!bell)
		return NULL;
	if (doorbell_claim(gpu, index, QUEUE_DOORBELL_DWORDS, rung, gpu->bells)) {
		free(bell);
		return NULL;
	}
	bell->index = index;
	return bell;
}

int bell_attach(struct gpu *gpu, u32 index, struct queue *queue, bool user)
{
	struct bells *bells = gpu->bells;
	struct bell **link;
	int ret = 0;

	index &= ~(QUEUE_DOORBELL_DWORDS - 1u);
	pthread_mutex_lock(&bells->lock);
	link = find(bells, index);
	if (!*link)
		*link = new_bell(gpu, index);
	if (!*link || (*link)->num == BELL_QUEUES) {
		ret = -EBUSY;
	} else {
		(*link)->user |= user;
		(*link)->queue[(*link)->num++] = queue;
	}
	pthread_mutex_unlock(&bells->lock);
	return ret;
}

void bell_detach(struct gpu *gpu, u32 index, struct queue *queue)
{
	struct bells *bells = gpu->bells;
	struct bell *bell;

	pthread_mutex_lock(&bells->lock);
	bell = *find(bells, index & ~(QUEUE_DOORBELL_DWORDS - 1u));
	for (u32 i = 0; bell && i < bell->num; i++) {
		if (bell->queue[i] != queue)
			continue;
		bell->queue[i] = bell->queue[--bell->num];
		break;
	}
	pthread_mutex_unlock(&bells->lock);
}

int bells_init(struct gpu *gpu)
{
	gpu->bells = calloc(1, sizeof(*gpu->bells));
	if (!gpu->bells) {
		fprintf(stderr, "bells: out of memory\n");
		return -ENOMEM;
	}
	pthread_mutex_init(&gpu->bells->lock, NULL);
	return 0;
}

static void release_all(struct gpu *gpu, struct bell *bell)
{
	while (bell) {
		struct bell *next = bell->next;

		doorbell_release(gpu, bell->index, QUEUE_DOORBELL_DWORDS);
		free(bell);
		bell = next;
	}
}

/* Takes out the doorbells that no queue listens to. */
static struct bell *take_unused(struct bells *bells)
{
	struct bell *unused = NULL;

	pthread_mutex_lock(&bells->lock);
	for (u32 i = 0; i < NUM_BUCKETS; i++) {
		struct bell **link = &bells->bucket[i];

		while (*link) {
			struct bell *bell = *link;

			if (bell->num) {
				link = &bell->next;
				continue;
			}
			*link = bell->next;
			bell->next = unused;
			unused = bell;
		}
	}
	pthread_mutex_unlock(&bells->lock);
	return unused;
}

void bells_reset(struct gpu *gpu)
{
	release_all(gpu, take_unused(gpu->bells));
}

void bells_fini(struct gpu *gpu)
{
	struct bells *bells = gpu->bells;

	if (!bells)
		return;
	for (u32 i = 0; i < NUM_BUCKETS; i++)
		release_all(gpu, bells->bucket[i]);
	pthread_mutex_destroy(&bells->lock);
	free(bells);
	gpu->bells = NULL;
}
