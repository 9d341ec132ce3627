// SPDX-License-Identifier: GPL-2.0-only
// The SVM ioctl, and what SVM has to do before the device goes away.

// expect: header 1 #include "amdgpu_svm.h"
@header@
@@
 #include "amdgpu_sched.h"
+#include "amdgpu_svm.h"

// expect: ioctl_entry 1 DRM_IOCTL_DEF_DRV(AMDGPU_GEM_SVM, amdgpu_svm_ioctl, DRM_AUTH | DRM_RENDER_ALLOW), in amdgpu_ioctls_kms
@ioctl_entry@
initializer list I;
@@
 const struct drm_ioctl_desc amdgpu_ioctls_kms[] = {
 	I,
+	DRM_IOCTL_DEF_DRV(AMDGPU_GEM_SVM, amdgpu_svm_ioctl, DRM_AUTH | DRM_RENDER_ALLOW),
 };

// expect: unplug 1 amdgpu_svm_unplug(adev); drm_dev_unplug(dev); in amdgpu_pci_remove
@unplug@
@@
+amdgpu_svm_unplug(adev);
 drm_dev_unplug(dev);

// Version 3.65 says that GEM_VA takes AMDGPU_VM_EXPLICIT_SYNC.
// expect: version 1 #define KMS_DRIVER_MINOR 65
@version@
expression E;
@@
-#define KMS_DRIVER_MINOR E
+#define KMS_DRIVER_MINOR 65

// expect: flush 1 amdgpu_svm_file_flush(file_priv); in amdgpu_flush
@flush@
@@
 amdgpu_flush(...)
 {
 <...
+amdgpu_svm_file_flush(file_priv);
 timeout = amdgpu_ctx_mgr_entity_flush(&fpriv->ctx_mgr, timeout);
 ...>
 }
