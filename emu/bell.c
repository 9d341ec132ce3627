// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which queues hear which doorbell.
 *
 * The doorbell block knows one owner per index. Here several queues may listen
 * to the same one: a partition's HIQ has a queue on every XCC, and so have its
 * user queues.
 *
 * Doorbells of the first page are those of the driver's own engines, each claimed
 * by itself when it first gets a queue: ringing one that is no queue's is a
 * verdict. All behind it come and go with processes. The bus hands them to the
 * command processor, and one that nobody listens to does no harm: a user may
 * ring what has been taken off the hardware, and the driver rings the HIQ before
 * the KIQ has mapped it, because mapping reads the write pointer from memory.
 * These are counted.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "asic.h"
#include "queue.h"

#define QUEUE_DOORBELL_DWORDS 2
#define FIRST_PROCESS_DOORBELL (GPU_PAGE_SIZE / 4)
#define BELL_QUEUES MAX_XCC
#define NUM_BUCKETS 256

struct bell {
	struct bell *next;
	u32 index;
	u32 num;
	struct queue *queue[BELL_QUEUES];
};

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
	u32 num = 0;

	(void)size;
	pthread_mutex_lock(&bells->lock);
	bell = *find(bells, index & ~(QUEUE_DOORBELL_DWORDS - 1u));
	for (; bell && num < bell->num; num++)
		queue[num] = bell->queue[num];
	pthread_mutex_unlock(&bells->lock);
	/* Queues live as long as their engine: safe without the lock. */
	for (u32 i = 0; i < num; i++)
		queue_ring_doorbell(queue[i], value);
	if (!num && index >= FIRST_PROCESS_DOORBELL)
		count(gpu, "doorbell.unattached", 1);
	else if (!num)
		verdict(gpu, "doorbell-unmapped", "doorbell 0x%x of a queue that is off: 0x%llx",
			index, (unsigned long long)value);
}

static struct bell *new_bell(struct gpu *gpu, u32 index)
{
	struct bell *bell = calloc(1, sizeof(*bell));

	if (!bell)
		return NULL;
	if (index < FIRST_PROCESS_DOORBELL &&
	    doorbell_claim(gpu, index, QUEUE_DOORBELL_DWORDS, rung, gpu->bells)) {
		free(bell);
		return NULL;
	}
	bell->index = index;
	return bell;
}

int bell_attach(struct gpu *gpu, u32 index, struct queue *queue)
{
	struct bells *bells = gpu->bells;
	struct bell **link;
	int ret = 0;

	index &= ~(QUEUE_DOORBELL_DWORDS - 1u);
	if (index >= gpu->asic->doorbell_size / 4)
		return -EINVAL;
	pthread_mutex_lock(&bells->lock);
	link = find(bells, index);
	if (!*link)
		*link = new_bell(gpu, index);
	if (!*link || (*link)->num == BELL_QUEUES)
		ret = -EBUSY;
	else
		(*link)->queue[(*link)->num++] = queue;
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

/* Without the lock: releasing waits for calls under way. */
static void release_all(struct gpu *gpu, struct bell *bell)
{
	while (bell) {
		struct bell *next = bell->next;

		if (bell->index < FIRST_PROCESS_DOORBELL)
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

static u32 num_process_doorbells(const struct gpu *gpu)
{
	return (u32)(gpu->asic->doorbell_size / 4 - FIRST_PROCESS_DOORBELL);
}

int bells_init(struct gpu *gpu)
{
	int ret;

	gpu->bells = calloc(1, sizeof(*gpu->bells));
	if (!gpu->bells) {
		fprintf(stderr, "bells: out of memory\n");
		return -ENOMEM;
	}
	pthread_mutex_init(&gpu->bells->lock, NULL);
	ret = doorbell_claim(gpu, FIRST_PROCESS_DOORBELL, num_process_doorbells(gpu), rung,
			     gpu->bells);
	if (ret)
		fprintf(stderr, "bells: the doorbells of processes are taken\n");
	return ret;
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
	doorbell_release(gpu, FIRST_PROCESS_DOORBELL, num_process_doorbells(gpu));
	for (u32 i = 0; i < NUM_BUCKETS; i++)
		release_all(gpu, bells->bucket[i]);
	pthread_mutex_destroy(&bells->lock);
	free(bells);
	gpu->bells = NULL;
}
