// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a run found: verdicts, unknown registers and packets, counters; and the
 * trace on stderr.
 *
 * count() is called from the hot paths of every engine thread, so counters are
 * lock-free: a fixed hash table keyed by the address of the name, filled by
 * compare-and-swap and never emptied. Two literals of equal text may have two
 * addresses; they are added up by whoever reads. Everything else is rare and
 * sits under one mutex, the innermost lock of all.
 *
 * Every table is bounded, because the guest decides how many different things
 * there are to say; what found no room is itself counted.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "gpu.h"

#define NUM_COUNTERS 1024	/* a power of two */
#define NUM_KINDS 64
#define KIND_LEN 48
#define TEXT_LEN 256
#define NUM_TEXTS 100		/* per kind: a flood of one must not hide another */
#define NUM_UNKNOWN 2048	/* of each sort */

struct counter {
	_Atomic(const char *) name;
	_Atomic u64 value;
};

struct kind {
	char name[KIND_LEN];
	u64 count;
	unsigned int num_texts;
	char *texts[NUM_TEXTS];
};

struct unknown {
	const char *engine;	/* packets only */
	u32 what;		/* register index or packet header */
	u32 first_value;
	bool write;
	u64 count;
};

struct unknowns {
	unsigned int num;
	u64 lost;
	struct unknown list[NUM_UNKNOWN];
};

struct report {
	char *path;
	char *temporary;
	struct timespec start;
	atomic_uint trace_mask;
	struct counter counters[NUM_COUNTERS];
	_Atomic u64 counters_lost;

	pthread_mutex_t lock;	/* what follows */
	unsigned int num_kinds;
	struct kind kinds[NUM_KINDS];
	u64 num_verdicts;
	struct unknowns registers;
	struct unknowns packets;

	pthread_mutex_t file_lock;	/* one writer of the file at a time */
};

static const char *const trace_names[NUM_TRACE] = {
	[TRACE_VFIO] = "vfio", [TRACE_REG] = "reg", [TRACE_VM] = "vm", [TRACE_IH] = "ih",
	[TRACE_SDMA] = "sdma", [TRACE_CP] = "cp", [TRACE_MEM] = "mem",
};

int report_init(struct gpu *gpu, const char *path)
{
	struct report *report = calloc(1, sizeof(*report));

	if (!report)
		goto no_memory;
	if (path) {
		report->path = strdup(path);
		if (!report->path || asprintf(&report->temporary, "%s.tmp", path) < 0) {
			free(report->path);
			free(report);
			goto no_memory;
		}
	}
	pthread_mutex_init(&report->lock, NULL);
	pthread_mutex_init(&report->file_lock, NULL);
	clock_gettime(CLOCK_MONOTONIC, &report->start);
	gpu->report = report;
	return 0;

no_memory:
	fprintf(stderr, "gpu-emu: no memory for the report\n");
	return -ENOMEM;
}

void report_fini(struct gpu *gpu)
{
	struct report *report = gpu->report;

	if (!report)
		return;
	for (unsigned int i = 0; i < report->num_kinds; i++)
		for (unsigned int j = 0; j < report->kinds[i].num_texts; j++)
			free(report->kinds[i].texts[j]);
	pthread_mutex_destroy(&report->lock);
	pthread_mutex_destroy(&report->file_lock);
	free(report->path);
	free(report->temporary);
	free(report);
	gpu->report = NULL;
}

/* ---- counters ---- */

static struct counter *counter_slot(struct report *report, const char *name)
{
	u64 hash = ((u64)(uintptr_t)name * 0x9e3779b97f4a7c15ull) >> 32;

	for (unsigned int i = 0; i < NUM_COUNTERS; i++) {
		struct counter *c = &report->counters[(hash + i) & (NUM_COUNTERS - 1)];
		const char *seen = atomic_load_explicit(&c->name, memory_order_acquire);

		if (seen == name)
			return c;
		if (!seen && (atomic_compare_exchange_strong(&c->name, &seen, name) ||
			      seen == name))
			return c;
	}
	return NULL;
}

void count(struct gpu *gpu, const char *name, u64 n)
{
	struct counter *c = counter_slot(gpu->report, name);

	atomic_fetch_add_explicit(c ? &c->value : &gpu->report->counters_lost, n,
				  memory_order_relaxed);
}

u64 counted(struct gpu *gpu, const char *name)
{
	u64 sum = 0;

	for (unsigned int i = 0; i < NUM_COUNTERS; i++) {
		struct counter *c = &gpu->report->counters[i];
		const char *seen = atomic_load(&c->name);

		if (seen && !strcmp(seen, name))
			sum += atomic_load(&c->value);
	}
	return sum;
}

/* ---- verdicts ---- */

/* The last kind takes whatever comes when all others are in use. */
static struct kind *find_kind(struct report *report, const char *name)
{
	struct kind *kind;

	for (unsigned int i = 0; i < report->num_kinds; i++) {
		kind = &report->kinds[i];
		if (!strncmp(kind->name, name, KIND_LEN - 1))
			return kind;
	}
	if (report->num_kinds == NUM_KINDS)
		return &report->kinds[NUM_KINDS - 1];
	kind = &report->kinds[report->num_kinds++];
	snprintf(kind->name, sizeof(kind->name), "%s",
		 report->num_kinds == NUM_KINDS ? "other" : name);
	return kind;
}

/* The report has one entry a line, whatever a text contains. */
static void make_one_line(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ')
			*text = ' ';
}

void verdict(struct gpu *gpu, const char *kind, const char *fmt, ...)
{
	struct report *report = gpu->report;
	char text[TEXT_LEN];
	struct kind *k;
	bool first;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	make_one_line(text);

	pthread_mutex_lock(&report->lock);
	k = find_kind(report, kind);
	first = k->count++ == 0;
	report->num_verdicts++;
	if (k->num_texts < NUM_TEXTS) {
		k->texts[k->num_texts] = strdup(text);
		if (k->texts[k->num_texts])
			k->num_texts++;
	}
	pthread_mutex_unlock(&report->lock);

	if (first)
		fprintf(stderr, "gpu-emu: verdict %s: %s\n", kind, text);
}

u64 verdicts(struct gpu *gpu, const char *kind)
{
	struct report *report = gpu->report;
	u64 n = 0;

	pthread_mutex_lock(&report->lock);
	if (!kind)
		n = report->num_verdicts;
	for (unsigned int i = 0; kind && i < report->num_kinds; i++)
		if (!strncmp(report->kinds[i].name, kind, KIND_LEN - 1))
			n = report->kinds[i].count;
	pthread_mutex_unlock(&report->lock);
	return n;
}

/* ---- unknown registers and packets ---- */

static void note_unknown(struct report *report, struct unknowns *unknowns,
			 const struct unknown *new)
{
	struct unknown *u;

	pthread_mutex_lock(&report->lock);
	for (unsigned int i = 0; i < unknowns->num; i++) {
		u = &unknowns->list[i];
		if (u->what == new->what && u->write == new->write &&
		    (u->engine == new->engine || !strcmp(u->engine, new->engine))) {
			u->count++;
			goto out;
		}
	}
	if (unknowns->num == NUM_UNKNOWN) {
		unknowns->lost++;
		goto out;
	}
	u = &unknowns->list[unknowns->num++];
	*u = *new;
	u->count = 1;
out:
	pthread_mutex_unlock(&report->lock);
}

void unknown_register(struct gpu *gpu, u32 reg, bool write, u32 value)
{
	note_unknown(gpu->report, &gpu->report->registers,
		     &(struct unknown){ .what = reg, .write = write, .first_value = value });
}

/* @engine lives as long as the report, like a counter's name. */
void unknown_packet(struct gpu *gpu, const char *engine, u32 header)
{
	note_unknown(gpu->report, &gpu->report->packets,
		     &(struct unknown){ .engine = engine, .what = header });
}

/* ---- trace ---- */

static bool trace_bit(const char *name, size_t len, u32 *mask)
{
	if (len == 3 && !strncmp(name, "all", len)) {
		*mask |= (1u << NUM_TRACE) - 1;
		return true;
	}
	for (unsigned int i = 0; i < NUM_TRACE; i++) {
		if (strlen(trace_names[i]) == len && !strncmp(name, trace_names[i], len)) {
			*mask |= 1u << i;
			return true;
		}
	}
	return false;
}

int trace_select(struct gpu *gpu, const char *list)
{
	u32 mask = 0;

	while (*list) {
		size_t len = strcspn(list, ",");

		if (!trace_bit(list, len, &mask)) {
			fprintf(stderr, "gpu-emu: unknown trace class '%.*s'; there are", (int)len, list);
			for (unsigned int i = 0; i < NUM_TRACE; i++)
				fprintf(stderr, " %s", trace_names[i]);
			fprintf(stderr, " all\n");
			return -EINVAL;
		}
		list += len;
		list += *list == ',';
	}
	atomic_store_explicit(&gpu->report->trace_mask, mask, memory_order_relaxed);
	return 0;
}

bool tracing(const struct gpu *gpu, enum trace_class class)
{
	return atomic_load_explicit(&gpu->report->trace_mask, memory_order_relaxed) & 1u << class;
}

void trace_print(struct gpu *gpu, enum trace_class class, const char *fmt, ...)
{
	struct timespec now;
	char text[TEXT_LEN];
	s64 ns;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	clock_gettime(CLOCK_MONOTONIC, &now);
	ns = (now.tv_sec - gpu->report->start.tv_sec) * 1000000000ll +
	     now.tv_nsec - gpu->report->start.tv_nsec;
	fprintf(stderr, "[%5lld.%06lld] %s: %s\n", (long long)(ns / 1000000000),
		(long long)(ns / 1000 % 1000000), trace_names[class], text);
}

/* ---- the file ---- */

/* Without this line a run cannot be repeated. */
static void write_chaos(struct gpu *gpu, FILE *file)
{
	char text[TEXT_LEN];

	if (!gpu->chaos)
		return;
	chaos_describe(gpu, text, sizeof(text));
	fprintf(file, "chaos: %s\n", text);
}

static void write_verdicts(struct report *report, FILE *file)
{
	fprintf(file, "verdicts: %llu\n", (unsigned long long)report->num_verdicts);
	for (unsigned int i = 0; i < report->num_kinds; i++) {
		const struct kind *kind = &report->kinds[i];

		fprintf(file, "%s: %llu\n", kind->name, (unsigned long long)kind->count);
		for (unsigned int j = 0; j < kind->num_texts; j++)
			fprintf(file, "  %s: %s\n", kind->name, kind->texts[j]);
	}
}

static void write_packets(const struct unknowns *packets, FILE *file)
{
	fprintf(file, "unknown packets: %u\n", packets->num);
	for (unsigned int i = 0; i < packets->num; i++)
		fprintf(file, "%s 0x%08x: %llu times\n", packets->list[i].engine,
			packets->list[i].what, (unsigned long long)packets->list[i].count);
	if (packets->lost)
		fprintf(file, "no room for: %llu packets\n", (unsigned long long)packets->lost);
}

static void write_registers(struct gpu *gpu, const struct unknowns *regs, FILE *file)
{
	fprintf(file, "unknown registers: %u\n", regs->num);
	for (unsigned int i = 0; i < regs->num; i++) {
		const struct unknown *u = &regs->list[i];

		fprintf(file, "0x%08x %s: %llu times, first value 0x%x, %s\n", u->what,
			u->write ? "write" : "read", (unsigned long long)u->count, u->first_value,
			gpu->regs ? reg_name(gpu, u->what) : "?");
	}
	if (regs->lost)
		fprintf(file, "no room for: %llu accesses\n", (unsigned long long)regs->lost);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void write_counters(struct gpu *gpu, FILE *file)
{
	struct report *report = gpu->report;
	const char *names[NUM_COUNTERS];
	unsigned int num = 0;
	u64 lost = atomic_load(&report->counters_lost);

	for (unsigned int i = 0; i < NUM_COUNTERS; i++) {
		names[num] = atomic_load(&report->counters[i].name);
		num += names[num] != NULL;
	}
	qsort(names, num, sizeof(names[0]), compare_names);
	fprintf(file, "counters:\n");
	for (unsigned int i = 0; i < num; i++)
		if (i == 0 || strcmp(names[i], names[i - 1]))
			fprintf(file, "%s: %llu\n", names[i],
				(unsigned long long)counted(gpu, names[i]));
	if (lost)
		fprintf(file, "no room for: %llu counts\n", (unsigned long long)lost);
}

/* All of the report, into memory: nobody who reports something waits for a disk. */
static int compose(struct gpu *gpu, char **text, size_t *size)
{
	struct report *report = gpu->report;
	struct unknowns *regs = malloc(sizeof(*regs));
	FILE *file = open_memstream(text, size);
	bool ok = regs && file;

	if (ok) {
		pthread_mutex_lock(&report->lock);
		write_chaos(gpu, file);
		write_verdicts(report, file);
		write_packets(&report->packets, file);
		*regs = report->registers;
		pthread_mutex_unlock(&report->lock);
		/* Without the lock, since naming a register is another block's business. */
		write_registers(gpu, regs, file);
		write_counters(gpu, file);
	}
	if (file && fclose(file))
		ok = false;
	free(regs);
	return ok ? 0 : -ENOMEM;
}

static int write_file(const char *path, const char *text, size_t size)
{
	FILE *file = fopen(path, "w");
	int err = 0;

	if (!file)
		return -errno;
	if (fwrite(text, 1, size, file) != size)
		err = -errno;
	if (fclose(file) && !err)
		err = -errno;
	return err;
}

int report_write(struct gpu *gpu)
{
	struct report *report = gpu->report;
	char *text = NULL;
	size_t size = 0;
	int err;

	if (!report->path)
		return 0;
	err = compose(gpu, &text, &size);
	if (!err) {
		pthread_mutex_lock(&report->file_lock);
		err = write_file(report->temporary, text, size);
		if (!err && rename(report->temporary, report->path))
			err = -errno;
		pthread_mutex_unlock(&report->file_lock);
	}
	if (err)
		fprintf(stderr, "gpu-emu: cannot write the report %s: %s\n", report->path,
			strerror(-err));
	free(text);
	return err;
}
