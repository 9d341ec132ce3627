// SPDX-License-Identifier: GPL-2.0-only
/*
 * The command line. Exit status: 0 after a clean end, 1 if something could not
 * be done, 2 for a wrong command line, 3 when the run had a verdict.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gpu.h"

enum { EXIT_USAGE = 2, EXIT_VERDICT = 3 };

struct options {
	struct gpu_config gpu;
	const char *socket;
	const char *firmware;
	bool once;
};

static const char usage[] =
	"usage: gpu-emu --socket PATH --report FILE [--asic NAME] [--vram SIZE]\n"
	"               [--xcc N] [--chaos LIST] [--trace LIST] [--once]\n"
	"       gpu-emu --firmware DIR [--asic NAME]\n"
	"\n"
	"Emulates a GPU for a virtual machine that connects with vfio-user.\n"
	"\n"
	"  --socket PATH    UNIX socket to listen on\n"
	"  --report FILE    where to write what the run found: verdicts, unknown\n"
	"                   registers and packets, counters (SIGUSR1: write it now)\n"
	"  --asic NAME      the GPU: mi300x (default)\n"
	"  --vram SIZE      video memory, with suffix M or G (default: the ASIC's)\n"
	"  --xcc N          compute dies, 1 or 8 (default 1)\n"
	"  --chaos LIST     do what hardware may do and rarely does: delay,slow-engine,\n"
	"                   dup-fault,late-fault,ih-pressure,tlb-prefetch or all, with\n"
	"                   seed=N for other decisions (default 1)\n"
	"  --trace LIST     on stderr: vfio,reg,vm,ih,sdma,cp,mem or all\n"
	"  --once           end when the first peer has disconnected\n"
	"  --firmware DIR   write the firmware stubs that the driver asks for, and end\n"
	"  --help           this text\n"
	"\n"
	"Exit status: 0 ended cleanly, 1 failed, 2 wrong usage, 3 there was a verdict.\n";

static void die_usage(const char *why, const char *what)
{
	fprintf(stderr, "gpu-emu: %s%s\nTry 'gpu-emu --help'.\n", why, what);
	exit(EXIT_USAGE);
}

static unsigned long long parse_number(const char *option, const char *text, char **end)
{
	unsigned long long value;

	errno = 0;
	value = strtoull(text, end, 10);
	if (errno || *end == text || text[0] < '0' || text[0] > '9')
		die_usage(option, text);
	return value;
}

static u64 parse_size(const char *text)
{
	static const char wrong[] = "--vram wants a size such as 512M or 4G, not ";
	unsigned int shift = 0;
	unsigned long long value;
	char *end;

	value = parse_number(wrong, text, &end);
	if (*end == 'M')
		shift = 20;
	else if (*end == 'G')
		shift = 30;
	if (!shift || end[1] || !value || value > UINT64_MAX >> shift)
		die_usage(wrong, text);
	return value << shift;
}

static unsigned int parse_xcc(const char *text)
{
	static const char wrong[] = "--xcc is 1 or 8, not ";
	char *end;
	unsigned long long value = parse_number(wrong, text, &end);

	if (*end || (value != 1 && value != 8))
		die_usage(wrong, text);
	return (unsigned int)value;
}

static void parse_option(struct options *o, int option)
{
	switch (option) {
	case 's':
		o->socket = optarg;
		break;
	case 'r':
		o->gpu.report = optarg;
		break;
	case 'a':
		o->gpu.asic = optarg;
		break;
	case 'v':
		o->gpu.vram_size = parse_size(optarg);
		break;
	case 'x':
		o->gpu.num_xcc = parse_xcc(optarg);
		break;
	case 't':
		o->gpu.trace = optarg;
		break;
	case 'f':
		o->firmware = optarg;
		break;
	case 'o':
		o->once = true;
		break;
	case 'c':
		o->gpu.chaos = optarg;
		break;
	case 'h':
		fputs(usage, stdout);
		exit(EXIT_SUCCESS);
	default:
		fprintf(stderr, "Try 'gpu-emu --help'.\n");
		exit(EXIT_USAGE);
	}
}

static void parse(struct options *o, int argc, char **argv)
{
	static const struct option options[] = {
		{ "socket", required_argument, NULL, 's' },
		{ "report", required_argument, NULL, 'r' },
		{ "asic", required_argument, NULL, 'a' },
		{ "vram", required_argument, NULL, 'v' },
		{ "xcc", required_argument, NULL, 'x' },
		{ "trace", required_argument, NULL, 't' },
		{ "chaos", required_argument, NULL, 'c' },
		{ "firmware", required_argument, NULL, 'f' },
		{ "once", no_argument, NULL, 'o' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 }
	};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
		parse_option(o, option);
	if (optind < argc)
		die_usage("unexpected argument: ", argv[optind]);
	if (o->firmware && o->socket)
		die_usage("--firmware and --socket exclude each other", "");
	if (!o->firmware && !o->socket)
		die_usage("--socket is missing", "");
	if (o->socket && !o->gpu.report)
		die_usage("--report is missing", "");
}

/* Before any thread is there: the transport thread alone takes these signals. */
static void block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static int run(const struct options *o)
{
	struct gpu *gpu;
	u64 found;
	int err;

	block_signals();
	gpu = gpu_new(&o->gpu);
	if (!gpu)
		return EXIT_FAILURE;
	/* The first one shows that there will be a report, before a guest boots. */
	err = report_write(gpu);
	if (!err)
		err = transport_run(gpu, o->socket, o->once);
	if (!err)
		err = report_write(gpu);
	found = verdicts(gpu, NULL);
	gpu_free(gpu);
	if (found)
		fprintf(stderr, "gpu-emu: %llu verdicts, see %s\n", (unsigned long long)found,
			o->gpu.report);
	if (err)
		return EXIT_FAILURE;
	return found ? EXIT_VERDICT : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct options o = { .gpu.asic = "mi300x" };

	parse(&o, argc, argv);
	if (o.firmware)
		return firmware_write(o.gpu.asic, o.firmware) ? EXIT_FAILURE : EXIT_SUCCESS;
	return run(&o);
}
