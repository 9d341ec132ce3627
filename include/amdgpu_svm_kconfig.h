/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Included before every source file of the module, after the kernel's
 * autoconf.h: the options that the kernel's configuration lacks, and those that
 * a test build turns off. Kbuild at the top says the same to the Makefiles.
 */
#ifndef AMDGPU_SVM_KCONFIG_H
#define AMDGPU_SVM_KCONFIG_H

#define CONFIG_DRM_AMDGPU_SVM 1

#ifdef AMDGPU_SVM_NO_DISPLAY
#undef CONFIG_DRM_AMD_DC
#undef CONFIG_DRM_AMD_DC_FP
#undef CONFIG_DRM_AMD_DC_SI
#endif

#endif
