// SPDX-License-Identifier: MIT
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "counters.h"

/* The number after "KEY:" if that is how the line starts. */
static bool take(const char *line, const char *key, uint64_t *value)
{
	size_t len = strlen(key);

	return !strncmp(line, key, len) && line[len] == ':' &&
	       sscanf(line + len + 1, "%" SCNu64, value) == 1;
}

static bool read_fdinfo(int fd, struct counters *counters, uint64_t *client)
{
	char path[64], line[256];
	bool have_client = false;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "r");
	if (!file)
		return false;
	while (fgets(line, sizeof(line), file)) {
		have_client |= take(line, "drm-client-id", client);
		counters->have_faults |= take(line, "amd-svm-faults", &counters->faults);
	}
	fclose(file);
	return have_client;
}

static void read_debugfs(uint64_t client, struct counters *counters)
{
	char path[96], line[256];
	FILE *file;

	snprintf(path, sizeof(path), "/sys/kernel/debug/dri/client-%" PRIu64 "/svm_counters",
		 client);
	file = fopen(path, "r");
	if (!file)
		return;
	while (fgets(line, sizeof(line), file)) {
		counters->have_details |= take(line, "mapped pages", &counters->pages);
		take(line, "invalidations", &counters->invalidations);
	}
	fclose(file);
}

void counters_read(int fd, struct counters *counters)
{
	uint64_t client;

	memset(counters, 0, sizeof(*counters));
	if (read_fdinfo(fd, counters, &client))
		read_debugfs(client, counters);
}
