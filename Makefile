# postern: GNU make.  `make help` lists the targets.

prefix      ?= /usr/local
bindir      ?= $(prefix)/bin
sbindir     ?= $(prefix)/sbin
libexecdir  ?= $(prefix)/libexec/postern
# Where posternd looks for its configuration, whatever the prefix.
sysconfdir  ?= /etc
mandir      ?= $(prefix)/share/man
docdir      ?= $(prefix)/share/doc/postern
sysusersdir ?= $(prefix)/lib/sysusers.d
tmpfilesdir ?= $(prefix)/lib/tmpfiles.d
unitdir     ?= $(prefix)/lib/systemd/system
bashcompdir ?= $(prefix)/share/bash-completion/completions
zshcompdir  ?= $(prefix)/share/zsh/site-functions
DESTDIR     ?=

B          ?= build
CC         ?= cc
AR         ?= ar
INSTALL    ?= install
PKG_CONFIG ?= pkg-config
VERSION    := 0.1

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules

# "  CC    lib/log.c" for each step; V=1 shows the whole command instead.
say = $(if $(V),,@printf '  %-5s %s\n' $(1) $(2);)

# These two must work where nothing is installed yet.
ifneq ($(filter-out help clean deb,$(or $(MAKECMDGOALS),all)),)

# ---- the libraries, as pkg-config finds them --------------------------------

# Make before 4.4 does not pass its own variables on to what $(shell) runs.
pkg_config = $(if $(PKG_CONFIG_PATH),PKG_CONFIG_PATH='$(PKG_CONFIG_PATH)') \
	$(PKG_CONFIG)

LIBRARIES := libtls libssl libcrypto libseccomp libconfuse libevent_core \
	libevent_extra \
	libcares jansson
ABSENT := $(shell for l in $(LIBRARIES); do \
	$(pkg_config) --exists $$l 2>/dev/null || echo $$l; done)
ifneq ($(strip $(ABSENT)),)
$(error not found by $(PKG_CONFIG): $(strip $(ABSENT)): `./bootstrap all` \
installs what is missing, or says what that is)
endif

pkg_cflags = $(shell $(pkg_config) --cflags $(1))
# A library outside the system's directories is found again at run time, and
# so are those that it needs itself: hence the old tag, which is inherited.
pkg_libs   = $(shell $(pkg_config) --libs $(1)) \
	$(patsubst -L%,$(old_rpath)%,$(shell $(pkg_config) --libs-only-L $(1)))
comma      := ,
old_rpath  := -Wl,--disable-new-dtags -Wl,-rpath,

LIB_CFLAGS   := $(call pkg_cflags,$(LIBRARIES))
TLS_LIBS     := $(call pkg_libs,libtls libssl libcrypto)
CRYPTO_LIBS  := $(call pkg_libs,libcrypto)
SECCOMP_LIBS := $(call pkg_libs,libseccomp)
CONFUSE_LIBS := $(call pkg_libs,libconfuse)
EVENT_LIBS   := $(call pkg_libs,libevent_core libevent_extra)
CARES_LIBS   := $(call pkg_libs,libcares)
JSON_LIBS    := $(call pkg_libs,jansson)
ATF_LIBS     := $(shell $(pkg_config) --libs atf-c 2>/dev/null)
ALL_LIBS     := $(TLS_LIBS) $(EVENT_LIBS) $(CONFUSE_LIBS) $(SECCOMP_LIBS) \
	$(CARES_LIBS) $(JSON_LIBS)

# ---- the compiler -----------------------------------------------------------

# Flags that not every compiler has are kept only if a probe accepts them.
# All users of these are := so that a probe runs once.
probe = $(shell echo 'int main(void){return 0;}' | \
	$(CC) -Werror -O1 $(1) -x c - -o /dev/null $(2) 2>/dev/null && \
	echo '$(1)')

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wpointer-arith -Wwrite-strings -Wvla \
	-Wformat=2 -Wundef -Wcast-qual
WERROR_FLAG := $(if $(or $(CI),$(WERROR)),-Werror)

# What the standard leaves undefined must not let the compiler drop a check.
DEFINED := $(call probe,-fno-strict-overflow) \
	$(call probe,-fno-strict-aliasing) \
	$(call probe,-fno-delete-null-pointer-checks)

# clang before 16 has zero only together with this.
ZERO_14 := -ftrivial-auto-var-init=zero \
	-enable-trivial-auto-var-init-zero-knowing-it-will-be-removed-from-clang

ifneq ($(SANITIZE),)
# The sanitizers replace fortification; the tables gain one named group.
HARDEN    := -DPOSTERN_SANITIZED=1 -fsanitize=$(SANITIZE) \
	-fno-sanitize-recover=all -fno-omit-frame-pointer
HARDEN_LD := -fsanitize=$(SANITIZE)
STATIC_PIE :=
else
HARDEN := $(DEFINED) \
	$(call probe,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3) \
	$(call probe,-fstack-protector-strong) \
	$(call probe,-fstack-clash-protection) \
	$(call probe,-fcf-protection=full) \
	$(call probe,-mbranch-protection=standard) \
	$(or $(call probe,-ftrivial-auto-var-init=zero),$(call probe,$(ZERO_14))) \
	$(call probe,-fzero-call-used-regs=used-gpr)
HARDEN_LD := -Wl,-z,relro,-z,now -Wl,-z,noexecstack \
	$(call probe,-Wl$(comma)-z$(comma)separate-code)
# The worker is one small static program: less to map, quicker to fork.
STATIC_PIE := $(call probe,-static-pie -fPIE,$(SECCOMP_LIBS))
endif

CFLAGS  ?= -O2 -g
DEFINES := -std=c11 -D_GNU_SOURCE -DPOSTERN_VERSION='"$(VERSION)"' -Ilib
ALL_CFLAGS  = $(DEFINES) $(WARN) $(WERROR_FLAG) $(HARDEN) -fPIE -MMD -MP \
	$(LIB_CFLAGS) $(CFLAGS) $(CPPFLAGS)
ALL_LDFLAGS = -pie $(HARDEN) $(HARDEN_LD) $(CFLAGS) $(LDFLAGS)

# Everything is built anew when compiler, flags or libraries have changed.
BUILT_WITH := $(CC) $(filter-out -Werror,$(ALL_CFLAGS) $(ALL_LDFLAGS)) \
	$(ALL_LIBS)
ifneq ($(strip $(file <$(B)/flags)),$(strip $(BUILT_WITH)))
$(shell mkdir -p $(B))
$(file >$(B)/flags,$(BUILT_WITH))
endif

endif

# ---- the programs -----------------------------------------------------------

PROGRAMS := posternd postern-worker postern postern-certgen postern-audit
PROGS    := $(PROGRAMS:%=$(B)/%)
DIRS     := daemon worker client certgen audit

srcs = $(sort $(wildcard $(1)/*.c))
objs = $(patsubst %.c,$(B)/%.o,$(call srcs,$(1)))

# An archive, so that a program takes only what it uses: the worker must not
# need libcrypto, which lib/x509*.c does.
LIB      := $(B)/libpostern.a
LIB_OBJS := $(filter-out %/sanitizer.o,$(call objs,lib))
# Options of the sanitizers' run time; no archive, since nothing refers to it.
SAN_OBJ  := $(if $(SANITIZE),$(B)/lib/sanitizer.o)

compile = $(CC) $(ALL_CFLAGS) -c -o $@ $<
link    = $(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^)

# The page that is made of the tables.  What prints it must run here: building
# for another machine, name a postern-audit that does (AUDIT=).
POLICY_MAN := $(B)/postern-policy.7
AUDIT      ?= $(B)/postern-audit

.PHONY: all
all: $(PROGS) $(POLICY_MAN)

$(B)/posternd: $(call objs,daemon) $(SAN_OBJ) $(LIB)
	$(call say,LD,$@)$(link) $(ALL_LIBS)

$(B)/postern-worker: $(call objs,worker) $(SAN_OBJ) $(LIB)
	$(call say,LD,$@)$(link) $(STATIC_PIE) $(SECCOMP_LIBS)

$(B)/postern: $(call objs,client) $(SAN_OBJ) $(LIB)
	$(call say,LD,$@)$(link) $(TLS_LIBS) $(SECCOMP_LIBS) $(JSON_LIBS)

$(B)/postern-certgen: $(call objs,certgen) $(SAN_OBJ) $(LIB)
	$(call say,LD,$@)$(link) $(CRYPTO_LIBS) $(SECCOMP_LIBS) $(JSON_LIBS)

$(B)/postern-audit: $(call objs,audit) $(SAN_OBJ) $(LIB)
	$(call say,LD,$@)$(link) $(CRYPTO_LIBS) $(SECCOMP_LIBS) $(JSON_LIBS)

$(POLICY_MAN): $(AUDIT)
	$(call say,MAN,$@)$(AUDIT) policy --man >$@

$(LIB): $(LIB_OBJS)
	$(call say,AR,$@)rm -f $@ && $(AR) rcs $@ $^

$(B)/%.o: %.c $(B)/flags Makefile
	@mkdir -p $(@D)
	$(call say,CC,$<)$(compile)

-include $(wildcard $(B)/*/*.d $(B)/*/*/*.d)

include bench/bench.mk
include regress/regress.mk

# ---- how much code runs where: SECURITY has these figures --------------------

TCB_OBJS := $(patsubst %.c,$(B)/tcb/%.o,$(call srcs,lib) $(call srcs,daemon) \
	$(call srcs,worker) $(call srcs,audit))
READELF  ?= readelf
# As files, in which what they export is looked up.
lib_file  = $(shell $(pkg_config) --variable=libdir $(1))/lib$(1:lib%=%).so

$(B)/tcb/%.o: %.c $(B)/flags Makefile
	@mkdir -p $(@D)
	@$(CC) $(DEFINES) -w -O0 -ffunction-sections -fdata-sections \
	    -MMD -MP $(LIB_CFLAGS) $(CPPFLAGS) -c -o $@ $<

.PHONY: tcb
tcb: $(TCB_OBJS)
	@python3 regress/tcb.py $(READELF) $(B)/tcb $(call lib_file,libtls) \
	    $(call lib_file,libssl) $(call lib_file,libcrypto) \
	    $(call lib_file,libevent_core) $(call lib_file,libcares) \
	    $(call lib_file,libconfuse) $(call lib_file,libseccomp) \
	    $(call lib_file,jansson)

# ---- the other targets ------------------------------------------------------

.PHONY: help
help:
	@echo 'make all      build the programs, in $(B)/ (the default)'
	@echo 'make check    run the tests; TESTS="lib/text_test daemon" for some'
	@echo 'make trace    the tests under strace: is each row of the tables used?'
	@echo 'make demo     certificates, a service, a file there and back'
	@echo 'make run      a service on 127.0.0.1:7443 to try things with'
	@echo 'make bench    against other servers; bench-quick: two minutes of it'
	@echo 'make soak     load, reloads and kills for half an hour (SOAK=seconds)'
	@echo 'make lint     what the checkers at hand have to say'
	@echo 'make asan     the tests under address and undefined sanitizers'
	@echo 'make install  install below prefix ($(prefix)), DESTDIR before it'
	@echo 'make deb      Debian packages, in $(B)/deb/'
	@echo 'make check-deb'
	@echo '              install, use, upgrade and remove them in a fresh Debian'
	@echo 'make tcb      how much code each process runs, and as root'
	@echo 'make mutate   is each row of each policy missed by some test?'
	@echo 'make clean    remove $(B)/ and $(B)-asan/'
	@echo
	@echo 'V=1 shows whole commands; WERROR=1 makes warnings errors;'
	@echo 'CC, CFLAGS, LDFLAGS and PKG_CONFIG_PATH are taken as given.'

.PHONY: demo run
demo: all
	@sh etc/demo.sh $(B)

run: all
	@sh etc/run.sh $(B)

.PHONY: asan
asan:
	@$(MAKE) B=$(B)-asan SANITIZE=address,undefined check

.PHONY: clean
clean:
	rm -rf $(B) $(B)-asan

# ---- install ----------------------------------------------------------------

MAN  := $(wildcard $(DIRS:%=%/*.[1578])) $(POLICY_MAN)
DOCS := $(wildcard README DESIGN SECURITY MUTATION LICENSE \
	etc/haproxy/*.cfg etc/prometheus/*.yml)
BASH_COMPLETION := $(wildcard etc/completion/*.bash)
ZSH_COMPLETION  := $(wildcard etc/completion/_*)
UNITS           := $(wildcard etc/systemd/*.service etc/systemd/*.socket)
CONF     := $(DESTDIR)$(sysconfdir)/postern/posternd.conf
APPARMOR := $(DESTDIR)$(sysconfdir)/apparmor.d

# What AppArmor's parser here knows (etc/apparmor.d/posternd).
userns_known = echo 'profile p { userns, }' | \
	PATH=$$PATH:/usr/sbin:/sbin apparmor_parser -QK >/dev/null 2>&1
with_userns  = s,^\( *\)\#userns,\1userns,; s,<abi/3.0>,<abi/4.0>,

.PHONY: install
install: all
	$(INSTALL) -d $(DESTDIR)$(bindir) $(DESTDIR)$(sbindir) \
	    $(DESTDIR)$(libexecdir) $(DESTDIR)$(docdir) \
	    $(DESTDIR)$(sysusersdir) $(DESTDIR)$(tmpfilesdir) \
	    $(DESTDIR)$(unitdir) \
	    $(DESTDIR)$(bashcompdir) $(DESTDIR)$(zshcompdir) \
	    $(DESTDIR)$(sysconfdir)/postern $(APPARMOR)
	$(INSTALL) -m 755 $(B)/posternd $(B)/postern-audit $(DESTDIR)$(sbindir)
	$(INSTALL) -m 755 $(B)/postern $(B)/postern-certgen $(DESTDIR)$(bindir)
	$(INSTALL) -m 755 $(B)/postern-worker $(DESTDIR)$(libexecdir)
	$(INSTALL) -m 644 $(DOCS) $(DESTDIR)$(docdir)
	$(INSTALL) -m 644 etc/sysusers.d/postern.conf $(DESTDIR)$(sysusersdir)
	$(INSTALL) -m 644 etc/tmpfiles.d/postern.conf $(DESTDIR)$(tmpfilesdir)
	for u in $(UNITS); do \
		to=$(DESTDIR)$(unitdir)/$$(basename $$u) && \
		sed 's,/usr/sbin/,$(sbindir)/,' $$u >$$to && \
		chmod 644 $$to || exit 1; \
	done
	for c in $(BASH_COMPLETION); do \
		$(INSTALL) -m 644 $$c \
		    $(DESTDIR)$(bashcompdir)/$$(basename $$c .bash) || exit 1; \
	done
	$(INSTALL) -m 644 $(ZSH_COMPLETION) $(DESTDIR)$(zshcompdir)
	for m in $(MAN); do \
		d=$(DESTDIR)$(mandir)/man$${m##*.}; \
		$(INSTALL) -d $$d && $(INSTALL) -m 644 $$m $$d || exit 1; \
	done
	test -e $(CONF) || $(INSTALL) -m 644 etc/posternd.conf $(CONF)
	$(INSTALL) -m 644 etc/apparmor.d/posternd $(APPARMOR)
	! $(userns_known) || \
	    sed -i '$(with_userns)' $(APPARMOR)/posternd

.PHONY: deb check-deb
deb:
	@sh etc/deb.sh $(B) $(VERSION)

check-deb: all
	@sh regress/deb/run.sh $(B) $(VERSION)

# ---- lint: each checker if it is there --------------------------------------

LINT_C    = $(foreach d,lib $(PART_DIRS) bench/peers regress/lib regress/inside \
	regress/load \
	$(PART_DIRS:%=regress/%),$(call srcs,$d))
LINT_FLAGS = -D_GNU_SOURCE -DPOSTERN_VERSION=\"lint\" -Ilib -iquote . \
	-iquote regress/lib
LINT_SH    = bootstrap .ci/run $(wildcard etc/*.sh) regress/run.sh
LINT_DEB   = regress/deb/run.sh
LINT_TESTS = regress/common.sh $(wildcard regress/*_verbs.sh regress/*/*_test.sh)
LINTS     := lint-tidy lint-cppcheck lint-sh lint-man

.PHONY: lint $(LINTS)
lint: $(LINTS)

have = command -v $(1) >/dev/null || \
	{ echo 'lint: $(1) is not installed: left out'; exit 0; }

lint-tidy:
	@$(call have,clang-tidy); echo '  TIDY'; \
	printf '%s\n' $(LINT_C) | xargs -P 2 -n 4 sh -c 'clang-tidy --quiet \
	    --warnings-as-errors="*" "$$@" -- -std=c11 $(LINT_FLAGS) \
	    $(PART_DIRS:%=-iquote %) $(LIB_CFLAGS) 2>/dev/null' \
	    clang-tidy

# It reads no system headers, and needs the macros of this one, by its place; and
# that a function does not return is known to it as an attribute alone.
queue_h = $(filter %/sys/queue.h,$(shell $(CC) -M -include sys/queue.h \
	-x c /dev/null))

lint-cppcheck:
	@$(call have,cppcheck); echo '  CHECK'; \
	cppcheck --quiet --std=c11 --enable=warning,portability,performance \
	    --inline-suppr --error-exitcode=1 --include=$(queue_h) \
	    -D__$$(uname -m)__ '-D_Noreturn=__attribute__((noreturn))' \
	    $(LINT_FLAGS) $(LINT_C)

# Tests are atf-sh scripts: sh with functions that shellcheck does not know, and
# verbs (above them at run time) with which they share variables.
lint-sh:
	@$(call have,shellcheck); echo '  SHELL'; \
	shellcheck -x $(LINT_SH) && \
	shellcheck -x -P SCRIPTDIR -e SC1091,SC2016 $(LINT_DEB) && \
	shellcheck -s sh -S warning -e SC1091,SC2011,SC2034,SC2154 \
	    $(LINT_TESTS)

# Which other manuals this system has does not matter.
lint-man: $(POLICY_MAN)
	@$(call have,mandoc); echo '  MAN'; \
	test -z '$(MAN)' || ! mandoc -Tlint -Wstyle $(MAN) 2>&1 | \
	    grep -v -e 'referenced manual not found' -e 'mandoc.db lacks'
