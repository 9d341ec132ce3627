// SPDX-License-Identifier: GPL-2.0-only
// Opening a file gives its VM the opener's memory.

// expect: header 1 #include "amdgpu_svm.h"
@header@
@@
 #include "amdgpu_uvd.h"
+#include "amdgpu_svm.h"

// expect: open 1 amdgpu_svm_init(adev, &fpriv->vm) in amdgpu_driver_open_kms
@open@
identifier adev, fpriv, r, pasid;
@@
 int amdgpu_driver_open_kms(...)
 {
 ...
 	r = amdgpu_vm_init(adev, &fpriv->vm, fpriv->xcp_id, pasid);
 	if (r)
 		goto error_pasid;
+	r = amdgpu_svm_init(adev, &fpriv->vm);
+	if (r)
+		goto error_vm;
 ...
 }
