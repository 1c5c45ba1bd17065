/* SPDX-License-Identifier: ISC */
#include "hash.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sodium.h>
#include <stdbool.h>
#include <unistd.h>

#define THREADS_MAX	8
#define CHUNK		(256u << 10)	/* bytes a read; what L2 holds */
#define FORGET_EVERY	(8u << 20)	/* bytes between two fadvise */
#define STACK_BYTES	(256u << 10)

/* BUSY: the ring may come round to a job that takes long. */
enum state { FREE, QUEUED, BUSY, DONE };

struct job {
	enum state state;
	int fd;			/* owned while QUEUED */
	uint64_t size;
	struct hash_result r;
};

struct hash_pool {
	pthread_mutex_t mutex;	/* for all up to `quit' */
	pthread_cond_t work, ready;
	struct job jobs[HASH_SLOTS];
	size_t next;		/* the job that a thread takes next */
	unsigned idle;		/* threads that wait for work */
	const atomic_bool *stop;	/* borrowed, or NULL */
	bool waits;		/* the caller waits for the oldest job */
	bool quit;

	size_t head, tail;	/* the caller's: oldest job, next free one */
	unsigned char *slots;	/* owned; HASH_SLOTS of slot_bytes */
	size_t slot_bytes;
	unsigned char *chunk;	/* owned; for no threads */
	pthread_t threads[THREADS_MAX];
	unsigned n;
	int (*done)(void *, void *, const struct hash_result *, struct err *);
	void *arg;
};

void
hash_bytes(const void *data, size_t len, unsigned char out[HASH_BYTES])
{
	crypto_generichash(out, HASH_BYTES, data, len, NULL, 0);
}

/* All of fd, closing it. */
static void
hash_fd(const struct hash_pool *p, int fd, uint64_t size, unsigned char *chunk,
    struct hash_result *r)
{
	crypto_generichash_state st;
	off_t forgotten = 0, at = 0;
	ssize_t n;

	r->sys_errno = 0;
	crypto_generichash_init(&st, NULL, 0, HASH_BYTES);
	if (size > CHUNK)
		posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	for (;;) {
		if (p->stop != NULL && atomic_load(p->stop)) {
			r->sys_errno = ECANCELED;
			break;
		}
		n = read(fd, chunk, CHUNK);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			r->sys_errno = errno;
		if (n <= 0)
			break;
		crypto_generichash_update(&st, chunk, (size_t)n);
		at += n;
		/* A short read at the size that was seen is the end. */
		if ((uint64_t)at == size && (size_t)n < CHUNK)
			break;
		if (at - forgotten >= FORGET_EVERY) {
			posix_fadvise(fd, forgotten, at - forgotten,
			    POSIX_FADV_DONTNEED);
			forgotten = at;
		}
	}
	if (at > forgotten)
		posix_fadvise(fd, forgotten, 0, POSIX_FADV_DONTNEED);
	crypto_generichash_final(&st, r->hash, HASH_BYTES);
	r->bytes = (uint64_t)at;
	close(fd);
}

static void *
worker(void *arg)
{
	struct hash_pool *p = arg;
	unsigned char *chunk = malloc(CHUNK);
	struct hash_result r;
	struct job *j;

	pthread_mutex_lock(&p->mutex);
	for (;;) {
		j = &p->jobs[p->next % HASH_SLOTS];
		if (p->quit)
			break;
		if (j->state != QUEUED) {
			p->idle++;
			pthread_cond_wait(&p->work, &p->mutex);
			p->idle--;
			continue;
		}
		j->state = BUSY;
		p->next++;
		pthread_mutex_unlock(&p->mutex);
		if (chunk != NULL) {
			hash_fd(p, j->fd, j->size, chunk, &r);
		} else {
			close(j->fd);
			r = (struct hash_result){ .sys_errno = ENOMEM };
		}
		pthread_mutex_lock(&p->mutex);
		j->r = r;
		j->state = DONE;
		if (p->waits)
			pthread_cond_signal(&p->ready);
	}
	pthread_mutex_unlock(&p->mutex);
	free(chunk);
	return NULL;
}

/* Signals are for the caller's thread. */
static int
start_threads(struct hash_pool *p, unsigned threads, struct err *e)
{
	pthread_attr_t attr;
	sigset_t all, old;
	int rc = 0;

	if (pthread_attr_init(&attr) != 0)
		return err_set(e, ERR_MEM, "out of memory");
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	while (rc == 0 && p->n < threads && p->n < THREADS_MAX) {
		rc = pthread_create(&p->threads[p->n], &attr, worker, p);
		if (rc == 0)
			p->n++;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	if (rc != 0) {
		errno = rc;
		return err_sys(e, "a thread for hashing");
	}
	return 0;
}

int
hash_pool_new(unsigned threads, size_t slot_bytes,
    int (*done)(void *, void *, const struct hash_result *, struct err *),
    void *arg, struct hash_pool **ret, struct err *e)
{
	struct hash_pool *p;

	if (sodium_init() == -1)
		return err_set(e, ERR_SYS, "libsodium can't be initialised");
	p = calloc(1, sizeof(*p));
	if (p == NULL)
		return err_set(e, ERR_MEM, "out of memory");
	pthread_mutex_init(&p->mutex, NULL);
	pthread_cond_init(&p->work, NULL);
	pthread_cond_init(&p->ready, NULL);
	p->slot_bytes = slot_bytes;
	p->done = done;
	p->arg = arg;
	p->slots = calloc(HASH_SLOTS, slot_bytes);
	p->chunk = threads == 0 ? malloc(CHUNK) : NULL;
	if (p->slots == NULL || (threads == 0 && p->chunk == NULL)) {
		err_set(e, ERR_MEM, "out of memory");
		goto out;
	}
	if (start_threads(p, threads, e) == -1)
		goto out;
	*ret = p;
	return 0;
out:
	hash_pool_free(p);
	return -1;
}

void
hash_pool_stop(struct hash_pool *p, const atomic_bool *stop)
{
	p->stop = stop;
}

/* The oldest job, when it is done, to the caller. */
static int
finish_oldest(struct hash_pool *p, struct err *e)
{
	size_t i = p->head % HASH_SLOTS;
	struct job *j = &p->jobs[i];
	struct hash_result r;

	pthread_mutex_lock(&p->mutex);
	p->waits = true;
	while (j->state != DONE)
		pthread_cond_wait(&p->ready, &p->mutex);
	p->waits = false;
	r = j->r;
	j->state = FREE;
	pthread_mutex_unlock(&p->mutex);
	p->head++;
	return p->done(p->arg, p->slots + i * p->slot_bytes, &r, e);
}

void *
hash_pool_slot(struct hash_pool *p, struct err *e)
{
	if (p->tail - p->head == HASH_SLOTS && finish_oldest(p, e) == -1)
		return NULL;
	return p->slots + p->tail % HASH_SLOTS * p->slot_bytes;
}

void
hash_pool_submit(struct hash_pool *p, int fd, uint64_t size)
{
	struct job *j = &p->jobs[p->tail++ % HASH_SLOTS];

	if (p->n == 0) {
		hash_fd(p, fd, size, p->chunk, &j->r);
		j->state = DONE;
		return;
	}
	pthread_mutex_lock(&p->mutex);
	j->fd = fd;
	j->size = size;
	j->state = QUEUED;
	if (p->idle > 0)
		pthread_cond_signal(&p->work);
	pthread_mutex_unlock(&p->mutex);
}

int
hash_pool_drain(struct hash_pool *p, struct err *e)
{
	while (p->head < p->tail)
		if (finish_oldest(p, e) == -1)
			return -1;
	return 0;
}

void
hash_pool_free(struct hash_pool *p)
{
	unsigned i;

	if (p == NULL)
		return;
	pthread_mutex_lock(&p->mutex);
	p->quit = true;
	pthread_cond_broadcast(&p->work);
	pthread_mutex_unlock(&p->mutex);
	for (i = 0; i < p->n; i++)
		pthread_join(p->threads[i], NULL);
	for (i = 0; i < HASH_SLOTS && p->n > 0; i++)
		if (p->jobs[i].state == QUEUED)
			close(p->jobs[i].fd);
	pthread_cond_destroy(&p->work);
	pthread_cond_destroy(&p->ready);
	pthread_mutex_destroy(&p->mutex);
	free(p->slots);
	free(p->chunk);
	free(p);
}
