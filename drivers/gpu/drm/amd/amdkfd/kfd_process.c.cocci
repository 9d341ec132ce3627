// SPDX-License-Identifier: GPL-2.0-only
// Queues of KFD work for the process whose memory their VM reaches. A VM that has a process
// is refused further down.

// expect: header 1 #include "amdgpu_svm.h"
@header@
@@
 #include "amdgpu_reset.h"
+#include "amdgpu_svm.h"

// expect: acquire 1 ret = avm->process_info ? 0 : amdgpu_svm_check_user(avm); in kfd_process_device_init_vm
@acquire@
@@
 kfd_process_device_init_vm(...)
 {
 ...
 avm = &drv_priv->vm;
+ret = avm->process_info ? 0 : amdgpu_svm_check_user(avm);
+if (ret)
+	return ret;
 ...
 }
