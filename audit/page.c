/*
 * What the supervisor has written of its parents on its page of the board: what
 * they were started with, told by nobody whom it concerns.
 */
#include "page.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "service.h"
#include "service_page.h"

bool
page_open(struct service *s, int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd == -1)
		return false;
	if (fstat(fd, &st) == -1 || st.st_size % BOARD_PAGE != 0 ||
	    st.st_size < (off_t)sizeof(struct board_service)) {
		close(fd);
		return false;
	}
	s->board = fd;
	s->page_at = st.st_size - (off_t)sizeof(struct board_service);
	return true;
}

/* It may be written meanwhile: this is as it was at some moment. */
static bool
read_page(const struct service *s, struct board_service *page)
{
	return s->board != -1 && pread(s->board, page, sizeof *page,
	    s->page_at) == (ssize_t)sizeof *page;
}

static const struct subject *
parent_of(const struct subject *p)
{
	while (p != NULL && (p->declared == NULL ||
	    p->declared->policy != POLICY_PARENT))
		p = p->parent;
	return p;
}

/* The supervisor knows it by the pid of the namespace that both are in. */
static bool
is_of(const struct service_slot *slot, const struct subject *parent)
{
	return metric_get(&slot->state) != SLOT_UNUSED &&
	    metric_get(&slot->pid) == (uint64_t)parent->status.inner;
}

bool
page_slot(const struct service *s, const struct subject *p, struct slot *slot)
{
	const struct subject *parent = parent_of(p);
	static struct board_service page;
	const struct service_metrics *m = &page.metrics;
	uint64_t slots;

	if (parent == NULL || !read_page(s, &page))
		return false;
	slots = metric_get(&m->slots);
	for (uint64_t i = 0; i < slots && i < METRICS_SLOTS; i++)
		if (is_of(&m->slot[i], parent)) {
			slot->size = (uint64_t)s->page_at / slots;
			slot->at = i * slot->size;
			slot->max_connections =
			    (uint32_t)metric_get(&m->slot[i].max_connections);
			slot->leaving = metric_get(&m->slot[i].state) ==
			    SLOT_LEAVING;
			slot->share = (uint32_t)metric_get(&m->slot[i].share);
			return true;
		}
	return false;
}
