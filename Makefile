# postern: GNU make.  `make help` lists the targets.

prefix     ?= /usr/local
sbindir    ?= $(prefix)/sbin
bindir     ?= $(prefix)/bin
libexecdir ?= $(prefix)/libexec/postern
sysconfdir ?= $(if $(filter /usr,$(prefix)),/etc,$(prefix)/etc)
mandir     ?= $(prefix)/share/man
docdir     ?= $(prefix)/share/doc/postern
sysusersdir ?= $(prefix)/lib/sysusers.d
DESTDIR    ?=

B          ?= build
CC         ?= cc
PKG_CONFIG ?= pkg-config
VERSION    := 0.1

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:

# ---- the compiler -----------------------------------------------------------

# Flags that not every compiler has: kept only if a probe accepts them.
probe = $(shell echo 'int main(void){return 0;}' | \
	$(CC) -Werror $(1) -x c - -o /dev/null 2>/dev/null && echo '$(1)')

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wpointer-arith -Wwrite-strings -Wvla \
	-Wformat=2 -Wundef -Wcast-qual
ifneq ($(or $(CI),$(WERROR)),)
WARN += -Werror
endif

ifneq ($(SANITIZE),)
# The sanitizers replace fortification; the tables gain one named group.
HARDEN := -DPOSTERN_SANITIZED=1 -fsanitize=$(SANITIZE) \
	-fno-sanitize-recover=all -fno-omit-frame-pointer -g
HARDEN_LD := -fsanitize=$(SANITIZE)
STATIC_PIE :=
else
HARDEN := -D_FORTIFY_SOURCE=3 -fstack-protector-strong \
	$(call probe,-fstack-clash-protection) \
	$(call probe,-fcf-protection=full) \
	$(call probe,-mbranch-protection=standard) \
	$(call probe,-ftrivial-auto-var-init=zero) \
	$(call probe,-fzero-call-used-regs=used-gpr)
HARDEN_LD := -Wl,-z,relro,-z,now -Wl,-z,noexecstack \
	$(call probe,-Wl$(comma)-z$(comma)separate-code)
endif
comma := ,

CFLAGS  ?= -O2 -g
ALL_CFLAGS = -std=c11 -D_GNU_SOURCE -DPOSTERN_VERSION='"$(VERSION)"' \
	$(WARN) $(HARDEN) -fPIE -Ilib -MMD -MP $(CFLAGS) $(CPPFLAGS)
ALL_LDFLAGS = -pie $(HARDEN_LD) $(LDFLAGS)

# ---- the libraries, as pkg-config finds them --------------------------------

pkg_cflags = $(shell $(PKG_CONFIG) --cflags $(1) 2>/dev/null)
pkg_libs   = $(shell $(PKG_CONFIG) --libs $(1) 2>/dev/null)

TLS_CFLAGS     := $(call pkg_cflags,libtls libcrypto)
TLS_LIBS       := $(call pkg_libs,libtls libssl libcrypto)
CRYPTO_LIBS    := $(call pkg_libs,libcrypto)
SECCOMP_CFLAGS := $(call pkg_cflags,libseccomp)
SECCOMP_LIBS   := $(call pkg_libs,libseccomp)
CONFUSE_CFLAGS := $(call pkg_cflags,libconfuse)
CONFUSE_LIBS   := $(call pkg_libs,libconfuse)
EVENT_CFLAGS   := $(call pkg_cflags,libevent_core)
EVENT_LIBS     := $(call pkg_libs,libevent_core)

# The worker is one small static program: less to map, quicker to fork.
STATIC_PIE ?= $(shell echo 'int main(void){return 0;}' | $(CC) -static-pie \
	-fPIE -x c - -o /dev/null -lseccomp 2>/dev/null && echo yes)

# ---- the programs -----------------------------------------------------------

PROGRAMS := posternd postern-worker postern postern-certgen
PROGS    := $(PROGRAMS:%=$(B)/%)

srcs = $(sort $(wildcard $(1)/*.c))
objs = $(patsubst %.c,$(B)/%.o,$(call srcs,$(1)))

# lib/: confinement and text need libseccomp at most; the X.509 part
# (lib/x509*.c) needs libcrypto and is kept out of the worker.
LIB_X509_OBJS := $(patsubst %.c,$(B)/%.o,$(sort $(wildcard lib/x509*.c)))
LIB_OBJS      := $(filter-out $(LIB_X509_OBJS),$(call objs,lib))

.PHONY: all
all: $(PROGS)

$(B)/posternd: $(call objs,daemon) $(LIB_OBJS) $(LIB_X509_OBJS)
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(TLS_LIBS) \
	    $(EVENT_LIBS) $(CONFUSE_LIBS) $(SECCOMP_LIBS)

$(B)/postern-worker: $(call objs,worker) $(LIB_OBJS)
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(if $(STATIC_PIE),-static-pie) \
	    -o $@ $^ $(SECCOMP_LIBS)

$(B)/postern: $(call objs,client) $(LIB_OBJS) $(LIB_X509_OBJS)
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(TLS_LIBS) $(SECCOMP_LIBS)

$(B)/postern-certgen: $(call objs,certgen) $(LIB_OBJS) $(LIB_X509_OBJS)
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(CRYPTO_LIBS) $(SECCOMP_LIBS)

$(B)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(TLS_CFLAGS) $(SECCOMP_CFLAGS) \
	    $(CONFUSE_CFLAGS) $(EVENT_CFLAGS) -c -o $@ $<

-include $(wildcard $(B)/*/*.d $(B)/*/*/*.d)

include regress/regress.mk
include etc/targets.mk
