// SPDX-License-Identifier: GPL-2.0-only
/*
 * Chaos: everything that hardware may do and rarely does, often.
 *
 *   delay         engines pause between packets and between pages
 *   slow-engine   SDMA pauses for long within jobs and user queues, so that jobs
 *                 are under way while the driver changes what they use. The
 *                 kernel's own ring is spared: the driver's ring test gives it
 *                 100 ms.
 *   dup-fault     a retry fault is delivered twice, with the same CAM entry or
 *                 with another one
 *   late-fault    a retry fault that has been answered is delivered once more
 *                 some time later, with a CAM entry of its own and the time stamp
 *                 of the first delivery
 *   ih-pressure   an interrupt ring is filled up with vectors of a block that is
 *                 not there, except for a few places
 *   tlb-prefetch  a walk also brings translations around it into the TLB
 *
 * Decisions are reproducible: the n-th decision about an option at a site (a queue,
 * a hub, a ring) depends on the seed, the option, the site's name and n only. What
 * is not controlled is how threads interleave, and with it which access is a
 * queue's n-th page or which page faults first.
 *
 * Locks: chaos->lock guards the late faults only and is taken with no other held.
 * Deciding takes none.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "gpu.h"

#define NUM_TURNS 256
#define MAX_LATE 64
#define DEFAULT_SEED 1

/* How often, as one in so many, and how much. */
#define DELAY_PACKETS 16
#define DELAY_PAGES 64
#define DELAY_US 2000
#define SLOW_PACKETS 8
#define SLOW_US 40000
#define DUPLICATES 4
#define LATE_FAULTS 4
#define LATE_US 200000

struct late_fault {
	u64 due;		/* ns */
	unsigned int hub;
	u64 va;
	struct ih_vector vector;
};

struct chaos {
	struct gpu *gpu;
	u64 seed;
	u32 options;
	/* Of sites with the same place here the turns are counted together. */
	atomic_ullong turn[NUM_CHAOS][NUM_TURNS];

	pthread_mutex_t lock;	/* what follows */
	pthread_cond_t cond;
	pthread_t thread;
	bool running;
	struct late_fault late[MAX_LATE];
	unsigned int num_late;
};

static const char *const names[NUM_CHAOS] = {
	[CHAOS_DELAY] = "delay", [CHAOS_SLOW_ENGINE] = "slow-engine",
	[CHAOS_DUP_FAULT] = "dup-fault", [CHAOS_LATE_FAULT] = "late-fault",
	[CHAOS_IH_PRESSURE] = "ih-pressure", [CHAOS_TLB_PREFETCH] = "tlb-prefetch",
};

/* ---- the command line's list ---- */

static int bad_item(const char *item, size_t len)
{
	fprintf(stderr, "gpu-emu: unknown chaos option '%.*s'; there are", (int)len, item);
	for (unsigned int i = 0; i < NUM_CHAOS; i++)
		fprintf(stderr, " %s", names[i]);
	fprintf(stderr, " all seed=N\n");
	return -EINVAL;
}

static bool parse_seed(struct chaos *chaos, const char *item, size_t len)
{
	const char *digits = item + strlen("seed=");
	char *end;

	if (len <= strlen("seed=") || strncmp(item, "seed=", strlen("seed=")) ||
	    *digits < '0' || *digits > '9')
		return false;
	errno = 0;
	chaos->seed = strtoull(digits, &end, 10);
	return !errno && end == item + len;
}

static bool parse_item(struct chaos *chaos, const char *item, size_t len)
{
	if (len == 3 && !strncmp(item, "all", len)) {
		chaos->options = (1u << NUM_CHAOS) - 1;
		return true;
	}
	for (unsigned int i = 0; i < NUM_CHAOS; i++) {
		if (strlen(names[i]) == len && !strncmp(item, names[i], len)) {
			chaos->options |= 1u << i;
			return true;
		}
	}
	return parse_seed(chaos, item, len);
}

static int parse_list(struct chaos *chaos, const char *list)
{
	while (*list) {
		size_t len = strcspn(list, ",");

		if (!parse_item(chaos, list, len))
			return bad_item(list, len);
		list += len;
		list += *list == ',';
	}
	return 0;
}

int chaos_select(struct gpu *gpu, const char *list)
{
	struct chaos *chaos = calloc(1, sizeof(*chaos));
	pthread_condattr_t attr;

	if (!chaos) {
		fprintf(stderr, "gpu-emu: no memory for chaos\n");
		return -ENOMEM;
	}
	chaos->gpu = gpu;
	chaos->seed = DEFAULT_SEED;
	if (parse_list(chaos, list)) {
		free(chaos);
		return -EINVAL;
	}
	pthread_mutex_init(&chaos->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&chaos->cond, &attr);
	pthread_condattr_destroy(&attr);
	gpu->chaos = chaos;
	return 0;
}

void chaos_describe(const struct gpu *gpu, char *text, size_t size)
{
	const struct chaos *chaos = gpu->chaos;
	int n = snprintf(text, size, "seed=%llu", (unsigned long long)chaos->seed);

	for (unsigned int i = 0; i < NUM_CHAOS; i++)
		if (chaos->options >> i & 1 && (size_t)n < size)
			n += snprintf(text + n, size - (size_t)n, ",%s", names[i]);
}

/* ---- decisions ---- */

static u64 mix(u64 value)
{
	value ^= value >> 30;
	value *= 0xbf58476d1ce4e5b9ull;
	value ^= value >> 27;
	value *= 0x94d049bb133111ebull;
	return value ^ value >> 31;
}

static u64 hash_name(const char *name)
{
	u64 hash = 0xcbf29ce484222325ull;

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 0x100000001b3ull;
	return hash;
}

u64 chaos_pick(struct gpu *gpu, enum chaos_option option, const char *site, u64 range)
{
	struct chaos *chaos = gpu->chaos;
	u64 hash = mix(hash_name(site) + option);
	u64 turn = atomic_fetch_add_explicit(&chaos->turn[option][hash % NUM_TURNS], 1,
					     memory_order_relaxed);

	return mix(mix(chaos->seed ^ hash) + turn) % range;
}

bool chaos_selected(const struct gpu *gpu, enum chaos_option option)
{
	return gpu->chaos->options >> option & 1;
}

bool chaos_decides(struct gpu *gpu, enum chaos_option option, const char *site, u64 one_in)
{
	return chaos_selected(gpu, option) && !chaos_pick(gpu, option, site, one_in);
}

/* ---- pauses ---- */

static void pause_up_to(struct vm_port *port, enum chaos_option option, const char *counter,
			u64 us)
{
	count(port->gpu, counter, 1);
	vm_pause(port, (unsigned int)chaos_pick(port->gpu, option, port->name, us) + 1);
}

void chaos_pause_packet(struct vm_port *port, bool slow)
{
	struct gpu *gpu = port->gpu;

	if (chaos_decides(gpu, CHAOS_DELAY, port->name, DELAY_PACKETS))
		pause_up_to(port, CHAOS_DELAY, "chaos.delayed_packets", DELAY_US);
	if (slow && chaos_decides(gpu, CHAOS_SLOW_ENGINE, port->name, SLOW_PACKETS))
		pause_up_to(port, CHAOS_SLOW_ENGINE, "chaos.slow_packets", SLOW_US);
}

void chaos_pause_page(struct vm_port *port)
{
	if (chaos_decides(port->gpu, CHAOS_DELAY, port->name, DELAY_PAGES))
		pause_up_to(port, CHAOS_DELAY, "chaos.delayed_pages", DELAY_US);
}

/* ---- faults ---- */

static bool new_cam_entry(struct gpu *gpu, unsigned int hub, u64 va, struct ih_vector *vector)
{
	int cam = ih_cam_insert_again(gpu, hub, vector->vmid, va);

	if (cam >= 0)
		vector->src_data[2] = (u32)cam;
	return cam >= 0;
}

void chaos_duplicate_fault(struct vm_port *port, u64 va, const struct ih_vector *vector)
{
	struct gpu *gpu = port->gpu;
	struct ih_vector again = *vector;

	if (!chaos_decides(gpu, CHAOS_DUP_FAULT, port->name, DUPLICATES))
		return;
	if (chaos_pick(gpu, CHAOS_DUP_FAULT, port->name, 2) &&
	    new_cam_entry(gpu, port->hub, va, &again))
		count(gpu, "chaos.duplicate_entries", 1);
	else
		count(gpu, "chaos.duplicate_vectors", 1);
	ih_raise(gpu, &again);
}

bool chaos_keep_fault(struct vm_port *port, const struct ih_vector *vector,
		      struct ih_vector *kept)
{
	if (!chaos_decides(port->gpu, CHAOS_LATE_FAULT, port->name, LATE_FAULTS))
		return false;
	*kept = *vector;
	kept->stamp = ih_clock();
	return true;
}

static u64 now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (u64)ts.tv_sec * 1000000000 + (u64)ts.tv_nsec;
}

void chaos_late_fault(struct vm_port *port, u64 va, const struct ih_vector *vector)
{
	struct chaos *chaos = port->gpu->chaos;
	u64 us = chaos_pick(port->gpu, CHAOS_LATE_FAULT, port->name, LATE_US);
	bool room;

	pthread_mutex_lock(&chaos->lock);
	room = chaos->running && chaos->num_late < MAX_LATE;
	if (room)
		chaos->late[chaos->num_late++] = (struct late_fault){
			.due = now_ns() + us * 1000, .hub = port->hub, .va = va, .vector = *vector,
		};
	pthread_cond_signal(&chaos->cond);
	pthread_mutex_unlock(&chaos->lock);
	count(port->gpu, room ? "chaos.late_faults" : "chaos.late_faults_dropped", 1);
}

/* The late fault that is due first, or NULL; with the lock held. */
static struct late_fault *first_late(struct chaos *chaos)
{
	struct late_fault *first = NULL;

	for (unsigned int i = 0; i < chaos->num_late; i++)
		if (!first || chaos->late[i].due < first->due)
			first = &chaos->late[i];
	return first;
}

static void deliver(struct gpu *gpu, struct late_fault *late)
{
	/* Without an entry to release the driver could not tell it from a new fault. */
	if (!new_cam_entry(gpu, late->hub, late->va, &late->vector))
		return;
	count(gpu, "chaos.late_faults_delivered", 1);
	ih_raise(gpu, &late->vector);
}

static void *late_thread(void *arg)
{
	struct chaos *chaos = arg;

	pthread_mutex_lock(&chaos->lock);
	while (chaos->running) {
		struct late_fault *first = first_late(chaos);
		struct late_fault late;
		struct timespec ts;

		if (!first) {
			pthread_cond_wait(&chaos->cond, &chaos->lock);
			continue;
		}
		if (first->due > now_ns()) {
			ts = (struct timespec){ .tv_sec = (time_t)(first->due / 1000000000),
						.tv_nsec = (long)(first->due % 1000000000) };
			pthread_cond_timedwait(&chaos->cond, &chaos->lock, &ts);
			continue;
		}
		late = *first;
		*first = chaos->late[--chaos->num_late];
		pthread_mutex_unlock(&chaos->lock);
		deliver(chaos->gpu, &late);
		pthread_mutex_lock(&chaos->lock);
	}
	pthread_mutex_unlock(&chaos->lock);
	return NULL;
}

/* ---- life ---- */

int chaos_init(struct gpu *gpu)
{
	struct chaos *chaos = gpu->chaos;

	if (!chaos || !chaos_selected(gpu, CHAOS_LATE_FAULT))
		return 0;
	chaos->running = true;
	if (pthread_create(&chaos->thread, NULL, late_thread, chaos)) {
		chaos->running = false;
		fprintf(stderr, "gpu-emu: no thread for chaos\n");
		return -EAGAIN;
	}
	return 0;
}

void chaos_fini(struct gpu *gpu)
{
	struct chaos *chaos = gpu->chaos;
	bool running;

	if (!chaos)
		return;
	pthread_mutex_lock(&chaos->lock);
	running = chaos->running;
	chaos->running = false;
	pthread_cond_signal(&chaos->cond);
	pthread_mutex_unlock(&chaos->lock);
	if (running)
		pthread_join(chaos->thread, NULL);
	pthread_cond_destroy(&chaos->cond);
	pthread_mutex_destroy(&chaos->lock);
	free(chaos);
	gpu->chaos = NULL;
}

/* The decisions go on: a driver that is loaded again meets other ones. */
void chaos_reset(struct gpu *gpu)
{
	if (!gpu->chaos)
		return;
	pthread_mutex_lock(&gpu->chaos->lock);
	gpu->chaos->num_late = 0;
	pthread_mutex_unlock(&gpu->chaos->lock);
}
