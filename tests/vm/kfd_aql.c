// SPDX-License-Identifier: MIT
/*
 * KFD's compute queues in AQL format: signals, barriers, and kernels whose work-items
 * read and write the process's memory by page faults that are retried. KFD's SVM serves
 * them, or with --ours amdgpu's, which the process then opts in to.
 */
#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>

#include "../../emu/kernels.h"
#include "amdgpu_drm_svm.h"
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

static bool opted_in;	/* to amdgpu's SVM */

struct worker {
	pthread_t thread;
	uint32_t *sum, *b;
	int err;
	unsigned int good;	/* rounds */
};

static int add_rounds(struct kfd_queue *queue, struct worker *w)
{
	int err = 0;

	for (uint32_t i = 1; !err && i <= ROUNDS; i++) {
		bool right = true;

		put_dwords(w->b, 0);
		err = add(queue, w->sum, w->sum, w->b);
		for (uint32_t k = 0; k < DWORDS; k++)
			right &= w->sum[k] == i * w->b[k];
		w->good += right;
		/* The source is gone, so the next round faults again. */
		if (!err && madvise(w->b, BYTES, MADV_DONTNEED))
			err = -errno;
	}
	return err;
}

static void unmap_operands(struct worker *w)
{
	munmap(w->sum, BYTES);
	munmap(w->b, BYTES);
}

/* Sums in place: a work-item that ran twice shows. */
static void *work(void *arg)
{
	struct worker *w = arg;
	struct kfd_queue queue;

	w->sum = map_dwords();
	w->b = map_dwords();
	w->err = w->sum && w->b ? kfd_aql_open(&kfd, &queue) : -ENOMEM;
	if (w->err)
		return NULL;
	w->err = add_rounds(&queue, w);
	if (!w->err)
		w->err = kfd_queue_close(&queue);
	if (opted_in)
		unmap_operands(w);
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

/*
 * With KFD's SVM memory is unmapped only then: that of all threads may be one range, which it
 * takes back from VRAM as a whole when a CPU asks for a page. If some of it is unmapped by then,
 * the access ends with SIGBUS.
 */
static void join_workers(void)
{
	for (unsigned int i = 0; i < THREADS; i++)
		pthread_join(workers[i].thread, NULL);
	for (unsigned int i = 0; i < THREADS; i++) {
		CHECK_ERR(workers[i].err, 0);
		CHECK_EQ(workers[i].good, ROUNDS);
		if (!opted_in)
			unmap_operands(&workers[i]);
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

/* ---- only on our SVM ---- */

static int64_t kfd_faults_before;

static void opt_in(void)
{
	CHECK_ERR(kfd_svm_opt_in(&kfd), 0);
	opted_in = true;
	CHECK_ERR(kfd_watch_exceptions(&kfd), 0);
	kfd_faults_before = kfd_own_faults(&kfd);
	CHECK(kfd_faults_before >= 0);
	CHECK_EQ(kfd_svm_faults(&kfd), 0);
}

static void kfd_has_served_nothing_since(void)
{
	CHECK(kfd_svm_faults(&kfd) > 0);
	CHECK_EQ(kfd_own_faults(&kfd), kfd_faults_before);
}

/* Memory of the process, not of KFD: to execute there needs an attribute. */
static void *map_code(enum kernel kernel)
{
	uint32_t *mem = map_dwords();

	if (mem)
		kernel_object_build(mem, kernel);
	return mem;
}

static int allow_code(void *object, uint32_t allowed)
{
	return kfd_svm_set(&kfd, object, BYTES, AMDGPU_SVM_ATTR_GPU_EXEC, allowed);
}

static void check_fill(struct kfd_queue *queue, const void *object, uint32_t value)
{
	uint32_t *dst = map_dwords();
	const struct kernel_args args = {
		.dst = (uintptr_t)dst, .value = value, .count = DWORDS,
	};

	CHECK(dst);
	kfd_aql_dispatch(queue, object, &args, args.count);
	CHECK_ERR(kfd_queue_run(queue, SECONDS), 0);
	for (unsigned int i = 0; i < DWORDS; i++)
		CHECK_EQ(dst[i], value);
	munmap(dst, BYTES);
}

/* The GPU gives up on the code, and none of it has run. */
static void check_no_fill(struct kfd_queue *queue, const void *object)
{
	uint32_t *dst = map_dwords();
	const struct kernel_args args = {
		.dst = (uintptr_t)dst, .value = 0x05060708, .count = DWORDS,
	};

	CHECK(dst);
	kfd_aql_dispatch(queue, object, &args, args.count);
	kfd_queue_submit(queue);
	CHECK_ERR(kfd_wait_exception(&kfd, SECONDS), 0);
	CHECK_EQ(kfd.exception_va, (uintptr_t)object);
	for (unsigned int i = 0; i < DWORDS; i++)
		CHECK_EQ(dst[i], 0);
}

static void code_with_the_right(void)
{
	void *object = map_code(KERNEL_FILL);
	struct kfd_queue queue;

	CHECK(object);
	CHECK_ERR(allow_code(object, 1), 0);
	CHECK_ERR(kfd_aql_open(&kfd, &queue), 0);
	check_fill(&queue, object, 0x01020304);
	if (tap_failure[0])
		return;
	CHECK_ERR(kfd_queue_close(&queue), 0);
	munmap(object, BYTES);
}

/* A process has no queue any more after a memory exception: this is a child. */
static int open_in_child(struct kfd_queue *queue)
{
	int err = kfd_open_on_our_svm(&kfd);

	return err ? err : kfd_aql_open(&kfd, queue);
}

static void run_without_the_right(void)
{
	void *object = map_code(KERNEL_FILL);
	struct kfd_queue queue;

	CHECK(object);
	CHECK_ERR(open_in_child(&queue), 0);
	check_no_fill(&queue, object);
}

static void run_with_and_without(void)
{
	void *object = map_code(KERNEL_FILL);
	struct kfd_queue queue;

	CHECK(object);
	CHECK_ERR(open_in_child(&queue), 0);
	CHECK_ERR(allow_code(object, 1), 0);
	check_fill(&queue, object, 0x01020304);
	if (tap_failure[0])
		return;
	CHECK_ERR(allow_code(object, 0), 0);
	check_no_fill(&queue, object);
}

static void code_without_the_right(void)
{
	tap_in_child(run_without_the_right);
}

static void code_that_lost_the_right(void)
{
	tap_in_child(run_with_and_without);
}

/* What holds whoever serves. */
#define ON_ANY_SVM \
	{ "a job without work ends, and wakes who waits", a_job_without_work_ends }, \
	{ "the ring may wrap", the_ring_wraps }, \
	{ "queues wait for each other's signals", queues_wait_for_each_other }, \
	{ "kernels copy and fill buffers", kernels_on_buffers }, \
	{ "kernels add malloc memory that nobody has registered", kernels_on_malloc_memory }, \
	{ "operands that were given back by MADV_DONTNEED are found again", operands_given_back }, \
	{ "threads fault at the same time, each with a queue", threads_with_a_queue_each }, \
	{ "queues come and go while others fault", queues_come_and_go_while_others_fault }

static const struct tap_test tests[] = {
	{ "kernels and signals have their memory", set_up },
	ON_ANY_SVM,
};

static const struct tap_test ours[] = {
	{ "kernels and signals have their memory", set_up },
	{ "the process opts in to amdgpu's SVM", opt_in },
	ON_ANY_SVM,
	{ "code in malloc memory runs with GPU_EXEC", code_with_the_right },
	{ "code in malloc memory does not run without GPU_EXEC", code_without_the_right },
	{ "code does not run when GPU_EXEC was taken away", code_that_lost_the_right },
	{ "KFD has served nothing since opting in", kfd_has_served_nothing_since },
};

#define RUN(table) tap_run(table, sizeof(table) / sizeof((table)[0]))

int main(int argc, char **argv)
{
	int err = kfd_open(&kfd);

	if (err) {
		printf("Bail out! no GPU or no KFD: %s\n", strerror(-err));
		return EXIT_FAILURE;
	}
	err = argc == 2 && !strcmp(argv[1], "--ours") ? RUN(ours) : RUN(tests);
	kfd_close(&kfd);
	return err;
}
