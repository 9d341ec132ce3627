// SPDX-License-Identifier: GPL-2.0-only
/* The VBIOS, read as the PCI core and the driver's ATOM parser read it. */
#include <stdlib.h>
#include <string.h>

#include "asic.h"
#include "test.h"

static struct gpu gpu;
static u8 rom[VBIOS_SIZE];

static u16 get16(size_t at)
{
	return (u16)(rom[at] | rom[at + 1] << 8);
}

static u32 get32(size_t at)
{
	return get16(at) | (u32)get16(at + 2) << 16;
}

static bool string_at(size_t at, const char *text)
{
	return at + strlen(text) <= sizeof(rom) && !memcmp(rom + at, text, strlen(text));
}

static size_t header(void)
{
	return get16(0x48);
}

/* A table of the master list at @field of the ROM header. */
static size_t master_entry(size_t field, size_t entry)
{
	size_t master = get16(header() + field);

	return entry * 2 + 4 < get16(master) ? get16(master + 4 + 2 * entry) : 0;
}

static size_t command(size_t entry)
{
	return master_entry(30, entry);
}

static size_t data(size_t entry)
{
	return master_entry(32, entry);
}

static void the_pci_core_sees_one_image_without_code(void)
{
	size_t pcir = get16(0x18);
	u8 sum = 0;

	CHECK_EQ(get16(0), 0xaa55);
	CHECK_EQ(rom[2] * 512, sizeof(rom));
	CHECK(string_at(pcir, "PCIR"));
	CHECK_EQ(get16(pcir + 4), gpu.asic->pci_vendor);
	CHECK_EQ(get16(pcir + 6), gpu.asic->pci_device);
	CHECK_EQ(get16(pcir + 16) * 512, sizeof(rom));
	CHECK(rom[pcir + 20] != 0);	/* x86 code: a BIOS would run it */
	CHECK(rom[pcir + 20] != 3);	/* EFI */
	CHECK(rom[pcir + 21] & 0x80);	/* the last image */
	for (size_t i = 0; i < sizeof(rom); i++)
		sum = (u8)(sum + rom[i]);
	CHECK_EQ(sum, 0);
}

static void it_is_an_atom_bios(void)
{
	CHECK(string_at(0x30, " 761295520"));
	CHECK(header() > 0 && header() + 40 <= sizeof(rom));
	CHECK(string_at(header() + 4, "ATOM"));
	CHECK(string_at(0x80, gpu.asic->vbios.part_number));
	CHECK_EQ(rom[0x2f], 0);		/* no list of strings: the name is at 0x80 */
}

/* The driver searches from the strings to the ROM header. */
static void the_version_lies_before_the_rom_header(void)
{
	size_t start = get16(0x6e), found = 0;

	CHECK(start > 0x80 && start < header());
	for (size_t at = start; at + 14 < header(); at++)
		if (string_at(at, "ATOMBIOSBK-AMD"))
			found = at;
	CHECK(found);
	CHECK(found + 18 + 32 <= sizeof(rom));
}

/* Two strings are skipped, the third is the build number; all before the header. */
static void three_configuration_strings_end_before_the_rom_header(void)
{
	size_t at = get16(header() + 12);

	for (int i = 0; i < 3; i++) {
		at += strnlen((char *)rom + at, sizeof(rom) - at) + 1;
		CHECK(at <= header());
	}
}

static void firmware_info_says_what_the_emulation_has(void)
{
	size_t at = data(4);

	CHECK(at);
	CHECK_EQ(rom[at + 2], 3);
	CHECK_EQ(rom[at + 3], 4);
	CHECK_EQ(get16(at), 108);
	CHECK(get32(at + 8) && get32(at + 12));		/* clocks: must not be 0 */
	CHECK_EQ(get32(at + 16), 0);			/* no SRAM ECC, no training, ... */
	CHECK_EQ(get32(at + 24), asic_reg(&gpu, &gpu.asic->vbios.scratch, 0));
	CHECK_EQ(get32(at + 84), 64);			/* KiB for IP discovery */
}

static void scratch_register_7_says_that_the_gpu_is_posted(void)
{
	CHECK(!report_init(&gpu, NULL) && !memory_init(&gpu) && !regs_init(&gpu));
	CHECK(reg_read(&gpu, get32(data(4) + 24) + 7) & 0x200);
	regs_fini(&gpu);
	memory_fini(&gpu);
	report_fini(&gpu);
}

static void umc_info_says_hbm_without_ecc(void)
{
	size_t at = data(24);

	CHECK(at);
	CHECK_EQ(rom[at + 2], 4);
	CHECK_EQ(rom[at + 3], 0);
	CHECK_EQ(rom[at + 26], 0x80);
	CHECK_EQ(rom[at + 27], 0);
	CHECK_EQ(get32(at + 52), 0);
	CHECK_EQ(rom[at + 64] << rom[at + 65], 2048);
}

static void asic_init_ends_at_once(void)
{
	size_t at = command(0);

	CHECK(at);
	CHECK_EQ(rom[at + 2], 2);
	CHECK(rom[at + 3] >= 1);
	CHECK_EQ(rom[at + 6], 91);
}

static void no_other_table_exists(void)
{
	for (size_t i = 1; i < 82; i++)
		CHECK_EQ(command(i), 0);
	for (size_t i = 0; i < 35; i++)
		CHECK(i == 4 || i == 24 || data(i) == 0);
}

int main(void)
{
	if (asic_configure(&gpu, "mi300x", 1, 0))
		return 1;
	vbios_build(&gpu, rom);
	CASE(the_pci_core_sees_one_image_without_code);
	CASE(it_is_an_atom_bios);
	CASE(the_version_lies_before_the_rom_header);
	CASE(three_configuration_strings_end_before_the_rom_header);
	CASE(firmware_info_says_what_the_emulation_has);
	CASE(scratch_register_7_says_that_the_gpu_is_posted);
	CASE(umc_info_says_hbm_without_ecc);
	CASE(asic_init_ends_at_once);
	CASE(no_other_table_exists);
	return DONE();
}
