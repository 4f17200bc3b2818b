#include "layers.h"

#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "confine.h"

static bool
has_mdwe(void)
{
	return prctl(PR_GET_MDWE, 0, 0, 0, 0) >= 0;
}

static bool
has_landlock_net(void)
{
	return confine_landlock_abi() >= 4;
}

static bool
has_landlock_scope(void)
{
	return confine_landlock_abi() >= 6;
}

static bool
has_secret_memory(void)
{
	int fd = (int)syscall(SYS_memfd_secret, 0);

	if (fd != -1)
		close(fd);
	return fd != -1;
}

static const struct {
	const char	*name, *needs;
	bool		(*present)(void);
} layers[LAYER_COUNT] = {
	[LAYER_MDWE] = { "mdwe", "Linux 6.3", has_mdwe },
	[LAYER_LANDLOCK_NET] = { "landlock-net", "Linux 6.7",
	    has_landlock_net },
	[LAYER_LANDLOCK_SCOPE] = { "landlock-scope", "Linux 6.12",
	    has_landlock_scope },
	[LAYER_SECRET_MEMORY] = { "secret-memory", "Linux 6.5, or 5.14 with "
	    "secretmem.enable=1 on the boot line", has_secret_memory },
};

const char *
layer_name(enum layer l)
{
	return layers[l].name;
}

const char *
layer_needs(enum layer l)
{
	return layers[l].needs;
}

bool
layer_present(enum layer l)
{
	return layers[l].present();
}
