# ipvs-agent: one file, no recursion. `make help` lists the targets.

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:

PREFIX ?= /usr/local
DESTDIR ?=
CC ?= cc
VERSION := 0.1.0
REVISION := $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)

ifeq ($(V),1)
Q :=
else
Q := @
endif
say = $(if $(Q),@printf '  %-6s %s\n' '$(1)' '$(2)')

PKGS := libnl-3.0 libnl-genl-3.0 libuv jansson libcurl gnutls libmicrohttpd zlib libcap-ng
WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2
ifeq ($(WERROR),1)
WARN += -Werror
endif
CFLAGS ?= -O2 -g
ALL_CPPFLAGS = -D_GNU_SOURCE -I. -DVERSION='"$(VERSION)"' -DREVISION='"$(REVISION)"' \
	$(shell pkg-config --cflags $(PKGS) 2>/dev/null) $(CPPFLAGS)
ALL_CFLAGS = -std=gnu11 $(WARN) -fno-common -fstack-protector-strong $(CFLAGS)
LDLIBS = $(shell pkg-config --libs $(PKGS) 2>/dev/null) -linih -lcrypt -lpthread -lm
SAN := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer

SRC := $(sort $(wildcard agent/*.c agent/*/*.c collectors/*.c actions/*.c conf/*.c))
LIBSRC := $(filter-out agent/main.c,$(SRC))
UNIT := $(sort $(wildcard tests/unit/test_*.c))
UNITBIN := $(UNIT:tests/unit/%.c=build/asan/tests/%)

# --- build -----------------------------------------------------------------

.PHONY: all
all: build/ipvs-agent ## build the program: build/ipvs-agent

build/obj/%.o: %.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

build/asan/obj/%.o: %.c
	$(call say,CC asan,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -O1 $(SAN) -MMD -MP -c $< -o $@

build/lib.a: $(LIBSRC:%.c=build/obj/%.o)
	$(Q)rm -f $@; ar rcs $@ $^

build/asan/lib.a: $(LIBSRC:%.c=build/asan/obj/%.o)
	$(Q)rm -f $@; ar rcs $@ $^

build/ipvs-agent: build/obj/agent/main.o build/lib.a
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) $^ $(LDLIBS) -o $@

build/asan/ipvs-agent: build/asan/obj/agent/main.o build/asan/lib.a
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(SAN) $(LDFLAGS) $^ $(LDLIBS) -o $@

build/asan/tests/%: build/asan/obj/tests/unit/%.o build/asan/lib.a
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(SAN) $(LDFLAGS) $^ -lcmocka $(LDLIBS) -o $@

# --- tests -----------------------------------------------------------------

.PHONY: unit
unit: $(UNITBIN) ## unit and golden tests, under ASan and UBSan
	$(Q)CMOCKA_MESSAGE_OUTPUT=TAP prove --exec '' $(UNITBIN)

FUZZ := $(sort $(wildcard tests/fuzz/fuzz_*.c))
FUZZ_SECONDS ?= 60

build/fuzz/obj/%.o: %.c
	$(call say,CC fuzz,$<)
	@mkdir -p $(@D)
	$(Q)clang $(ALL_CPPFLAGS) $(filter-out -fno-common,$(ALL_CFLAGS)) -O1 $(SAN) -fsanitize=fuzzer-no-link -MMD -MP -c $< -o $@

build/fuzz/lib.a: $(LIBSRC:%.c=build/fuzz/obj/%.o)
	$(Q)rm -f $@; ar rcs $@ $^

build/fuzz/fuzz_%: build/fuzz/obj/tests/fuzz/fuzz_%.o build/fuzz/lib.a
	$(call say,LD,$@)
	$(Q)clang $(SAN) -fsanitize=fuzzer $(LDFLAGS) $^ $(LDLIBS) -o $@

.PHONY: fuzz
fuzz: $(FUZZ:tests/%.c=build/%) ## fuzz each target for FUZZ_SECONDS (clang)
	$(Q)for f in $^; do n=$${f##*/fuzz_}; mkdir -p build/fuzz/corpus/$$n; \
		$$f -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1 -artifact_prefix=build/fuzz/ \
		build/fuzz/corpus/$$n tests/fuzz/corpus/$$n || exit 1; done

.PHONY: sample check-sample
sample: build/ipvs-agent ## write conf/ipvs-agent.ini anew from the key tables
	$(Q)build/ipvs-agent config --sample > conf/ipvs-agent.ini
check-sample: build/ipvs-agent
	$(Q)build/ipvs-agent config --sample | diff conf/ipvs-agent.ini -

# --- the rest ----------------------------------------------------------------

.PHONY: clean
clean: ## remove what was built
	rm -rf build

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

-include $(shell find build -name '*.d' 2>/dev/null)
