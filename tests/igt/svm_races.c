// SPDX-License-Identifier: MIT
/* The address space changes while the GPU is at work on it. */
#include <pthread.h>
#include <sys/mman.h>

#include "svm_modes.h"

#define RW (PROT_READ | PROT_WRITE)
#define SPAN_PAGES 8

/* Enough of both that many meet. */
#define MIN_JOBS 12
#define MIN_CHANGES 1000

struct race {
	struct area *area;
	bool (*change)(char *page);
	unsigned int changes;
	bool stop;
	bool failed;
};

static bool change_munmap(char *page)
{
	TRY(!munmap(page, SPAN_PAGES * PAGE));
	map_at(page, SPAN_PAGES * PAGE, RW);
	return true;
}

static bool change_madvise(char *page)
{
	TRY(!madvise(page, SPAN_PAGES * PAGE, MADV_DONTNEED));
	return true;
}

static bool change_mprotect(char *page)
{
	TRY(!mprotect(page, SPAN_PAGES * PAGE, PROT_READ));
	TRY(!mprotect(page, SPAN_PAGES * PAGE, RW));
	return true;
}

/* A change takes away what is there, so the CPU's pages have to come back, too. */
static void touch(volatile char *page)
{
	for (int i = 0; i < SPAN_PAGES; i++)
		page[i * PAGE] = 1;
}

static void *change_all_the_time(void *arg)
{
	struct race *r = arg;
	size_t spans = r->area->size / (SPAN_PAGES * PAGE);

	for (unsigned int i = 0; !__atomic_load_n(&r->stop, __ATOMIC_ACQUIRE); i++) {
		char *page = r->area->mem + i * 7 % spans * SPAN_PAGES * PAGE;

		if (!r->change(page)) {
			r->failed = true;
			break;
		}
		touch(page);
		__atomic_add_fetch(&r->changes, 1, __ATOMIC_RELEASE);
	}
	return NULL;
}

static bool run_jobs(struct worker *w, struct race *r)
{
	for (unsigned int i = 0;
	     i < MIN_JOBS || (__atomic_load_n(&r->changes, __ATOMIC_ACQUIRE) < MIN_CHANGES &&
			      !__atomic_load_n(&r->failed, __ATOMIC_ACQUIRE)); i++)
		TRY(gpu_fill(w, r->area->mem, i, r->area->size));
	return true;
}

/*
 * Holes and missing rights of a moment may make an access fatal. No job may hang, and
 * afterwards all is as if nothing had happened.
 */
static bool race(struct worker *w, struct area *a, bool (*change)(char *page))
{
	struct race r = { .area = a, .change = change };
	pthread_t thread;
	bool good;

	TRY(!pthread_create(&thread, NULL, change_all_the_time, &r));
	good = run_jobs(w, &r);
	__atomic_store_n(&r.stop, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	TRY(good && !r.failed);
	TRY(exchange(w, a->mem, a->size));
	return true;
}

bool check_race_munmap(struct worker *w, struct area *a)
{
	return race(w, a, change_munmap);
}

bool check_race_madvise(struct worker *w, struct area *a)
{
	return race(w, a, change_madvise);
}

bool check_race_mprotect(struct worker *w, struct area *a)
{
	return race(w, a, change_mprotect);
}
