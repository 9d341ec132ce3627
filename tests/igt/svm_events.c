// SPDX-License-Identifier: MIT
/* What a process does to memory that the GPU has in use. */
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "svm_modes.h"

#define RW (PROT_READ | PROT_WRITE)
#define PLACES 64

/* ---- moving and dropping ---- */

bool check_remap(struct worker *w, struct area *a)
{
	char *to = other_window(a);

	TRY(exchange(w, a->mem, a->size));
	put_series(a->mem, 7, a->size);
	TRY(mremap(a->mem, a->size, a->size, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
	TRY(gpu_reads_series(w, to, 7, a->size));
	TRY(exchange(w, to, a->size));
	/* And back, for the next pass. */
	put_series(to, 8, a->size);
	TRY(mremap(to, a->size, a->size, MREMAP_MAYMOVE | MREMAP_FIXED, a->mem) == a->mem);
	TRY(gpu_reads_series(w, a->mem, 8, a->size));
	return true;
}

bool check_dontunmap(struct worker *w, struct area *a)
{
	char *to = other_window(a);

	TRY(exchange(w, a->mem, a->size));
	put_series(a->mem, 9, a->size);
	TRY(mremap(a->mem, a->size, a->size,
		   MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, to) == to);
	TRY(gpu_reads_value(w, a->mem, 0, a->size));
	TRY(gpu_reads_series(w, to, 9, a->size));
	TRY(exchange(w, a->mem, a->size));
	TRY(gpu_reads_series(w, to, 9, a->size));
	TRY(!munmap(to, a->size));
	return true;
}

bool check_dontneed(struct worker *w, struct area *a)
{
	TRY(exchange(w, a->mem, a->size));
	TRY(!madvise(a->mem, a->size, MADV_DONTNEED));
	TRY(gpu_reads_value(w, a->mem, 0, a->size));
	TRY(exchange(w, a->mem, a->size));
	return true;
}

/* The same address, other memory. */
bool check_free(struct worker *w, struct area *a)
{
	TRY(exchange(w, a->mem, a->size));
	TRY(!munmap(a->mem, a->size));
	map_at(a->mem, a->size, RW);
	TRY(gpu_reads_value(w, a->mem, 0, a->size));
	TRY(exchange(w, a->mem, a->size));
	return true;
}

/* Part @gone of three goes, the GPU has the others, and then something new there. */
static bool munmap_part(struct worker *w, struct area *a, unsigned int gone)
{
	TRY(gpu_fill(w, a->mem, 0x9a9a9a9a, a->size));
	TRY(!munmap(a->mem + gone * PART_SIZE, PART_SIZE));
	for (unsigned int i = 0; i < 3; i++) {
		if (i == gone)
			continue;
		TRY(gpu_reads_value(w, a->mem + i * PART_SIZE, 0x9a9a9a9a, PART_SIZE));
		TRY(exchange(w, a->mem + i * PART_SIZE, PART_SIZE));
	}
	map_at(a->mem + gone * PART_SIZE, PART_SIZE, RW);
	TRY(gpu_reads_value(w, a->mem + gone * PART_SIZE, 0, PART_SIZE));
	TRY(exchange(w, a->mem, a->size));
	return true;
}

bool check_munmap_head(struct worker *w, struct area *a)
{
	return munmap_part(w, a, 0);
}

bool check_munmap_middle(struct worker *w, struct area *a)
{
	return munmap_part(w, a, 1);
}

bool check_munmap_tail(struct worker *w, struct area *a)
{
	return munmap_part(w, a, 2);
}

/* ---- rights ---- */

bool check_ro(struct worker *w, struct area *a)
{
	put_series(a->mem, 11, a->size);
	TRY(!mprotect(a->mem, a->size, PROT_READ));
	TRY(gpu_reads_series(w, a->mem, 11, a->size));
	TRY(!mprotect(a->mem, a->size, RW));
	TRY(exchange(w, a->mem, a->size));
	put_series(a->mem, 12, a->size);
	TRY(!mprotect(a->mem, a->size, PROT_READ));
	TRY(gpu_reads_series(w, a->mem, 12, a->size));
	TRY(!mprotect(a->mem, a->size, RW));
	return true;
}

/* Neither read nor written by the GPU while the process may not, either. */
bool check_prot_none(struct worker *w, struct area *a)
{
	int64_t before;

	TRY(exchange(w, a->mem, a->size));
	put_series(a->mem, 13, a->size);
	TRY(!mprotect(a->mem, a->size, PROT_NONE));
	before = svm_counter(w->gpu, FATAL_READ_ONLY);
	TRY(gpu_fill(w, a->mem, 0xbad0bad0, PAGE));
	TRY(svm_counter(w->gpu, FATAL_READ_ONLY) > before);
	before = svm_counter(w->gpu, FATAL_NO_ACCESS);
	w->mirror.cpu[0] = 0;
	emit_copy(&w->sdma, w->mirror.va, (uintptr_t)a->mem + PAGE, 4);
	TRY_EQ(gpu_job_run(&w->sdma, gpu_job_seconds()), 0);
	gpu_job_reset(&w->sdma);
	TRY(svm_counter(w->gpu, FATAL_NO_ACCESS) > before);
	TRY(w->mirror.cpu[0] != 13 + PAGE / 4);
	TRY(!mprotect(a->mem, a->size, RW));
	TRY(has_series(a->mem, 13, a->size));
	TRY(gpu_reads_series(w, a->mem, 13, a->size));
	TRY(exchange(w, a->mem, a->size));
	return true;
}

/* ---- fork ---- */

struct child {
	pid_t pid;
	int go[2];	/* a byte: look now */
};

/* A child that looks at @a when told to, and ends well if it finds @first there. */
static bool child_start(struct child *c, const struct area *a, uint32_t first, bool write)
{
	char byte;

	TRY(!pipe(c->go));
	c->pid = fork();
	TRY(c->pid >= 0);
	if (c->pid)
		return !close(c->go[0]);
	close(c->go[1]);
	if (write)
		put_series(a->mem, first, a->size);
	_exit(read(c->go[0], &byte, 1) == 1 && has_series(a->mem, first, a->size) ? 0 : 1);
}

static bool child_found_it(struct child *c)
{
	int status;

	/* Not by closing it: a child that another thread made may have it open, too. */
	TRY_EQ(write(c->go[1], "x", 1), 1);
	close(c->go[1]);
	TRY_EQ(waitpid(c->pid, &status, 0), c->pid);
	TRY_EQ(status, 0);
	return true;
}

bool check_fork_read(struct worker *w, struct area *a)
{
	struct child c;

	TRY(exchange(w, a->mem, a->size));
	put_series(a->mem, 21, a->size);
	TRY(child_start(&c, a, 21, false));
	TRY(gpu_reads_series(w, a->mem, 21, a->size));
	TRY(child_found_it(&c));
	TRY(exchange(w, a->mem, a->size));
	return true;
}

/* Copy on write, by the GPU, and by the child. */
bool check_fork_write(struct worker *w, struct area *a)
{
	struct child c;

	TRY(exchange(w, a->mem, a->size));
	put_series(a->mem, 31, a->size);
	TRY(gpu_reads_series(w, a->mem, 31, a->size));
	TRY(child_start(&c, a, 31, false));
	TRY(exchange(w, a->mem, a->size));
	TRY(child_found_it(&c));

	put_series(a->mem, 41, a->size);
	TRY(child_start(&c, a, 51, true));
	TRY(gpu_reads_series(w, a->mem, 41, a->size));
	TRY(child_found_it(&c));
	TRY(gpu_reads_series(w, a->mem, 41, a->size));
	return true;
}

/* ---- many at once ---- */

/* One job each of both engines, at the same time, on places that lie far apart. */
bool check_multi_fault(struct worker *w, struct area *a)
{
	size_t step = a->size / PLACES;

	TRY(!madvise(a->mem, a->size, MADV_DONTNEED));
	for (uint32_t i = 0; i < PLACES; i++) {
		uint32_t value = 0xc0000000 + i;

		emit_fill(&w->sdma, (uintptr_t)a->mem + i * step, i, PAGE);
		emit_write_data(&w->compute, (uintptr_t)a->mem + i * step + PAGE, &value, 1);
	}
	TRY_EQ(gpu_job_submit(&w->sdma), 0);
	TRY_EQ(gpu_job_submit(&w->compute), 0);
	TRY_EQ(gpu_job_wait(&w->sdma, gpu_job_seconds()), 0);
	TRY_EQ(gpu_job_wait(&w->compute, gpu_job_seconds()), 0);
	gpu_job_reset(&w->sdma);
	gpu_job_reset(&w->compute);
	for (uint32_t i = 0; i < PLACES; i++) {
		TRY(has_value(a->mem + i * step, i, PAGE));
		TRY(has_value(a->mem + i * step + PAGE, 0xc0000000 + i, 4));
	}
	return true;
}

/* ---- attributes that map ---- */

bool check_prefetch(struct worker *w, struct area *a)
{
	TRY(!madvise(a->mem, a->size, MADV_DONTNEED));
	TRY_EQ(svm_set(w->gpu, a->mem, a->size, AMDGPU_SVM_ATTR_PREFETCH_LOC,
		       AMDGPU_SVM_LOCATION_SYSMEM), 0);
	TRY(svm_lines(w->gpu, "svm_ranges", a->mem, a->size) > 0);
	TRY(exchange(w, a->mem, a->size));
	return true;
}

/* What is listed once may be gone when one looks again: memory is moved at any time. */
static bool wait_until_listed(struct gpu *gpu, const struct area *a)
{
	for (int i = 0; i < 3000; i++) {
		if (svm_lines(gpu, "svm_ranges", a->mem, a->size) > 0)
			return true;
		usleep(10000);
	}
	TRY(!"no range is listed");
	return true;
}

bool check_always_mapped(struct worker *w, struct area *a)
{
	TRY_EQ(svm_set(w->gpu, a->mem, a->size, AMDGPU_SVM_ATTR_GPU_ALWAYS_MAPPED, 1), 0);
	TRY(exchange(w, a->mem, a->size));
	TRY(!madvise(a->mem, a->size, MADV_DONTNEED));
	TRY(wait_until_listed(w->gpu, a));
	TRY(exchange(w, a->mem, a->size));
	return true;
}
