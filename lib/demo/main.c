// SPDX-License-Identifier: MIT
/*
 * amdgpu-svm-demo: the GPU reads and writes the memory of this process by its
 * addresses, with nothing registered, pinned or copied beforehand.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../amdgpu_svm.h"
#include "check.h"
#include "counters.h"

#define EXIT_SKIP 77
#define NAME_WIDTH 50

static const char usage[] =
	"usage: amdgpu-svm-demo [--device NODE] [--timeout SECONDS]\n"
	"Exit status: 0 all data is right, 1 it is not, 2 usage, 77 no GPU or no SVM.\n";

/* Any attribute call tells whether the process has SVM on this GPU. */
static int probe_svm(struct demo *demo)
{
	struct drm_amdgpu_svm_attribute attr = { .type = AMDGPU_SVM_ATTR_ACCESS };
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	return amdgpu_svm_get_attr(demo->gpu.dev, (uintptr_t)&attr & ~(page - 1), page, 1, &attr);
}

static void print_count(bool known, uint64_t before, uint64_t after)
{
	if (known)
		printf("%9" PRIu64, after - before);
	else
		printf("%9s", "-");
}

static void print_counts(const struct counters *before, const struct counters *after)
{
	print_count(after->have_faults, before->faults, after->faults);
	print_count(after->have_details, before->pages, after->pages);
	print_count(after->have_details, before->invalidations, after->invalidations);
}

static bool run_check(struct demo *demo, const struct check *check)
{
	struct counters before, after;
	int ret;

	counters_read(demo->gpu.fd, &before);
	ret = check->run(demo);
	counters_read(demo->gpu.fd, &after);
	printf("%-*s", NAME_WIDTH, check->name);
	print_counts(&before, &after);
	printf("  %s%s%s\n", ret ? "WRONG" : "right", ret ? ": " : "", ret ? demo->why : "");
	fflush(stdout);
	return !ret;
}

static int run_all(struct demo *demo)
{
	static const struct counters zero;
	struct counters total;
	unsigned int wrong = 0;

	printf("%s, %s\n\n%-*s%9s%9s%9s\n", gpu_name(&demo->gpu), demo->gpu.node, NAME_WIDTH,
	       "the GPU does", "faults", "pages", "invalid.");
	for (unsigned int i = 0; i < num_checks; i++)
		wrong += !run_check(demo, &checks[i]);
	counters_read(demo->gpu.fd, &total);
	printf("%-*s", NAME_WIDTH, "in all");
	print_counts(&zero, &total);
	printf("\n\n%u of %u right\n", num_checks - wrong, num_checks);
	return wrong ? EXIT_FAILURE : EXIT_SUCCESS;
}

static bool parse_seconds(const char *text, unsigned int *seconds)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || value == 0 || value > 86400)
		return false;
	*seconds = (unsigned int)value;
	return true;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "device", required_argument, NULL, 'd' },
		{ "timeout", required_argument, NULL, 't' },
		{ "help", no_argument, NULL, 'h' },
		{},
	};
	struct demo demo = { .seconds = 60 };
	const char *node = NULL;
	int opt, err;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt == 'd') {
			node = optarg;
		} else if (opt == 'h') {
			fputs(usage, stdout);
			return EXIT_SUCCESS;
		} else if (opt != 't' || !parse_seconds(optarg, &demo.seconds)) {
			fputs(usage, stderr);
			return 2;
		}
	}
	err = gpu_open(&demo.gpu, node);
	if (err) {
		fprintf(stderr, "cannot use %s: %s\n", node ? node : "any AMD GPU", strerror(-err));
		return EXIT_SKIP;
	}
	err = probe_svm(&demo);
	if (err) {
		fprintf(stderr, "%s has no SVM for this process: %s\n", demo.gpu.node,
			err == -ENOTTY || err == -EINVAL ? "the driver is without" : strerror(-err));
		gpu_close(&demo.gpu);
		return EXIT_SKIP;
	}
	err = run_all(&demo);
	if (demo.job.gpu)
		gpu_job_fini(&demo.job);
	gpu_close(&demo.gpu);
	return err;
}
