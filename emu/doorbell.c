// SPDX-License-Identifier: GPL-2.0-only
/*
 * The doorbell BAR: who has claimed which doorbells, and the values that were
 * last written.
 *
 * A claim is called without the lock, since what it does takes the lock of its
 * queue. Instead it is pinned: doorbell_release() returns only when no call of
 * the claim is under way, so that its context may be freed then.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "asic.h"

struct claim {
	u32 index;
	u32 count;
	doorbell_fn fn;
	void *ctx;
	unsigned int calls;	/* under way */
	bool released;
};

struct doorbells {
	u64 size;		/* bytes */
	pthread_mutex_t lock;	/* what follows */
	pthread_cond_t idle;	/* a released claim's last call has returned */
	struct claim **claims;	/* sorted, disjoint */
	size_t num;
	size_t room;
	u8 *values;		/* the BAR as last written */
	size_t written;		/* bytes of it, from the start, since reset */
};

int doorbells_init(struct gpu *gpu)
{
	struct doorbells *d = calloc(1, sizeof(*d));

	if (d) {
		d->size = gpu->asic->doorbell_size;
		d->values = calloc(1, d->size);
	}
	if (!d || !d->values) {
		fprintf(stderr, "gpu-emu: no memory for the doorbells\n");
		free(d);
		return -ENOMEM;
	}
	pthread_mutex_init(&d->lock, NULL);
	pthread_cond_init(&d->idle, NULL);
	gpu->doorbells = d;
	return 0;
}

void doorbells_fini(struct gpu *gpu)
{
	struct doorbells *d = gpu->doorbells;

	if (!d)
		return;
	for (size_t i = 0; i < d->num; i++)
		free(d->claims[i]);
	pthread_mutex_destroy(&d->lock);
	pthread_cond_destroy(&d->idle);
	free(d->claims);
	free(d->values);
	free(d);
	gpu->doorbells = NULL;
}

/* Claims stay: those of queues go with their queues, the others are wired. */
void doorbells_reset(struct gpu *gpu)
{
	struct doorbells *d = gpu->doorbells;

	pthread_mutex_lock(&d->lock);
	memset(d->values, 0, d->written);
	d->written = 0;
	pthread_mutex_unlock(&d->lock);
}

/* Position of the first claim that ends after @index; with the lock held. */
static size_t first_after(const struct doorbells *d, u32 index)
{
	size_t low = 0, high = d->num;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (d->claims[mid]->index + (d->claims[mid]->count - 1) < index)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static bool valid_range(const struct doorbells *d, u32 index, u32 count)
{
	return count && (u64)index + count <= d->size / sizeof(u32);
}

static int insert(struct doorbells *d, struct claim *claim)
{
	size_t at = first_after(d, claim->index);

	if (at < d->num && d->claims[at]->index < claim->index + claim->count)
		return -EBUSY;
	if (d->num == d->room) {
		size_t room = d->room ? d->room * 2 : 64;
		struct claim **more = realloc(d->claims, room * sizeof(struct claim *));

		if (!more)
			return -ENOMEM;
		d->claims = more;
		d->room = room;
	}
	memmove(&d->claims[at + 1], &d->claims[at], (d->num - at) * sizeof(struct claim *));
	d->claims[at] = claim;
	d->num++;
	return 0;
}

int doorbell_claim(struct gpu *gpu, u32 index, u32 count, doorbell_fn fn, void *ctx)
{
	struct doorbells *d = gpu->doorbells;
	struct claim *claim;
	int err;

	if (!valid_range(d, index, count))
		return -EINVAL;
	claim = calloc(1, sizeof(*claim));
	if (!claim)
		return -ENOMEM;
	*claim = (struct claim){ .index = index, .count = count, .fn = fn, .ctx = ctx };
	pthread_mutex_lock(&d->lock);
	err = insert(d, claim);
	pthread_mutex_unlock(&d->lock);
	if (err)
		free(claim);
	return err;
}

/* Claims are released as they were made; a range that is not one is ignored. */
void doorbell_release(struct gpu *gpu, u32 index, u32 count)
{
	struct doorbells *d = gpu->doorbells;
	struct claim *claim;
	size_t at;

	pthread_mutex_lock(&d->lock);
	at = first_after(d, index);
	claim = at < d->num ? d->claims[at] : NULL;
	if (!claim || claim->index != index || claim->count != count) {
		pthread_mutex_unlock(&d->lock);
		return;
	}
	d->num--;
	memmove(&d->claims[at], &d->claims[at + 1], (d->num - at) * sizeof(struct claim *));
	claim->released = true;
	while (claim->calls)
		pthread_cond_wait(&d->idle, &d->lock);
	pthread_mutex_unlock(&d->lock);
	free(claim);
}

static void ring(struct gpu *gpu, u32 index, u64 value, unsigned int size)
{
	struct doorbells *d = gpu->doorbells;
	struct claim *claim;
	size_t at;

	pthread_mutex_lock(&d->lock);
	memcpy(d->values + (size_t)index * sizeof(u32), &value, size);
	if (d->written < (size_t)index * sizeof(u32) + size)
		d->written = (size_t)index * sizeof(u32) + size;
	at = first_after(d, index);
	claim = at < d->num && d->claims[at]->index <= index ? d->claims[at] : NULL;
	if (claim)
		claim->calls++;
	pthread_mutex_unlock(&d->lock);

	if (!claim) {
		verdict(gpu, "doorbell-unmapped", "0x%llx written to doorbell 0x%x (dwords)",
			(unsigned long long)value, index);
		return;
	}
	claim->fn(gpu, claim->ctx, index, value, size);

	pthread_mutex_lock(&d->lock);
	claim->calls--;
	if (claim->released && !claim->calls)
		pthread_cond_broadcast(&d->idle);
	pthread_mutex_unlock(&d->lock);
}

/* Outside these bounds, or torn, there is no doorbell that hardware would ring. */
static bool valid_access(struct gpu *gpu, u64 offset, size_t len, bool write)
{
	bool sized = len == 4 || len == 8 || (!write && (len == 1 || len == 2));

	if (sized && offset <= gpu->doorbells->size - len && !(offset & (len - 1)))
		return true;
	verdict(gpu, "doorbell-malformed", "%s of %zu bytes at doorbell BAR offset 0x%llx",
		write ? "write" : "read", len, (unsigned long long)offset);
	return false;
}

void doorbell_write(struct gpu *gpu, u64 offset, const void *buf, size_t len)
{
	u64 value = 0;

	if (!valid_access(gpu, offset, len, true))
		return;
	memcpy(&value, buf, len);
	ring(gpu, (u32)(offset / sizeof(u32)), value, (unsigned int)len);
}

void doorbell_read(struct gpu *gpu, u64 offset, void *buf, size_t len)
{
	struct doorbells *d = gpu->doorbells;

	if (!valid_access(gpu, offset, len, false)) {
		memset(buf, 0, len);
		return;
	}
	pthread_mutex_lock(&d->lock);
	memcpy(buf, d->values + offset, len);
	pthread_mutex_unlock(&d->lock);
}
