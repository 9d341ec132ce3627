// SPDX-License-Identifier: GPL-2.0-only

// expect: svm_off 1 atomic_t svm_off; in amdgpu_reset_domain
@svm_off@
@@
 struct amdgpu_reset_domain {
 	...
+	/* resets that have begun: nothing is mapped by SVM, see amdgpu_svm_reset_begin() */
+	atomic_t svm_off;
 };
