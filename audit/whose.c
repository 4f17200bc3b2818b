#include "whose.h"

#include <stddef.h>
#include <string.h>

#include "declared.h"
#include "title.h"

/* What a process of the service calls itself; NULL for one of a command. */
static const char *
title_of(enum policy_id id)
{
	for (size_t i = 0; i < declared_count; i++)
		if (declared[i].policy == id)
			return declared[i].title;
	return NULL;
}

bool
whose_program(enum policy_id id, const char *file)
{
	const char *title = title_of(id);
	size_t n;

	if (title != NULL) {
		n = strcspn(title, ":");
		return strncmp(title, file, n) == 0 && file[n] == '\0';
	}
	switch (id) {
	case POLICY_CLIENT:
		return strcmp(file, "postern") == 0;
	case POLICY_EXPLAIN:
	case POLICY_STATUS:
		return strcmp(file, "posternd") == 0;
	case POLICY_LOOKER:
		return strcmp(file, "postern-certgen") == 0 ||
		    strcmp(file, "postern-audit") == 0;
	default:
		return false;
	}
}

bool
whose_name(enum policy_id id, const char *comm)
{
	const char *title = title_of(id);
	char name[TITLE_NAME];

	if (title == NULL)
		return whose_program(id, comm);
	title_name(title, name);
	return strcmp(name, comm) == 0;
}
