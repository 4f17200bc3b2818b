# The test-only programs of regress/inside (plan.h): the real ones' objects and
# these, with functions of both wrapped.  They are never installed; and not
# made with sanitizers, whose run time handles signals and makes calls itself.

INSIDE := $(if $(SANITIZE),,posternd postern-worker postern postern-certgen)

INSIDE_OBJS := $(filter-out %_test.o %_helper.o,$(call objs,regress/inside))
INSIDE_LIB  := $(B)/inside/inside.a

# A function is wrapped in each program that has it.
INSIDE_WRAP := $(sort $(patsubst __wrap_%,%,$(shell \
	grep -ho '__wrap_[a-z_0-9]*' $(wildcard regress/inside/*.c))))

$(INSIDE_OBJS) $(B)/regress/inside/matrix_helper.o: \
	ALL_CFLAGS += -iquote . -iquote regress/lib

$(INSIDE_LIB): $(INSIDE_OBJS)
	@mkdir -p $(@D)
	$(call say,AR,$@)rm -f $@ && $(AR) rcs $@ $^

# $(call inside_link,PROGRAM'S DIRECTORY)
inside_link = $(CC) $(ALL_LDFLAGS) $(INSIDE_WRAP:%=-Wl,--wrap=%) -o $@ \
	$(call objs,$(1)) -Wl,--start-group $(INSIDE_LIB) $(LIB) -Wl,--end-group

$(B)/inside/posternd: $(call objs,daemon) $(INSIDE_LIB) $(LIB)
	$(call say,LD,$@)$(call inside_link,daemon) \
	    -Wl,-u,inside_interposes $(ALL_LIBS)

$(B)/inside/postern-worker: $(call objs,worker) $(INSIDE_LIB) $(LIB)
	$(call say,LD,$@)$(call inside_link,worker) $(STATIC_PIE) $(SECCOMP_LIBS)

$(B)/inside/postern: $(call objs,client) $(INSIDE_LIB) $(LIB)
	$(call say,LD,$@)$(call inside_link,client) $(TLS_LIBS) $(SECCOMP_LIBS) \
	    $(JSON_LIBS)

$(B)/inside/postern-certgen: $(call objs,certgen) $(INSIDE_LIB) $(LIB)
	$(call say,LD,$@)$(call inside_link,certgen) $(CRYPTO_LIBS) \
	    $(SECCOMP_LIBS) $(JSON_LIBS)

# The test of the reserve, which compiles tables as the plan has them and asks
# for what is declared (mutate.c).
$(B)/inside/reserve_test: $(B)/regress/lib/reserve_test.o $(INSIDE_LIB) $(LIB)
	$(call say,LD,$@)$(CC) $(ALL_LDFLAGS) -Wl,--defsym=__real_policy_get=policy_get \
	    $(patsubst %,-Wl$(comma)--wrap=%,$(filter-out policy_get,$(INSIDE_WRAP))) \
	    -o $@ $< -Wl,--start-group $(INSIDE_LIB) $(LIB) -Wl,--end-group \
	    $(ALL_LIBS) $(ATF_LIBS)

tests: $(INSIDE:%=$(B)/inside/%) $(if $(INSIDE),$(B)/inside/reserve_test)

# Each row removed, each limit loosened, until a test notices: MUTATION.  ONLY
# chooses those whose names have one of its texts in them, ; between; MISSING=1
# those that MUTATION does not have; ANEW=1 tries what is known, too.
.PHONY: mutate
mutate: all tests
	@python3 regress/mutate/main.py $(B) --write MUTATION --only '$(ONLY)' \
	    $(if $(MISSING),--missing) $(if $(ANEW),--anew) \
	    $(if $(JOBS),--jobs $(JOBS))
