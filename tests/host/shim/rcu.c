// SPDX-License-Identifier: GPL-2.0-only

#include <pthread.h>
#include <stddef.h>

#include <urcu.h>

static pthread_rwlock_t readers = PTHREAD_RWLOCK_INITIALIZER;
static pthread_mutex_t queue_lock = PTHREAD_MUTEX_INITIALIZER;
static struct rcu_head *queue, **queue_end = &queue;
static __thread unsigned int depth;

void rcu_read_lock(void)
{
	if (depth++ == 0)
		pthread_rwlock_rdlock(&readers);
}

void rcu_read_unlock(void)
{
	if (--depth == 0)
		pthread_rwlock_unlock(&readers);
}

static struct rcu_head *take_queue(void)
{
	struct rcu_head *list;

	pthread_mutex_lock(&queue_lock);
	list = queue;
	queue = NULL;
	queue_end = &queue;
	pthread_mutex_unlock(&queue_lock);
	return list;
}

void rcu_barrier(void)
{
	struct rcu_head *list = take_queue(), *next;

	pthread_rwlock_wrlock(&readers);
	pthread_rwlock_unlock(&readers);
	for (; list; list = next) {
		next = list->next;
		list->func(list);
	}
}

/*
 * Never runs anything itself: in the kernel a spinlock is a read-side section
 * too, and the maple tree looks at a node after it called this. First in, first
 * out, as on one CPU: a dead subtree may refer to nodes that were queued later.
 */
void call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head))
{
	head->func = func;
	pthread_mutex_lock(&queue_lock);
	head->next = NULL;
	*queue_end = head;
	queue_end = &head->next;
	pthread_mutex_unlock(&queue_lock);
}
