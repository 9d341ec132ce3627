// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VBIOS in the expansion ROM: the least that makes the driver content.
 *
 * It has no x86 code (its PCI code type says so, so that no firmware runs it)
 * and no display, power or voltage tables. What there is: who the board is, the
 * firmwareinfo table (clocks, scratch registers, how much VRAM is reserved), the
 * umc_info table (memory type and width, no ECC) and the asic_init command,
 * which the driver executes after a reset and which here ends at once.
 *
 * Offsets in the image that the driver takes for granted have names below; all
 * others it finds by pointers.
 */
#include <string.h>

#include "asic.h"

/* PCI firmware specification */
#define ROM_SIGNATURE 0xAA55
#define AT_ROM_BLOCKS 2			/* length in 512 bytes */
#define AT_PCIR_POINTER 0x18
#define PCIR_NOT_EXECUTABLE 0xff	/* code type: none that firmware knows */
#define PCIR_LAST_IMAGE 0x80

/* ATOM */
#define AT_MAGIC 0x30
#define AT_ROM_HEADER_POINTER 0x48
#define AT_DATE 0x50
#define AT_STRINGS_POINTER 0x6e
#define AT_PART_NUMBER 0x80

#define COMMANDS 82			/* entries of the master tables */
#define DATA_TABLES 35
#define COMMAND_ASIC_INIT 0
#define DATA_FIRMWARE_INFO 4
#define DATA_UMC_INFO 24
#define OP_END_OF_TABLE 91

#define CLOCK_MHZ(mhz) ((mhz) * 100u)	/* in 10 kHz */
#define REFERENCE_CLOCK CLOCK_MHZ(100)
#define VRAM_TYPE_HBM3 0x80
#define RESERVED_KB 64			/* the end of VRAM: IP discovery */

struct image {
	u8 *buf;
	size_t pos;
};

static void set(struct image *image, size_t at, u64 value, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		image->buf[at + i] = (u8)(value >> (8 * i));
}

/* Appends @size zeroed bytes, aligned to 4, and returns where they are. */
static size_t room(struct image *image, size_t size)
{
	size_t at = (image->pos + 3) & ~(size_t)3;

	image->pos = at + size;
	return at;
}

static void text(struct image *image, size_t at, const char *string)
{
	memcpy(image->buf + at, string, strlen(string) + 1);
}

static size_t table(struct image *image, size_t size, u8 format, u8 content)
{
	size_t at = room(image, size);

	set(image, at, size, 2);
	set(image, at + 2, format, 1);
	set(image, at + 3, content, 1);
	return at;
}

static void put_pcir(struct image *image, const struct asic *asic)
{
	size_t at = room(image, 24);

	set(image, AT_PCIR_POINTER, at, 2);
	memcpy(image->buf + at, "PCIR", 4);
	set(image, at + 4, asic->pci_vendor, 2);
	set(image, at + 6, asic->pci_device, 2);
	set(image, at + 10, 24, 2);
	set(image, at + 13, asic->pci_class, 3);
	set(image, at + 16, VBIOS_SIZE / 512, 2);
	set(image, at + 20, PCIR_NOT_EXECUTABLE, 1);
	set(image, at + 21, PCIR_LAST_IMAGE, 1);
}

/* The driver looks for the version between the strings and the ROM header, and
 * for configuration, change list and build number as strings before the latter. */
static size_t put_strings(struct image *image)
{
	static const char version[] = "ATOMBIOSBK-AMD VER000.000.000.000.000000";
	static const char config[] = "emulated\0none\0" "0";
	size_t at = room(image, sizeof(version) + 32);

	set(image, AT_STRINGS_POINTER, at, 2);
	text(image, at, version);
	at = room(image, sizeof(config));
	memcpy(image->buf + at, config, sizeof(config));
	return at;
}

static size_t put_rom_header(struct image *image, const struct asic *asic, size_t config)
{
	size_t at = table(image, 40, 2, 2);

	set(image, AT_ROM_HEADER_POINTER, at, 2);
	memcpy(image->buf + at + 4, "ATOM", 4);
	set(image, at + 12, config, 2);
	set(image, at + 24, asic->pci_subsystem_vendor, 2);
	set(image, at + 26, asic->pci_subsystem, 2);
	return at;
}

static void put_commands(struct image *image, size_t rom_header)
{
	size_t master = table(image, 4 + 2 * COMMANDS, 2, 1);
	size_t asic_init = table(image, 7, 2, 1);

	set(image, rom_header + 30, master, 2);
	set(image, master + 4 + 2 * COMMAND_ASIC_INIT, asic_init, 2);
	/* Bytes 4 and 5: no work space, no parameters. */
	set(image, asic_init + 6, OP_END_OF_TABLE, 1);
}

static void put_firmware_info(struct image *image, const struct gpu *gpu, size_t entry)
{
	const struct asic_vbios *vbios = &gpu->asic->vbios;
	size_t at = table(image, 108, 3, 4);

	set(image, entry, at, 2);
	set(image, at + 8, CLOCK_MHZ(vbios->boot_sclk_mhz), 4);
	set(image, at + 12, CLOCK_MHZ(vbios->boot_mclk_mhz), 4);
	set(image, at + 24, asic_reg(gpu, &vbios->scratch, 0), 4);
	set(image, at + 84, RESERVED_KB, 4);
}

static void put_umc_info(struct image *image, const struct gpu *gpu, size_t entry)
{
	const struct asic_vbios *vbios = &gpu->asic->vbios;
	size_t at = table(image, 84, 4, 0);

	set(image, entry, at, 2);
	set(image, at + 26, VRAM_TYPE_HBM3, 1);
	set(image, at + 28, REFERENCE_CLOCK, 4);
	set(image, at + 64, vbios->channels_per_aid, 1);
	set(image, at + 65, vbios->channel_width_log2, 1);
}

static void put_data_tables(struct image *image, const struct gpu *gpu, size_t rom_header)
{
	size_t master = table(image, 4 + 2 * DATA_TABLES, 2, 1);

	set(image, rom_header + 32, master, 2);
	put_firmware_info(image, gpu, master + 4 + 2 * DATA_FIRMWARE_INFO);
	put_umc_info(image, gpu, master + 4 + 2 * DATA_UMC_INFO);
}

void vbios_build(const struct gpu *gpu, u8 buf[VBIOS_SIZE])
{
	struct image image = { .buf = buf, .pos = 0xa0 };
	size_t config, rom_header;
	u8 sum = 0;

	memset(buf, 0, VBIOS_SIZE);
	set(&image, 0, ROM_SIGNATURE, 2);
	set(&image, AT_ROM_BLOCKS, VBIOS_SIZE / 512, 1);
	text(&image, AT_MAGIC, " 761295520");
	text(&image, AT_DATE, "01/01/25 00:00");
	text(&image, AT_PART_NUMBER, gpu->asic->vbios.part_number);
	put_pcir(&image, gpu->asic);
	config = put_strings(&image);
	rom_header = put_rom_header(&image, gpu->asic, config);
	put_commands(&image, rom_header);
	put_data_tables(&image, gpu, rom_header);

	/* The whole image sums up to zero. */
	for (size_t i = 0; i < VBIOS_SIZE - 1; i++)
		sum = (u8)(sum + buf[i]);
	buf[VBIOS_SIZE - 1] = (u8)-sum;
}
