// SPDX-License-Identifier: GPL-2.0-only
// Our own interfaces come along. Other headers are named from the top, as this tree
// holds only a part of them.

// expect: include 1 #include <drm/amdgpu_drm_svm.h>
// expect: include 1 #include <drm/amdgpu_drm_explicit_sync.h>
// expect: include -1 #include "drm.h"
@include@
@@
-#include "drm.h"
+#include <drm/drm.h>
+#include <drm/amdgpu_drm_svm.h>
+#include <drm/amdgpu_drm_explicit_sync.h>
