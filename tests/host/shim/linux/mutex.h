/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_MUTEX_H
#define SHIM_MUTEX_H

#include <pthread.h>

struct mutex {
	pthread_mutex_t pthread;
};

#define mutex_init(m)		((void)pthread_mutex_init(&(m)->pthread, NULL))
#define mutex_destroy(m)	((void)pthread_mutex_destroy(&(m)->pthread))
#define mutex_lock(m)		((void)pthread_mutex_lock(&(m)->pthread))
#define mutex_unlock(m)		((void)pthread_mutex_unlock(&(m)->pthread))

#endif
