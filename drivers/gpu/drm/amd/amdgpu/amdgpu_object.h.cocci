// SPDX-License-Identifier: GPL-2.0-only

// expect: frees_no_memory 1 bool frees_no_memory; in amdgpu_bo_va_mapping
@frees_no_memory@
@@
 struct amdgpu_bo_va_mapping {
 	...
 	uint32_t			flags;
+	/* PRT or of an always valid BO, set when freed: amdgpu_vm_explicit.c */
+	bool				frees_no_memory;
 };
