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
FAKES := $(sort $(wildcard tests/unit/fake_*.c))

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

build/asan/fakes.a: $(FAKES:%.c=build/asan/obj/%.o)
	$(Q)rm -f $@; ar rcs $@ $^

build/asan/tests/%: build/asan/obj/tests/unit/%.o build/asan/fakes.a build/asan/lib.a
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(SAN) $(LDFLAGS) $^ -lcmocka $(LDLIBS) -o $@

# Test programs for the guest.
build/asan/tests/kernel_test: build/asan/obj/tests/guest/kernel_test.o build/asan/lib.a
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(SAN) $(LDFLAGS) $^ $(LDLIBS) -o $@

# --- tests -----------------------------------------------------------------

.PHONY: unit
unit: $(UNITBIN) ## unit and golden tests, under ASan and UBSan
	$(Q)CMOCKA_MESSAGE_OUTPUT=TAP prove --exec '' $(UNITBIN)

# --- the rest ----------------------------------------------------------------

.PHONY: clean
clean: ## remove what was built
	rm -rf build

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

-include $(shell find build -name '*.d' 2>/dev/null)
