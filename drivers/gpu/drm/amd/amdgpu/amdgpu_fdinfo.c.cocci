// SPDX-License-Identifier: GPL-2.0-only
// SVM's lines of fdinfo.

// expect: header 1 #include "amdgpu_svm.h"
@header@
@@
 #include "amdgpu_fdinfo.h"
+#include "amdgpu_svm.h"

// expect: lines 1 amdgpu_svm_show_fdinfo(p, vm);
@lines@
identifier p, vm, fpriv;
@@
 drm_printf(p, "pasid:\t%u\n", fpriv->vm.pasid);
+amdgpu_svm_show_fdinfo(p, vm);
