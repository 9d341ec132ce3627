// SPDX-License-Identifier: GPL-2.0-only
/* Verdicts, unknown registers and packets, counters, and the file of all that. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gpu.h"
#include "test.h"

static struct gpu gpu;
static char path[] = "/tmp/report_test.XXXXXX";
static char text[1 << 20];

static void start(void)
{
	memset(&gpu, 0, sizeof(gpu));
	CHECK_EQ(report_init(&gpu, path), 0);
}

static void stop(void)
{
	report_fini(&gpu);
}

/* Writes the report and reads what is on disk then. */
static int load(void)
{
	int err = report_write(&gpu);
	FILE *file = fopen(path, "r");
	size_t n;

	text[0] = '\0';
	if (!file)
		return err;
	n = fread(text, 1, sizeof(text) - 1, file);
	text[n] = '\0';
	fclose(file);
	return err;
}

static bool has_line(const char *line)
{
	size_t len = strlen(line);

	for (const char *at = text; (at = strstr(at, line)); at++)
		if ((at == text || at[-1] == '\n') && at[len] == '\n')
			return true;
	return false;
}

static unsigned int lines_with(const char *part)
{
	unsigned int n = 0;

	for (const char *at = text; (at = strstr(at, part)); at++)
		n++;
	return n;
}

static void a_clean_run_says_so(void)
{
	start();
	CHECK_EQ(load(), 0);
	CHECK(has_line("verdicts: 0"));
	CHECK(has_line("unknown registers: 0"));
	CHECK(has_line("unknown packets: 0"));
	CHECK(has_line("counters:"));
	CHECK_EQ(verdicts(&gpu, NULL), 0);
	stop();
}

static void verdicts_are_counted_by_kind(void)
{
	start();
	for (int i = 0; i < 3; i++)
		verdict(&gpu, "stale-tlb", "page %d", i);
	verdict(&gpu, "ring-overrun", "once");
	CHECK_EQ(verdicts(&gpu, NULL), 4);
	CHECK_EQ(verdicts(&gpu, "stale-tlb"), 3);
	CHECK_EQ(verdicts(&gpu, "ring-overrun"), 1);
	CHECK_EQ(verdicts(&gpu, "stale"), 0);
	CHECK_EQ(load(), 0);
	CHECK(has_line("verdicts: 4"));
	CHECK(has_line("stale-tlb: 3"));
	CHECK(has_line("  stale-tlb: page 2"));
	CHECK(has_line("  ring-overrun: once"));
	stop();
}

static void a_flood_keeps_100_texts_and_hides_no_other_kind(void)
{
	start();
	for (int i = 0; i < 5000; i++)
		verdict(&gpu, "flood", "number <%d>", i);
	verdict(&gpu, "late", "seen");
	CHECK_EQ(load(), 0);
	CHECK(has_line("flood: 5000"));
	CHECK_EQ(lines_with("  flood: number"), 100);
	CHECK(has_line("  flood: number <99>"));
	CHECK(!has_line("  flood: number <100>"));
	CHECK(has_line("  late: seen"));
	stop();
}

static void kinds_without_end_share_the_last_place(void)
{
	char kind[32];

	start();
	for (int i = 0; i < 200; i++) {
		snprintf(kind, sizeof(kind), "kind-%03d", i);
		verdict(&gpu, kind, "text");
	}
	CHECK_EQ(verdicts(&gpu, NULL), 200);
	CHECK_EQ(verdicts(&gpu, "kind-062"), 1);
	CHECK_EQ(verdicts(&gpu, "kind-063"), 0);
	CHECK_EQ(verdicts(&gpu, "other"), 137);
	stop();
}

static void a_text_stays_on_one_line_and_ends(void)
{
	char longer[4096];

	start();
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	verdict(&gpu, "lines", "a\nverdicts: 0\rb\x1b[2J");
	verdict(&gpu, "long", "%s", longer);
	CHECK_EQ(load(), 0);
	CHECK(has_line("  lines: a verdicts: 0 b [2J"));
	CHECK_EQ(lines_with("xxxxxxxxxx\n"), 1);
	stop();
}

static void unknowns_are_listed_once_with_their_count(void)
{
	start();
	for (int i = 0; i < 5; i++)
		unknown_register(&gpu, 0x1234, false, 0);
	unknown_register(&gpu, 0x1234, true, 0xabc);
	unknown_packet(&gpu, "sdma", 0x77);
	unknown_packet(&gpu, "sdma", 0x77);
	unknown_packet(&gpu, "mec", 0x77);
	CHECK_EQ(load(), 0);
	CHECK(has_line("unknown registers: 2"));
	CHECK(has_line("0x00001234 read: 5 times, first value 0x0, ?"));
	CHECK(has_line("0x00001234 write: 1 times, first value 0xabc, ?"));
	CHECK(has_line("unknown packets: 2"));
	CHECK(has_line("sdma 0x00000077: 2 times"));
	CHECK(has_line("mec 0x00000077: 1 times"));
	CHECK_EQ(verdicts(&gpu, NULL), 0);
	stop();
}

static void unknowns_without_end_are_counted(void)
{
	start();
	for (u32 i = 0; i < 3000; i++) {
		unknown_register(&gpu, i, false, 0);
		unknown_packet(&gpu, "mec", i);
	}
	CHECK_EQ(load(), 0);
	CHECK(has_line("unknown registers: 2048"));
	CHECK(has_line("no room for: 952 accesses"));
	CHECK(has_line("no room for: 952 packets"));
	stop();
}

static void counters_of_equal_text_are_one(void)
{
	static const char first[] = "test.same", second[] = "test.same";

	start();
	count(&gpu, first, 2);
	count(&gpu, second, 3);
	count(&gpu, "test.zero", 0);
	CHECK_EQ(counted(&gpu, "test.same"), 5);
	CHECK_EQ(counted(&gpu, "test.never"), 0);
	CHECK_EQ(load(), 0);
	CHECK(has_line("test.same: 5"));
	CHECK(has_line("test.zero: 0"));
	CHECK_EQ(lines_with("test.same"), 1);
	stop();
}

static const char *const names[] = { "t.a", "t.b", "t.c", "t.d", "t.e", "t.f", "t.g", "t.h" };

static void *count_much(void *arg)
{
	(void)arg;
	for (int i = 0; i < 80000; i++)
		count(&gpu, names[i % ARRAY_SIZE(names)], 1);
	return NULL;
}

static void counting_threads_lose_nothing(void)
{
	pthread_t threads[4];

	start();
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, count_much, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		CHECK_EQ(counted(&gpu, names[i]), 40000);
	stop();
}

static void counters_without_end_are_counted(void)
{
	static char many[1200][8];

	start();
	for (size_t i = 0; i < ARRAY_SIZE(many); i++) {
		snprintf(many[i], sizeof(many[i]), "n%zu", i);
		count(&gpu, many[i], 1);
	}
	CHECK_EQ(load(), 0);
	CHECK(has_line("no room for: 176 counts"));
	stop();
}

static void a_report_that_cannot_be_written_keeps_the_old_one(void)
{
	char temporary[sizeof(path) + 4];

	start();
	snprintf(temporary, sizeof(temporary), "%s.tmp", path);
	verdict(&gpu, "kept", "text");
	CHECK_EQ(load(), 0);
	CHECK_EQ(mkdir(temporary, 0700), 0);	/* a file of that name cannot be made */
	verdict(&gpu, "later", "text");
	CHECK_EQ(load(), -EISDIR);
	CHECK(has_line("  kept: text"));
	CHECK(!has_line("  later: text"));
	CHECK_EQ(rmdir(temporary), 0);
	CHECK_EQ(load(), 0);
	CHECK(has_line("  later: text"));
	stop();
}

static void without_a_path_nothing_is_written(void)
{
	CHECK_EQ(report_init(&gpu, NULL), 0);
	CHECK_EQ(report_write(&gpu), 0);
	stop();
}

static void only_selected_classes_are_traced(void)
{
	start();
	CHECK(!tracing(&gpu, TRACE_VM));
	CHECK_EQ(trace_select(&gpu, "vm,cp"), 0);
	CHECK(tracing(&gpu, TRACE_VM) && tracing(&gpu, TRACE_CP));
	CHECK(!tracing(&gpu, TRACE_REG) && !tracing(&gpu, TRACE_MEM));
	CHECK_EQ(trace_select(&gpu, "all"), 0);
	CHECK(tracing(&gpu, TRACE_VFIO) && tracing(&gpu, TRACE_MEM));
	CHECK_EQ(trace_select(&gpu, "vm,bogus"), -EINVAL);
	CHECK_EQ(trace_select(&gpu, "v"), -EINVAL);
	CHECK_EQ(trace_select(&gpu, ",vm"), -EINVAL);
	CHECK_EQ(trace_select(&gpu, ""), 0);
	CHECK(!tracing(&gpu, TRACE_VFIO));
	stop();
}

int main(void)
{
	int fd = mkstemp(path);

	if (fd < 0) {
		printf("Bail out! cannot make %s\n", path);
		return 1;
	}
	close(fd);
	CASE(a_clean_run_says_so);
	CASE(verdicts_are_counted_by_kind);
	CASE(a_flood_keeps_100_texts_and_hides_no_other_kind);
	CASE(kinds_without_end_share_the_last_place);
	CASE(a_text_stays_on_one_line_and_ends);
	CASE(unknowns_are_listed_once_with_their_count);
	CASE(unknowns_without_end_are_counted);
	CASE(counters_of_equal_text_are_one);
	CASE(counting_threads_lose_nothing);
	CASE(counters_without_end_are_counted);
	CASE(a_report_that_cannot_be_written_keeps_the_old_one);
	CASE(without_a_path_nothing_is_written);
	CASE(only_selected_classes_are_traced);
	unlink(path);
	return DONE();
}
