// SPDX-License-Identifier: GPL-2.0-only
/* The program as scripts run it: command line, exit status, report. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gpu.h"
#include "test.h"

static char program[4096];	/* gpu-emu beside this test */
static char dir[] = "/tmp/main_test.XXXXXX";
static char socket_path[64], report_path[64], output_path[64];
static char output[1 << 16];

static pid_t spawn(char *const argv[])
{
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);	/* a test that is killed leaves nothing behind */
	if (dup2(open(output_path, O_WRONLY | O_CREAT | O_TRUNC, 0600), STDOUT_FILENO) < 0 ||
	    dup2(STDOUT_FILENO, STDERR_FILENO) < 0)
		_exit(126);
	execv(program, argv);
	_exit(127);
}

static void load(const char *path)
{
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? 0 : read(fd, output, sizeof(output) - 1);

	output[n > 0 ? n : 0] = '\0';
	if (fd >= 0)
		close(fd);
}

/* Exit status, or -1 after a crash; what it said is in @output. */
static int wait_for(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		return -1;
	load(output_path);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void a_wrong_command_line_is_refused_in_one_clear_line(void)
{
	static const struct { const char *args[8]; const char *says; int status; } bad[] = {
		{ { NULL }, "--socket is missing", 2 },
		{ { "--socket", "s" }, "--report is missing", 2 },
		{ { "--socket", "s", "--report", "r", "more" }, "unexpected argument: more", 2 },
		{ { "--socket", "s", "--report", "r", "--chaos", "all,x" }, "chaos option 'x'", 1 },
		{ { "--socket", "s", "--report", "r", "--vram", "4" }, "not 4\n", 2 },
		{ { "--socket", "s", "--report", "r", "--vram", "-4G" }, "not -4G\n", 2 },
		{ { "--socket", "s", "--report", "r", "--vram", "4GB" }, "not 4GB\n", 2 },
		{ { "--socket", "s", "--report", "r", "--vram", "99999999999G" }, "--vram wants", 2 },
		{ { "--socket", "s", "--report", "r", "--vram", "2M" }, "VRAM of 2097152 bytes", 1 },
		{ { "--socket", "s", "--report", "r", "--xcc", "3" }, "--xcc is 1 or 8, not 3", 2 },
		{ { "--socket", "s", "--report", "r", "--asic", "mi1" }, "no such ASIC: mi1", 1 },
		{ { "--socket", "s", "--report", "r", "--trace", "all,x" }, "trace class 'x'", 1 },
		{ { "--socket", "/no/s", "--report", "/no/r" }, "cannot write the report /no/r", 1 },
		{ { "--firmware", "d", "--socket", "s" }, "exclude each other", 2 },
		{ { "--firmware", "/proc/none" }, "/proc/none", 1 },
		{ { "--bogus" }, "bogus", 2 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		char *argv[10] = { program };
		int status;

		for (size_t k = 0; k < ARRAY_SIZE(bad[i].args) && bad[i].args[k]; k++)
			argv[k + 1] = (char *)bad[i].args[k];
		status = wait_for(spawn(argv));
		if (status != bad[i].status || !strstr(output, bad[i].says))
			printf("# case %zu: status %d, said: %s\n", i, status, output);
		CHECK_EQ(status, bad[i].status);
		CHECK(strstr(output, bad[i].says));
	}
}

static void help_names_every_option(void)
{
	static const char *const options[] = { "--socket", "--report", "--asic", "--vram", "--xcc",
		"--chaos", "--trace", "--once", "--firmware", "--help" };
	char *argv[] = { program, "--help", NULL };

	CHECK_EQ(wait_for(spawn(argv)), 0);
	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		CHECK(strstr(output, options[i]));
}

static int dial(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(addr.sun_path, socket_path);
	while (connect(fd, (struct sockaddr *)&addr, sizeof(addr))) {
		if (errno != ENOENT && errno != ECONNREFUSED) {
			close(fd);
			return -1;
		}
		sched_yield();
	}
	return fd;
}

static char *const serve[] = { program, "--socket", socket_path, "--report", report_path,
	"--vram", "512M", "--once", NULL };

static void a_signal_ends_it_cleanly_with_a_report(void)
{
	pid_t pid = spawn(serve);
	int fd = dial();

	CHECK(fd >= 0);
	CHECK_EQ(kill(pid, SIGTERM), 0);
	CHECK_EQ(wait_for(pid), 0);
	close(fd);
	load(report_path);
	CHECK(strstr(output, "verdicts: 0\n"));
	CHECK(access(socket_path, F_OK));
}

static void the_end_of_the_first_peer_is_the_end_with_once(void)
{
	pid_t pid = spawn(serve);
	int fd = dial();

	CHECK(fd >= 0);
	close(fd);
	CHECK_EQ(wait_for(pid), 0);
}

/* Rings a doorbell of the driver's that nobody listens to. */
static void a_run_with_a_verdict_ends_with_status_3(void)
{
	static const u32 messages[] = {
		1 | 1 << 16, 20, 0, 0, 0,
		2 | 10 << 16, 36, 0, 0, 0x800, 0, 2, 4, 1,
	};
	u8 replies[4096];
	pid_t pid = spawn(serve);
	int fd = dial();

	CHECK(fd >= 0);
	CHECK_EQ(send(fd, messages, sizeof(messages), MSG_NOSIGNAL), sizeof(messages));
	shutdown(fd, SHUT_WR);
	while (recv(fd, replies, sizeof(replies), 0) > 0)
		;
	close(fd);
	CHECK_EQ(wait_for(pid), 3);
	CHECK(strstr(output, "verdict doorbell-unmapped: "));
	load(report_path);
	CHECK(strstr(output, "verdicts: 1\n"));
	CHECK(strstr(output, "doorbell-unmapped: 1\n"));
}

static void firmware_stubs_are_written_without_a_device(void)
{
	char *argv[] = { program, "--firmware", dir, NULL };
	char path[128];

	CHECK_EQ(wait_for(spawn(argv)), 0);
	snprintf(path, sizeof(path), "%s/amdgpu/gc_9_4_3_mec.bin", dir);
	CHECK_EQ(access(path, R_OK), 0);
}

static void clean_up(void)
{
	char *argv[] = { "rm", "-rf", dir, NULL };
	pid_t pid = fork();

	if (!pid) {
		execvp(argv[0], argv);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
}

int main(int argc, char **argv)
{
	const char *slash = argc ? strrchr(argv[0], '/') : NULL;

	if (!slash || !mkdtemp(dir)) {
		printf("Bail out! call this by its path, and /tmp must be writable\n");
		return 1;
	}
	snprintf(program, sizeof(program), "%.*s/gpu-emu", (int)(slash - argv[0]), argv[0]);
	snprintf(socket_path, sizeof(socket_path), "%s/socket", dir);
	snprintf(report_path, sizeof(report_path), "%s/report", dir);
	snprintf(output_path, sizeof(output_path), "%s/output", dir);
	alarm(240);

	CASE(help_names_every_option);
	CASE(a_wrong_command_line_is_refused_in_one_clear_line);
	CASE(a_signal_ends_it_cleanly_with_a_report);
	CASE(the_end_of_the_first_peer_is_the_end_with_once);
	CASE(a_run_with_a_verdict_ends_with_status_3);
	CASE(firmware_stubs_are_written_without_a_device);

	clean_up();
	return DONE();
}
