// SPDX-License-Identifier: GPL-2.0-only
/* The stub firmware files: what the driver checks before it takes them. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "asic.h"
#include "test.h"

static char top[] = "/tmp/firmware_test.XXXXXX";
static u8 file[8192];
static long file_size;

static bool load(const char *dir, const char *name)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "rb");
	if (!f)
		return false;
	file_size = (long)fread(file, 1, sizeof(file), f);
	fclose(f);
	return file_size >= 32;
}

static u16 get16(size_t at)
{
	return (u16)(file[at] | file[at + 1] << 8);
}

static u32 get32(size_t at)
{
	return get16(at) | (u32)get16(at + 2) << 16;
}

static const char *dir_of(const char *sub)
{
	static char dir[128];

	snprintf(dir, sizeof(dir), "%s/%s", top, sub);
	return dir;
}

/* Sizes as the driver checks them, for any of the three. */
static void check_common(void)
{
	CHECK_EQ(get32(0), file_size);
	CHECK(get32(24) >= get32(4));
	CHECK(get32(20) > 0);
	CHECK_EQ(get32(20) % 4, 0);
	CHECK(get32(24) + get32(20) <= (u32)file_size);
}

static void rlc_has_header_2_0_and_empty_lists(void)
{
	CHECK(!firmware_write("mi300x", dir_of("a/b/c")));
	CHECK(load(dir_of("a/b/c"), "amdgpu/gc_9_4_3_rlc.bin"));
	check_common();
	CHECK_NO_BREAK();
	CHECK_EQ(get16(8), 2);
	CHECK_EQ(get16(10), 0);
	for (size_t at = 44; at < 104; at += 4)
		CHECK_EQ(get32(at), 0);
}

static void mec_has_header_1_0_and_a_jump_table_inside_its_payload(void)
{
	CHECK(load(dir_of("a/b/c"), "amdgpu/gc_9_4_3_mec.bin"));
	check_common();
	CHECK_NO_BREAK();
	CHECK_EQ(get16(8), 1);
	CHECK_EQ(get16(10), 0);
	CHECK(get32(16) >= 184);	/* from here on the driver chains XNACK */
	CHECK((get32(36) + get32(40)) * 4 <= get32(20));
}

static void sdma_has_header_1_0_and_a_jump_table_inside_its_payload(void)
{
	CHECK(load(dir_of("a/b/c"), "amdgpu/sdma_4_4_2.bin"));
	check_common();
	CHECK_NO_BREAK();
	CHECK_EQ(get16(8), 1);
	CHECK_EQ(get16(10), 0);
	CHECK((get32(40) + get32(44)) * 4 <= get32(20));
}

static void writing_again_replaces_and_leaves_nothing_else(void)
{
	struct dirent *entry;
	int files = 0;
	DIR *dir;

	CHECK(!firmware_write("mi300x", dir_of("a/b/c")));
	dir = opendir(dir_of("a/b/c/amdgpu"));
	CHECK(dir);
	while ((entry = readdir(dir)))
		files += entry->d_name[0] != '.';
	closedir(dir);
	CHECK_EQ(files, 3);
	CHECK(load(dir_of("a/b/c"), "amdgpu/sdma_4_4_2.bin"));
	CHECK_EQ(get32(0), file_size);
}

static void a_trailing_slash_does_not_matter(void)
{
	CHECK(!firmware_write("mi300x", dir_of("slash/")));
	CHECK(load(dir_of("slash"), "amdgpu/sdma_4_4_2.bin"));
}

static void what_cannot_be_written_is_an_error(void)
{
	int fd = open(dir_of("plain"), O_CREAT | O_WRONLY, 0644);

	CHECK(fd >= 0);
	close(fd);
	CHECK_EQ(-firmware_write("mi300x", dir_of("plain")), ENOTDIR);
	CHECK_EQ(-firmware_write("mi42", dir_of("x")), EINVAL);
	CHECK_EQ(-firmware_write("mi300x", ""), EINVAL);
	CHECK(access(dir_of("x"), F_OK));
}

static void remove_all(void)
{
	static const char *const files[] = {
		"a/b/c/amdgpu/gc_9_4_3_rlc.bin", "a/b/c/amdgpu/gc_9_4_3_mec.bin",
		"a/b/c/amdgpu/sdma_4_4_2.bin", "a/b/c/amdgpu", "a/b/c", "a/b", "a",
		"slash/amdgpu/gc_9_4_3_rlc.bin", "slash/amdgpu/gc_9_4_3_mec.bin",
		"slash/amdgpu/sdma_4_4_2.bin", "slash/amdgpu", "slash", "plain", "",
	};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		remove(dir_of(files[i]));
}

int main(void)
{
	if (!mkdtemp(top)) {
		perror(top);
		return 1;
	}
	CASE(rlc_has_header_2_0_and_empty_lists);
	CASE(mec_has_header_1_0_and_a_jump_table_inside_its_payload);
	CASE(sdma_has_header_1_0_and_a_jump_table_inside_its_payload);
	CASE(writing_again_replaces_and_leaves_nothing_else);
	CASE(a_trailing_slash_does_not_matter);
	CASE(what_cannot_be_written_is_an_error);
	remove_all();
	return DONE();
}
