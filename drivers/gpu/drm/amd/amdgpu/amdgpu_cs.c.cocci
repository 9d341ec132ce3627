// SPDX-License-Identifier: GPL-2.0-only
// Work for a VM comes from the process whose memory the VM reaches.

// expect: header 1 #include "amdgpu_svm.h"
@header@
@@
 #include "amdgpu_gmc.h"
+#include "amdgpu_svm.h"

// expect: submit 1 r = amdgpu_svm_check_submit(filp); in amdgpu_cs_ioctl
@submit@
@@
 amdgpu_cs_ioctl(...)
 {
 <...
+r = amdgpu_svm_check_submit(filp);
+if (r)
+	return r;
 r = amdgpu_cs_parser_init(&parser, adev, filp, data);
 ...>
 }
