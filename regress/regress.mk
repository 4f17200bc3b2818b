# The tests.  Below regress/, in a directory a part of the project:
#
#	NAME_test.c	atf-c; linked with lib/ and with the objects of the
#			part it lies under (regress/client: client/*.c but
#			main.c)
#	NAME_test.sh	atf-sh
#	NAME_helper.c	a program that the tests of the directory use
#	Kyuafile	names the test programs, all of them

TEST_DIRS    := $(patsubst regress/%/Kyuafile,%,$(sort \
	$(wildcard regress/*/Kyuafile)))
TEST_C       := $(sort $(wildcard regress/*/*_test.c))
TEST_SH      := $(sort $(wildcard regress/*/*_test.sh))
TEST_HELPERS := $(sort $(wildcard regress/*/*_helper.c))

TEST_BINS   := $(TEST_C:%.c=$(B)/%) $(TEST_HELPERS:%.c=$(B)/%)
TEST_SCRIPT := $(TEST_SH:%.sh=$(B)/%)
TEST_FILES  := $(B)/regress/common.sh $(B)/regress/load/soak.py \
	$(patsubst %,$(B)/%,$(wildcard regress/*_verbs.sh)) $(B)/regress/Kyuafile \
	$(TEST_DIRS:%=$(B)/regress/%/Kyuafile)

# What a test of the part may call: $(B)/PART/part.a, if PART has sources.
PART_DIRS := $(DIRS) bench
PARTS := $(foreach d,$(PART_DIRS),$(if $(call srcs,$d),$(B)/$d/part.a))

define part_archive
$(B)/$(1)/part.a: $(filter-out %/main.o,$(call objs,$(1)))
	$$(call say,AR,$$@)rm -f $$@ && $$(AR) rcs $$@ $$^
endef
$(foreach d,$(PART_DIRS),$(eval $(call part_archive,$d)))

# A test is linked with the archive of its own part only.
part_of = $(filter $(B)/$(patsubst regress/%/,%,$(dir $(1)))/part.a,$(PARTS))

define test_program
$(B)/$(basename $(1)): $(B)/$(basename $(1)).o $(SAN_OBJ) \
		$(call part_of,$(1)) $(LIB)
	$$(call say,LD,$$@)$$(link) $$(ALL_LIBS) $$(ATF_LIBS)
$(B)/$(basename $(1)).o: ALL_CFLAGS += -iquote $(patsubst regress/%/,%,$(dir $(1)))
endef
$(foreach t,$(TEST_C) $(TEST_HELPERS),$(eval $(call test_program,$t)))

$(TEST_SCRIPT): $(B)/%: %.sh
	@mkdir -p $(@D)
	$(call say,TEST,$<)install -m 755 $< $@

$(TEST_FILES): $(B)/%: %
	@mkdir -p $(@D)
	@install -m 644 $< $@

.PHONY: tests check trace
tests: $(TEST_BINS) $(TEST_SCRIPT) $(TEST_FILES) $(B)/postern-bench \
    $(B)/bench/plain-echo

# SOAK: how many seconds.
.PHONY: soak
soak: all $(B)/regress/load/visitors_helper
	@python3 regress/load/soak.py --build $(B) --seconds $(or $(SOAK),1800)

check: all tests
	@SANITIZE='$(SANITIZE)' sh regress/run.sh $(B) $(TESTS)

trace: all tests
	@sh regress/trace.sh $(B) $(TESTS)

include regress/inside/inside.mk
