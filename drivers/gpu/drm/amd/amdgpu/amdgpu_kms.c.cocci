// SPDX-License-Identifier: GPL-2.0-only
// Opening a file gives its VM, which has its pasid by then, the opener's memory. Before
// anything else is added to the VM, since opening fails without taking that back.

// expect: header 1 #include "amdgpu_svm.h"
@header@
@@
 #include "amdgpu_uvd.h"
+#include "amdgpu_svm.h"

// expect: open 1 amdgpu_svm_init(adev, &fpriv->vm) in amdgpu_driver_open_kms
@open@
expression list ES;
@@
 amdgpu_driver_open_kms(...)
 {
 <...
+r = amdgpu_svm_init(adev, &fpriv->vm);
+if (r)
+	goto error_vm;
 drm_exec_init(ES);
 ...>
 }
