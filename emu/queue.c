// SPDX-License-Identifier: GPL-2.0-only
/*
 * The life of a queue and its thread; see queue.h for the states.
 *
 * The thread is made when the queue is first started and sleeps while the queue
 * is off. The write pointer may be stored at any time by a doorbell or a
 * register; the read pointer is stored by the thread only.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "queue.h"

#define REPORT_DISTANCE 512	/* dwords a busy queue may be ahead of its reported rptr */
#define WPTR_POLL_US 1000
#define STOP_POLL_US 1000
#define STACK_SIZE (512u << 10)

static void deadline_in(struct timespec *ts, unsigned int us)
{
	clock_gettime(CLOCK_MONOTONIC, ts);
	ts->tv_sec += us / 1000000;
	ts->tv_nsec += (long)(us % 1000000) * 1000;
	if (ts->tv_nsec >= 1000000000) {
		ts->tv_sec++;
		ts->tv_nsec -= 1000000000;
	}
}

u64 gpu_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return ((u64)now.tv_sec * 1000000000 + (u64)now.tv_nsec) / 10;
}

int queue_init(struct queue *queue, struct gpu *gpu, const struct queue_ops *ops,
	       enum trace_class trace, const char *name)
{
	pthread_condattr_t attr;

	queue->gpu = gpu;
	queue->ops = ops;
	queue->trace = trace;
	snprintf(queue->name, sizeof(queue->name), "%s", name);
	queue->port.gpu = gpu;
	queue->port.name = queue->name;
	pthread_mutex_init(&queue->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&queue->cond, &attr);
	pthread_condattr_destroy(&attr);
	queue->scratch = malloc(QUEUE_SCRATCH);
	return queue->scratch ? 0 : -ENOMEM;
}

void queue_fini(struct queue *queue)
{
	if (!queue->gpu)
		return;
	queue_stop(queue);
	pthread_mutex_lock(&queue->lock);
	queue->quit = true;
	pthread_cond_broadcast(&queue->cond);
	pthread_mutex_unlock(&queue->lock);
	if (queue->has_thread)
		pthread_join(queue->thread, NULL);
	pthread_cond_destroy(&queue->cond);
	pthread_mutex_destroy(&queue->lock);
	free(queue->scratch);
	memset(queue, 0, sizeof(*queue));
}

/* Only forwards: a doorbell may have been faster than the value in memory. */
static void advance_wptr(struct queue *queue, u64 wptr)
{
	unsigned long long old = atomic_load(&queue->wptr);

	while ((s64)(wptr - old) > 0 &&
	       !atomic_compare_exchange_weak(&queue->wptr, &old, wptr))
		;
}

static int read_wptr(struct queue *queue, u64 addr)
{
	u64 raw;
	int ret = vm_read(&queue->port, queue->config.vmid, addr, &raw, sizeof(raw));

	if (!ret)
		advance_wptr(queue, queue->ops->wptr(queue, raw));
	return ret;
}

static u64 first_rptr(const struct queue_config *config, u64 wptr)
{
	if (config->rptr_wraps)
		return wptr - ((wptr - config->rptr) & (config->size - 1));
	return config->rptr;
}

static void take_config(struct queue *queue)
{
	const struct queue_config *config = &queue->config;

	queue->idle_us = 0;
	queue->resume = config->keep_rptr ? queue->resume : config->resume;
	if (config->wptr_addr)
		read_wptr(queue, config->wptr_addr);
	if (!config->keep_rptr)
		atomic_store(&queue->rptr, first_rptr(config, atomic_load(&queue->wptr)));
	queue->reported = atomic_load(&queue->rptr);
	trace(queue->gpu, queue->trace, "%s: on, base 0x%llx size %llu vmid %u rptr %llu wptr %llu",
	      queue->name, (unsigned long long)config->base, (unsigned long long)config->size,
	      config->vmid, (unsigned long long)atomic_load(&queue->rptr),
	      (unsigned long long)atomic_load(&queue->wptr));
}

static void report_rptr(struct queue *queue)
{
	u64 rptr = atomic_load(&queue->rptr);

	if (rptr == queue->reported)
		return;
	queue->reported = rptr;
	queue->ops->report(queue, rptr);
}

static void halt(struct queue *queue)
{
	trace(queue->gpu, queue->trace, "%s: halted at %llu", queue->name,
	      (unsigned long long)atomic_load(&queue->rptr));
	count(queue->gpu, "queue.halts", 1);
	pthread_mutex_lock(&queue->lock);
	queue->halted = true;
	pthread_mutex_unlock(&queue->lock);
}

/* With the lock held: sleeps until there is something to look at. */
static void wait_kick(struct queue *queue, unsigned int us)
{
	struct timespec until;

	if (us) {
		deadline_in(&until, us);
		pthread_cond_timedwait(&queue->cond, &queue->lock, &until);
	} else {
		pthread_cond_wait(&queue->cond, &queue->lock);
	}
}

/* Returns false when the queue is to park. */
static bool wait_work(struct queue *queue, bool retry)
{
	bool poll = queue->config.poll_addr && !retry;
	unsigned int us = poll ? WPTR_POLL_US : queue->idle_us;
	bool work = false;

	if (poll && read_wptr(queue, queue->config.poll_addr) == -EINTR)
		return false;
	pthread_mutex_lock(&queue->lock);
	queue->busy = false;
	while (queue->state == QUEUE_RUNNING) {
		bool ready = atomic_load(&queue->rptr) != atomic_load(&queue->wptr);

		work = ready && !queue->halted && !queue->paused && (!retry || queue->kicked);
		if (work)
			break;
		wait_kick(queue, us);
		if (us && !queue->halted && !queue->paused)
			break;
	}
	queue->kicked = false;
	queue->busy = work;
	poll = queue->state == QUEUE_RUNNING;
	pthread_mutex_unlock(&queue->lock);
	return poll;
}

static int ring_packet(struct queue *queue, struct stream *ring)
{
	u64 rptr = atomic_load(&queue->rptr);
	u64 wptr = atomic_load(&queue->wptr);
	int ret;

	if (rptr == wptr)
		return 0;	/* polling found nothing */
	if (queue->config.monotonic && wptr - rptr > queue->config.size)
		wptr = rptr + queue->config.size;
	if (wptr - rptr > queue->config.size) {
		verdict(queue->gpu, "ring-overrun", "%s: wptr %llu with rptr %llu in a ring of %llu",
			queue->name, (unsigned long long)wptr, (unsigned long long)rptr,
			(unsigned long long)queue->config.size);
		return -EPROTO;
	}
	ring->pos = rptr;
	ring->end = wptr;
	queue_chaos(ring);
	ret = queue->ops->packet(queue, ring);
	if (ret)
		return ret;
	queue->resume = (struct resume){ 0 };
	atomic_store(&queue->rptr, ring->pos);
	return 0;
}

static void run(struct queue *queue)
{
	struct stream ring = {
		.queue = queue,
		.vmid = queue->config.vmid,
		.privileged = queue->config.privileged,
		.base = queue->config.base,
		.size = queue->config.size,
	};
	int ret = 0;

	while (wait_work(queue, ret == -EAGAIN)) {
		if (queue->idle_us)
			queue->ops->idle(queue);
		ret = ring_packet(queue, &ring);
		if (ret == -EINTR)
			break;
		if (ret && ret != -EAGAIN)
			halt(queue);
		if (ret || atomic_load(&queue->rptr) == atomic_load(&queue->wptr) ||
		    atomic_load(&queue->rptr) - queue->reported >= REPORT_DISTANCE)
			report_rptr(queue);
	}
}

/* The queue has been told to stop; memory is still the engine's to write. */
static void park(struct queue *queue)
{
	/* The report must not wait for a fault; it may fail, the register is there. */
	report_rptr(queue);
	trace(queue->gpu, queue->trace, "%s: off at %llu", queue->name,
	      (unsigned long long)atomic_load(&queue->rptr));
	queue->ops->parked(queue);
	pthread_mutex_lock(&queue->lock);
	queue->state = QUEUE_OFF;
	queue->halted = false;
	queue->busy = false;
	pthread_cond_broadcast(&queue->cond);
	pthread_mutex_unlock(&queue->lock);
}

static void *queue_main(void *arg)
{
	struct queue *queue = arg;

	pthread_mutex_lock(&queue->lock);
	for (;;) {
		while (!queue->start_pending && !queue->quit)
			pthread_cond_wait(&queue->cond, &queue->lock);
		if (queue->quit)
			break;
		queue->start_pending = false;
		queue->config = queue->next;
		queue->state = QUEUE_RUNNING;
		atomic_store(&queue->port.stop, false);
		pthread_mutex_unlock(&queue->lock);

		take_config(queue);
		run(queue);
		park(queue);
		pthread_mutex_lock(&queue->lock);
	}
	pthread_mutex_unlock(&queue->lock);
	return NULL;
}

static bool make_thread(struct queue *queue)
{
	pthread_attr_t attr;

	if (queue->has_thread)
		return true;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	queue->has_thread = !pthread_create(&queue->thread, &attr, queue_main, queue);
	pthread_attr_destroy(&attr);
	return queue->has_thread;
}

void queue_start(struct queue *queue, const struct queue_config *config)
{
	pthread_mutex_lock(&queue->lock);
	if (!make_thread(queue)) {
		verdict(queue->gpu, "emulator", "%s: no thread", queue->name);
	} else if (queue->state != QUEUE_RUNNING) {
		queue->next = *config;
		queue->start_pending = true;
		atomic_store(&queue->monotonic, config->monotonic);
		/* Here and not on the thread: a doorbell may follow at once. */
		if (config->set_wptr)
			atomic_store(&queue->wptr, config->wptr);
		/* And nobody may take the position of an earlier life for this one's. */
		if (queue->state == QUEUE_OFF && !config->keep_rptr)
			atomic_store(&queue->rptr, first_rptr(config, atomic_load(&queue->wptr)));
		pthread_cond_broadcast(&queue->cond);
	}
	pthread_mutex_unlock(&queue->lock);
}

void queue_stop(struct queue *queue)
{
	pthread_mutex_lock(&queue->lock);
	queue->start_pending = false;
	if (queue->state == QUEUE_RUNNING)
		queue->state = QUEUE_STOPPING;
	if (queue->state == QUEUE_STOPPING)
		atomic_store(&queue->port.stop, true);
	pthread_cond_broadcast(&queue->cond);
	pthread_mutex_unlock(&queue->lock);
	if (atomic_load(&queue->port.stop))
		vm_wake(queue->gpu);
}

int queue_wait_off(struct queue *queue, struct queue *by)
{
	int ret = 0;

	pthread_mutex_lock(&queue->lock);
	while (!ret && (queue->state != QUEUE_OFF || queue->start_pending)) {
		wait_kick(queue, by ? STOP_POLL_US : 0);
		if (by && queue_stopping(by))
			ret = -EINTR;
	}
	pthread_mutex_unlock(&queue->lock);
	return ret;
}

void queue_pause(struct queue *queue, bool paused)
{
	pthread_mutex_lock(&queue->lock);
	queue->paused = paused;
	queue->kicked = true;
	pthread_cond_broadcast(&queue->cond);
	pthread_mutex_unlock(&queue->lock);
}

void queue_kick(struct queue *queue)
{
	pthread_mutex_lock(&queue->lock);
	queue->kicked = true;
	pthread_cond_broadcast(&queue->cond);
	pthread_mutex_unlock(&queue->lock);
}

static void set_wptr(struct queue *queue, u64 wptr)
{
	if (atomic_load(&queue->monotonic))
		advance_wptr(queue, wptr);
	else
		atomic_store(&queue->wptr, wptr);
	queue_kick(queue);
}

void queue_set_wptr(struct queue *queue, u64 raw)
{
	set_wptr(queue, queue->ops->wptr(queue, raw));
}

void queue_ring_doorbell(struct queue *queue, u64 raw)
{
	set_wptr(queue, queue->ops->doorbell ? queue->ops->doorbell(queue, raw) :
					       queue->ops->wptr(queue, raw));
}

bool queue_is_off(struct queue *queue)
{
	bool off;

	pthread_mutex_lock(&queue->lock);
	off = queue->state == QUEUE_OFF && !queue->start_pending;
	pthread_mutex_unlock(&queue->lock);
	return off;
}

bool queue_is_idle(struct queue *queue)
{
	bool idle;

	pthread_mutex_lock(&queue->lock);
	idle = (queue->state == QUEUE_OFF && !queue->start_pending) ||
	       (!queue->busy && atomic_load(&queue->rptr) == atomic_load(&queue->wptr));
	pthread_mutex_unlock(&queue->lock);
	return idle;
}

bool queue_is_executing(struct queue *queue)
{
	bool executing;

	pthread_mutex_lock(&queue->lock);
	executing = queue->state != QUEUE_OFF && (queue->busy || queue->halted);
	pthread_mutex_unlock(&queue->lock);
	return executing;
}

int queue_sleep(struct queue *queue, unsigned int us)
{
	struct timespec until;

	deadline_in(&until, us);
	pthread_mutex_lock(&queue->lock);
	if (queue->state == QUEUE_RUNNING)
		pthread_cond_timedwait(&queue->cond, &queue->lock, &until);
	pthread_mutex_unlock(&queue->lock);
	return queue_stopping(queue) ? -EINTR : 0;
}
