// SPDX-License-Identifier: MIT
/*
 * KFD's compute queues in AQL format: signals, barriers, and kernels whose work-items
 * read and write the process's memory by page faults that are retried.
 */
#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>

#include "../../emu/kernels.h"
#include "kfd_queue.h"
#include "tap.h"

#define SECONDS 60
#define PAGE 4096u
#define DWORDS (64u * PAGE / 4)
#define BYTES (DWORDS * 4)
#define ROUNDS 8u
#define THREADS 4u
#define SLOTS 1024u		/* of a ring */

static struct kfd kfd;
static struct kfd_buffer code;	/* the kernels' objects */
static struct kfd_buffer signals;

static const void *object_of(enum kernel kernel)
{
	return (char *)code.cpu + kernel * KERNEL_OBJECT_BYTES;
}

static struct kfd_signal *signal_at(unsigned int i, int64_t value)
{
	struct kfd_signal *signal = (struct kfd_signal *)signals.cpu + i;

	*signal = (struct kfd_signal){ .kind = 1, .value = value };
	return signal;
}

static void set_up(void)
{
	CHECK_ERR(kfd_set_xnack(&kfd, 1), 0);
	CHECK_ERR(kfd_buffer_alloc(&kfd, &code, PAGE), 0);
	CHECK_ERR(kfd_buffer_alloc(&kfd, &signals, PAGE), 0);
	for (unsigned int i = 0; i < NUM_KERNELS; i++)
		kernel_object_build((char *)code.cpu + i * KERNEL_OBJECT_BYTES, (enum kernel)i);
}

static uint32_t *map_dwords(void)
{
	void *mem = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return mem == MAP_FAILED ? NULL : mem;
}

static void put_dwords(uint32_t *mem, uint32_t salt)
{
	for (uint32_t i = 0; i < DWORDS; i++)
		mem[i] = i * 2654435761u + salt;
}

/* Arguments are read by the GPU as well: from the stack, which faults like any memory. */
static int run_kernel(struct kfd_queue *queue, enum kernel kernel, const struct kernel_args *args)
{
	kfd_aql_dispatch(queue, object_of(kernel), args, args->count);
	return kfd_queue_run(queue, SECONDS);
}

static int add(struct kfd_queue *queue, uint32_t *dst, const uint32_t *a, const uint32_t *b)
{
	const struct kernel_args args = {
		.dst = (uintptr_t)dst, .a = (uintptr_t)a, .b = (uintptr_t)b, .count = DWORDS,
	};

	return run_kernel(queue, KERNEL_ADD, &args);
}

static void a_job_without_work_ends(void)
{
	struct kfd_queue queue;

	CHECK_ERR(kfd_aql_open(&kfd, &queue), 0);
	for (unsigned int i = 0; i < ROUNDS; i++)
		CHECK_ERR(kfd_queue_run(&queue, SECONDS), 0);
	CHECK_ERR(kfd_queue_close(&queue), 0);
}

static void the_ring_wraps(void)
{
	struct kfd_queue queue;

	CHECK_ERR(kfd_aql_open(&kfd, &queue), 0);
	for (unsigned int i = 0; i < 5 * SLOTS / 2; i += SLOTS / 4) {
		for (unsigned int k = 1; k < SLOTS / 4; k++)
			kfd_aql_barrier(&queue, false, NULL, 0, NULL);
		CHECK_ERR(kfd_queue_run(&queue, SECONDS), 0);
	}
	CHECK_ERR(kfd_queue_close(&queue), 0);
}

/* A queue waits for what the other one says, in both ways. */
static void queues_wait_for_each_other(void)
{
	struct kfd_queue waits, tells;
	struct kfd_signal *all[5], *none = signal_at(5, 1);

	CHECK_ERR(kfd_aql_open(&kfd, &waits), 0);
	CHECK_ERR(kfd_aql_open(&kfd, &tells), 0);
	for (unsigned int i = 0; i < 5; i++)
		all[i] = signal_at(i, 1);
	kfd_aql_barrier(&waits, false, all, 5, none);
	kfd_queue_submit(&waits);
	for (unsigned int i = 0; i < 5; i++) {
		CHECK_EQ(atomic_load(&none->value), 1);
		kfd_aql_barrier(&tells, false, NULL, 0, all[i]);
		CHECK_ERR(kfd_queue_run(&tells, SECONDS), 0);
		CHECK_EQ(atomic_load(&all[i]->value), 0);
	}
	CHECK_ERR(kfd_queue_wait(&waits, SECONDS), 0);
	CHECK_EQ(atomic_load(&none->value), 0);
	for (unsigned int i = 0; i < 5; i++)
		signal_at(i, 1);
	kfd_aql_barrier(&waits, true, all, 5, NULL);
	kfd_queue_submit(&waits);
	kfd_aql_barrier(&tells, false, NULL, 0, all[3]);
	CHECK_ERR(kfd_queue_run(&tells, SECONDS), 0);
	CHECK_ERR(kfd_queue_wait(&waits, SECONDS), 0);
	CHECK_ERR(kfd_queue_close(&waits), 0);
	CHECK_ERR(kfd_queue_close(&tells), 0);
}

static void kernels_on_buffers(void)
{
	struct kfd_queue queue;
	struct kfd_buffer a, b;
	struct kernel_args args = { .count = DWORDS };

	CHECK_ERR(kfd_aql_open(&kfd, &queue), 0);
	CHECK_ERR(kfd_buffer_alloc(&kfd, &a, BYTES), 0);
	CHECK_ERR(kfd_buffer_alloc(&kfd, &b, BYTES), 0);
	put_dwords(a.cpu, 1);
	args.dst = (uintptr_t)b.cpu;
	args.a = (uintptr_t)a.cpu;
	CHECK_ERR(run_kernel(&queue, KERNEL_COPY, &args), 0);
	CHECK_EQ(memcmp(a.cpu, b.cpu, BYTES), 0);
	args.dst = (uintptr_t)a.cpu;
	args.value = 0x01020304;
	CHECK_ERR(run_kernel(&queue, KERNEL_FILL, &args), 0);
	for (unsigned int i = 0; i < DWORDS; i++)
		CHECK_EQ(((uint32_t *)a.cpu)[i], 0x01020304);
	CHECK_ERR(kfd_queue_close(&queue), 0);
	kfd_buffer_free(&kfd, &a);
	kfd_buffer_free(&kfd, &b);
}

static void kernels_on_malloc_memory(void)
{
	struct kfd_queue queue;
	uint32_t *a = malloc(BYTES), *b = malloc(BYTES), *dst = malloc(BYTES);

	CHECK(a && b && dst);
	CHECK_ERR(kfd_aql_open(&kfd, &queue), 0);
	put_dwords(a, 7);
	put_dwords(b, 11);
	CHECK_ERR(add(&queue, dst, a, b), 0);
	for (unsigned int i = 0; i < DWORDS; i++)
		CHECK_EQ(dst[i], a[i] + b[i]);
	CHECK_ERR(kfd_queue_close(&queue), 0);
	free(a);
	free(b);
	free(dst);
}

static void operands_given_back(void)
{
	struct kfd_queue queue;
	uint32_t *a = map_dwords(), *b = map_dwords();

	CHECK(a && b);
	CHECK_ERR(kfd_aql_open(&kfd, &queue), 0);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		put_dwords(b, i);
		CHECK_ERR(add(&queue, a, a, b), 0);
		CHECK_EQ(memcmp(a, b, BYTES), 0);
		CHECK_ERR(madvise(a, BYTES, MADV_DONTNEED) ? -errno : 0, 0);
		CHECK_ERR(madvise(b, BYTES, MADV_DONTNEED) ? -errno : 0, 0);
	}
	CHECK_ERR(kfd_queue_close(&queue), 0);
	munmap(a, BYTES);
	munmap(b, BYTES);
}

/* ---- threads ---- */

struct worker {
	pthread_t thread;
	int err;
	unsigned int good;	/* rounds */
};

static int add_rounds(struct kfd_queue *queue, uint32_t *sum, uint32_t *b, unsigned int *good)
{
	int err = 0;

	for (uint32_t i = 1; !err && i <= ROUNDS; i++) {
		bool right = true;

		put_dwords(b, 0);
		err = add(queue, sum, sum, b);
		for (uint32_t k = 0; k < DWORDS; k++)
			right &= sum[k] == i * b[k];
		*good += right;
		/* The source is gone, so the next round faults again. */
		if (!err && madvise(b, BYTES, MADV_DONTNEED))
			err = -errno;
	}
	return err;
}

/* Sums in place: a work-item that ran twice shows. */
static void *work(void *arg)
{
	struct worker *w = arg;
	uint32_t *sum = map_dwords(), *b = map_dwords();
	struct kfd_queue queue;

	w->err = sum && b ? kfd_aql_open(&kfd, &queue) : -ENOMEM;
	if (w->err)
		return NULL;
	w->err = add_rounds(&queue, sum, b, &w->good);
	if (!w->err)
		w->err = kfd_queue_close(&queue);
	munmap(sum, BYTES);
	munmap(b, BYTES);
	return NULL;
}

static struct worker workers[THREADS];

static int start_workers(void)
{
	memset(workers, 0, sizeof(workers));
	for (unsigned int i = 0; i < THREADS; i++)
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]))
			return -EAGAIN;
	return 0;
}

static void join_workers(void)
{
	for (unsigned int i = 0; i < THREADS; i++)
		pthread_join(workers[i].thread, NULL);
	for (unsigned int i = 0; i < THREADS; i++) {
		CHECK_ERR(workers[i].err, 0);
		CHECK_EQ(workers[i].good, ROUNDS);
	}
}

static void threads_with_a_queue_each(void)
{
	CHECK_ERR(start_workers(), 0);
	join_workers();
}

/* Each queue that comes or goes takes all others off the hardware for a moment, in
 * the middle of what they do. */
static void queues_come_and_go_while_others_fault(void)
{
	CHECK_ERR(start_workers(), 0);
	for (unsigned int i = 0; i < 4 * ROUNDS; i++) {
		struct kfd_queue queue;

		CHECK_ERR(kfd_aql_open(&kfd, &queue), 0);
		CHECK_ERR(kfd_queue_run(&queue, SECONDS), 0);
		CHECK_ERR(kfd_queue_close(&queue), 0);
	}
	join_workers();
}

static const struct tap_test tests[] = {
	{ "kernels and signals have their memory", set_up },
	{ "a job without work ends, and wakes who waits", a_job_without_work_ends },
	{ "the ring may wrap", the_ring_wraps },
	{ "queues wait for each other's signals", queues_wait_for_each_other },
	{ "kernels copy and fill buffers", kernels_on_buffers },
	{ "kernels add malloc memory that nobody has registered", kernels_on_malloc_memory },
	{ "operands that were given back by MADV_DONTNEED are found again", operands_given_back },
	{ "threads fault at the same time, each with a queue", threads_with_a_queue_each },
	{ "queues come and go while others fault", queues_come_and_go_while_others_fault },
};

int main(void)
{
	int err = kfd_open(&kfd);

	if (err) {
		printf("Bail out! no GPU or no KFD: %s\n", strerror(-err));
		return EXIT_FAILURE;
	}
	err = tap_run(tests, sizeof(tests) / sizeof(tests[0]));
	kfd_close(&kfd);
	return err;
}
