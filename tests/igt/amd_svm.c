// SPDX-License-Identifier: MIT
/*
 * The GPU uses memory of the process: each kind of memory and each thing that can
 * happen to it (modes), each in several ways (prefixes). What a subtest does is
 * its name: PREFIX-MODE.
 *
 * In every pass the GPU reads by address what the CPU wrote and the CPU reads what
 * the GPU wrote, all of it. Modes are in svm_modes.c.
 */
#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "igt.h"
#include "svm_modes.h"
#include "svm_system.h"

IGT_TEST_DESCRIPTION("The GPU reads and writes memory of the process by page faults");

#define MANY 8
#define THREADS 4
#define PROCESSES 3

/* Whatever a test that failed left open. */
static struct gpu gpu;
static bool gpu_is_open;

static bool open_gpu(void)
{
	TRY_EQ(gpu_open(&gpu, NULL), 0);
	gpu_is_open = true;
	return true;
}

static void close_gpu(void)
{
	if (gpu_is_open)
		gpu_close(&gpu);
	gpu_is_open = false;
}

/* ---- areas ---- */

static bool area_make(const struct mode *mode, struct area *a, unsigned int index)
{
	*a = (struct area){ .index = index, .size = mode->size ?: AREA_SIZE, .fd = -1 };
	return mode->make(a);
}

static bool area_pass(const struct mode *mode, struct worker *w, struct area *a)
{
	return mode->check ? mode->check(w, a) : exchange(w, a->mem, a->size);
}

static void area_drop(const struct mode *mode, struct area *a)
{
	if (mode->drop)
		mode->drop(a);
	else
		munmap(a->mem, a->size);
}

/* @count areas at a time, @passes over each. */
static bool use_areas(const struct mode *mode, struct worker *w, unsigned int first,
		      unsigned int count, unsigned int passes)
{
	struct area areas[MANY];
	unsigned int made = 0;
	bool good = true;

	while (good && made < count) {
		good = area_make(mode, &areas[made], first + made);
		made += good;
	}
	for (unsigned int i = 0; good && i < count * passes; i++)
		good = area_pass(mode, w, &areas[i % count]);
	while (made--)
		area_drop(mode, &areas[made]);
	return good;
}

static bool use_alone(const struct mode *mode, unsigned int first, unsigned int count,
		      unsigned int passes)
{
	struct worker w;
	bool good;

	TRY(open_gpu());
	TRY(worker_open(&w, &gpu, 0));
	good = use_areas(mode, &w, first, count, passes);
	worker_close(&w);
	close_gpu();
	return good;
}

/* ---- prefixes ---- */

static bool once(const struct mode *mode)
{
	return use_alone(mode, 0, 1, 1);
}

/* The second time it is mapped already. */
static bool twice(const struct mode *mode)
{
	return use_alone(mode, 0, 1, 2);
}

static bool many(const struct mode *mode)
{
	return use_alone(mode, 0, MANY, 1);
}

struct thread {
	pthread_t id;
	const struct mode *mode;
	unsigned int index;
	bool good;
};

static void *thread_run(void *arg)
{
	struct thread *t = arg;
	struct worker w;

	t->good = worker_open(&w, &gpu, t->index) && use_areas(t->mode, &w, t->index, 1, 2);
	worker_close(&w);
	return NULL;
}

/* One file, several engines. */
static bool threads(const struct mode *mode)
{
	struct thread all[THREADS];
	bool good = true;

	TRY(open_gpu());
	for (unsigned int i = 0; i < THREADS; i++) {
		all[i] = (struct thread){ .mode = mode, .index = i };
		TRY(!pthread_create(&all[i].id, NULL, thread_run, &all[i]));
	}
	for (unsigned int i = 0; i < THREADS; i++) {
		pthread_join(all[i].id, NULL);
		good &= all[i].good;
	}
	close_gpu();
	return good;
}

/* A file and a VM each, and the same addresses with other contents. */
static bool processes(const struct mode *mode)
{
	pid_t pids[PROCESSES];
	bool good = true;
	int status;

	for (unsigned int i = 0; i < PROCESSES; i++) {
		pids[i] = fork();
		TRY(pids[i] >= 0);
		if (!pids[i])
			_exit(use_alone(mode, 0, 1, 1) ? 0 : 1);
	}
	for (unsigned int i = 0; i < PROCESSES; i++)
		good &= waitpid(pids[i], &status, 0) == pids[i] && !status;
	return good;
}

static const struct {
	const char *name;
	bool (*run)(const struct mode *mode);
} prefixes[] = {
	{ "once", once },
	{ "twice", twice },
	{ "many", many },
	{ "threads", threads },
	{ "processes", processes },
};

static bool has_svm(void)
{
	void *page = map_at(NULL, PAGE, PROT_READ);
	bool has;

	if (!open_gpu())
		return false;
	has = svm_get(&gpu, page, PAGE, AMDGPU_SVM_ATTR_ACCESS) != -EOPNOTSUPP;
	close_gpu();
	munmap(page, PAGE);
	return has;
}

static void run(bool (*prefix)(const struct mode *mode), const struct mode *mode)
{
	const char *lacking = mode->lacks ? mode->lacks() : NULL;

	igt_require_f(!lacking, "%s\n", lacking);
	close_gpu();
	clear_windows();
	igt_assert(prefix(mode));
}

igt_main()
{
	static unsigned int i, k;

	igt_fixture()
		igt_require_f(has_svm(), "no SVM on this kernel and GPU\n");

	for (i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		for (k = 0; k < svm_num_modes; k++)
			igt_subtest_f("%s-%s", prefixes[i].name, svm_modes[k].name)
				run(prefixes[i].run, &svm_modes[k]);

	igt_fixture() {
		close_gpu();
		system_restore();
	}
}
