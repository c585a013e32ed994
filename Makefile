# ipvs-agent: one file, no recursion. `make help` lists the targets.

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:

PREFIX ?= /usr/local
DESTDIR ?=
SYSCONFDIR ?= /etc
STATEDIR ?= /var/lib
CC ?= cc
VERSION := 0.1.0
REVISION := $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)

ifeq ($(V),1)
Q :=
else
Q := @
endif
say = $(if $(Q),@printf '  %-6s %s\n' '$(1)' '$(2)')

PKGS := libnl-3.0 libnl-genl-3.0 libuv jansson libcurl gnutls libmicrohttpd zlib libcap-ng \
	libcares libpcre2-8
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
TOOLS := $(patsubst tests/%.c,build/%,$(wildcard tests/tools/*.c))
UNIT := $(sort $(wildcard tests/unit/test_*.c))
# What the unit tests share: fakes, fixtures.
UNITLIB := $(filter-out $(UNIT),$(sort $(wildcard tests/unit/*.c tests/fake/*.c)))
FUZZ := $(sort $(wildcard tests/fuzz/fuzz_*.c))

# --- build -----------------------------------------------------------------

.PHONY: all
all: build/ipvs-agent ## build the program: build/ipvs-agent

# A build of everything in a directory of its own.
# 1: directory, 2: compiler, 3: more flags, 4: name in what is said
define build
$(1)/obj/%.o: %.c | ready
	$$(call say,CC,$$<$(if $(4), ($(4))))
	@mkdir -p $$(@D)
	$$(Q)$(2) $$(ALL_CPPFLAGS) $$(ALL_CFLAGS) $(3) -MMD -MP -c $$< -o $$@

# The status page's files are part of its object.
$(1)/obj/agent/http/page.o: $$(wildcard agent/http/page/*)

$(1)/lib.a: $$(LIBSRC:%.c=$(1)/obj/%.o)
	$$(Q)rm -f $$@; ar rcs $$@ $$^

$(1)/ipvs-agent: $(1)/obj/agent/main.o $(1)/lib.a
	$$(call say,LD,$$@)
	$$(Q)$(2) $$(ALL_CFLAGS) $(3) $$(LDFLAGS) $$^ $$(LDLIBS) -o $$@

$(1)/tests/%: $(1)/obj/tests/unit/%.o $$(UNITLIB:%.c=$(1)/obj/%.o) $(1)/lib.a
	$$(call say,LD,$$@)
	@mkdir -p $$(@D)
	$$(Q)$(2) $$(ALL_CFLAGS) $(3) $$(LDFLAGS) $$^ -lcmocka $$(LDLIBS) -o $$@

$(1)/fuzz/%: $(1)/obj/tests/fuzz/%.o $$(UNITLIB:%.c=$(1)/obj/%.o) $(1)/lib.a
	$$(call say,LD,$$@)
	@mkdir -p $$(@D)
	$$(Q)$(2) $$(ALL_CFLAGS) $(3) -fsanitize=fuzzer $$(LDFLAGS) $$^ -lcmocka $$(LDLIBS) -o $$@
endef

$(eval $(call build,build,$$(CC),,))
$(eval $(call build,build/asan,$$(CC),-O1 $(SAN),asan))
$(eval $(call build,build/tsan,$$(CC),-O1 -fsanitize=thread,tsan))
$(eval $(call build,build/gcc,gcc,-Werror,gcc))
$(eval $(call build,build/clang,clang,-Werror,clang))
$(eval $(call build,build/fuzzer,clang,-O1 -fsanitize=fuzzer-no-link $(SAN),fuzz))
.SECONDARY:

# --- what it takes -----------------------------------------------------------

# Which layers of tests/deps/packages a target needs. What tests or shows something
# installs what it lacks; a plain build only says what is missing.
LAYERS_unit := unit
LAYERS_test := unit guest page
LAYERS_page := guest page
LAYERS_guest := guest
LAYERS_soak := guest
LAYERS_demo := guest
LAYERS_bench := guest
LAYERS_lint := unit lint
LAYERS_format := lint
LAYERS_tsan := unit
LAYERS_model := unit
LAYERS_fuzz := unit fuzz
LAYERS_check-fresh := fresh
LAYERS_deps := unit guest page lint fuzz fresh
LAYERS := $(sort $(foreach goal,$(MAKECMDGOALS),$(LAYERS_$(goal))))

.PHONY: ready
ready:
	$(Q)CC='$(CC)' tests/deps/deps $(if $(LAYERS),install,check) build $(LAYERS)

.PHONY: deps
deps: ready ## install the Debian packages for building, testing and linting

# Test programs for the guest.
build/asan/tests/kernel_test: build/asan/obj/tests/guest/kernel_test.o build/asan/lib.a
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(SAN) $(LDFLAGS) $^ $(LDLIBS) -o $@

# --- tests -----------------------------------------------------------------

.PHONY: test
test: unit guest page ## every layer: unit and golden tests, scenarios on a real IPVS, the page in a browser
	$(Q)prove $(TAPS); status=$$?; tests/tap/count $(TAPS) && exit $$status
TAPS := build/tap/unit/*.tap build/guest/out/tap/*.tap build/tap/page/*.tap

.PHONY: unit
unit: build/asan/ipvs-agent $(UNIT:tests/unit/%.c=build/asan/tests/%) ## unit and golden tests, under ASan and UBSan
	$(Q)tests/tap/run build/tap/unit $(filter build/asan/tests/%,$^)

# Every stream is complete before prove judges them all, under `test`.
.PHONY: guest
guest: build/ipvs-agent build/asan/ipvs-agent build/asan/tests/kernel_test $(TOOLS) ## scenarios on a real IPVS, in a guest where this kernel has none
guest: | $(if $(filter test,$(MAKECMDGOALS)),unit)
	$(Q)tests/guest/all $(if $(filter test,$(MAKECMDGOALS)),--no-prove)

.PHONY: page
page: build/ipvs-agent $(TOOLS) ## the status page in a real browser, beside a guest
page: | $(if $(filter test,$(MAKECMDGOALS)),guest)
	$(Q)DEADLINE=1200 tests/tap/run build/tap/page tests/page/run

.PHONY: soak
soak: build/ipvs-agent $(TOOLS) ## the long form of the kill -9 scenario: 200 kills
	$(Q)SOAK=1 tests/guest/all 44-

.PHONY: tsan
tsan: $(UNIT:tests/unit/%.c=build/tsan/tests/%) ## the unit tests under TSan
	$(Q)setarch -R tests/tap/run build/tap/tsan $^

FUZZ_SECONDS ?= 60
.PHONY: fuzz
fuzz: $(FUZZ:tests/fuzz/%.c=build/fuzzer/fuzz/%) ## each fuzz target for FUZZ_SECONDS (60)
	$(Q)for f in $^; do \
		name=$${f##*/fuzz_}; mkdir -p build/corpus/$$name tests/fuzz/corpus/$$name && \
		echo "  FUZZ   $$name" && \
		$$f -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=2048 \
			-artifact_prefix=build/corpus/$$name- -print_final_stats=1 -verbosity=0 \
			build/corpus/$$name tests/fuzz/corpus/$$name || exit 1; \
	done

MODEL_STEPS ?= 1000000
MODEL_SEED ?= 1
.PHONY: model
model: build/tests/test_model ## the model test at length: MODEL_STEPS (a million) from MODEL_SEED (1)
	$(Q)MODEL_STEPS='$(MODEL_STEPS)' MODEL_SEED='$(MODEL_SEED)' build/tests/test_model

# Measured on a plain build, on the CPU that is free: figures, no verdict.
build/bench/%: build/obj/tests/bench/%.o build/lib.a
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) $(filter %.o,$^) $(filter %.a,$^) $(LDLIBS) -o $@

# Raw netlink, none of the agent's: they are what it is measured by.
build/bench/floor build/bench/await: build/bench/%: tests/bench/%.c tests/bench/raw.h | ready
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE -I. $(WARN) -O2 $< -o $@

BENCH ?=
BENCH_PROGRAMS := $(patsubst tests/%.c,build/%,$(shell grep -l '^int main\b' tests/bench/*.c))
.PHONY: bench
bench: build/ipvs-agent $(BENCH_PROGRAMS) $(TOOLS) ## beside its peers, in one boot: BENCH='read apply' for some parts, SIZES, RUNS
	$(Q)BUILD='$(CC) $(CFLAGS)' tests/bench/run $(BENCH)

.PHONY: bench-results
bench-results: ## keep the last `make bench` as tests/bench/RESULTS.md
	$(Q)tests/bench/run --results tests/bench/RESULTS.md

.PHONY: bench-rules
bench-rules: build/bench/rules ## how many times a second a rule is judged, on one core
	$(Q)build/bench/rules

.PHONY: bench-decide
bench-decide: build/bench/decide ## what deciding costs the loop at 100,000 realservers
	$(Q)build/bench/decide

build/bench/scrape: build/obj/tests/bench/scrape_world.o build/obj/tests/bench/scrape_peer.o
.PHONY: bench-scrape
bench-scrape: build/bench/scrape ## what a scrape of 100,000 realservers costs, beside the same bytes from memory
	$(Q)build/bench/scrape

.PHONY: lint
# With WERROR=1 gcc has said all that it has to say in the other builds.
LINTED := $(SRC) $(UNIT) $(UNITLIB)
lint: $(LINTED:%.c=build/clang/obj/%.o) $(if $(filter 1,$(WERROR)),,$(LINTED:%.c=build/gcc/obj/%.o))
lint: $(if $(wildcard agent/main.c),build/ipvs-agent) ## arrows, sizes, words, documents, formatting, analysers; gcc and clang -Werror
	$(Q)DEADLINE=900 CPPFLAGS='$(filter-out -DVERSION=% -DREVISION=%,$(ALL_CPPFLAGS))' \
		tests/tap/run build/tap/lint $(sort $(wildcard tests/lint/[0-9]*))

.PHONY: format
format: | ready ## clang-format over every C file, in place
	$(Q)find agent collectors actions conf tests contrib -name '*.[ch]' -print0 | \
		xargs -0 clang-format -i

FRESH ?= full
.PHONY: check-fresh
check-fresh: | ready ## a fresh Debian in a chroot: FRESH=full (make test, make demo) or unit
	$(Q)tests/fresh/run '$(FRESH)'

# What the scenarios and the demo run besides.
build/tools/%: tests/tools/%.c | ready
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 $(WARN) -O2 $< -o $@

.PHONY: sample check-sample
sample: build/ipvs-agent ## write conf/ipvs-agent.ini anew from the key tables
	$(Q)build/ipvs-agent config --sample > conf/ipvs-agent.ini
.PHONY: completion
completion: build/ipvs-agent ## write contrib/completion anew from the tables of the command line
	$(Q)build/ipvs-agent completion bash >contrib/completion/ipvs-agent.bash
	$(Q)build/ipvs-agent completion zsh >contrib/completion/_ipvs-agent
	$(Q)build/ipvs-agent completion fish >contrib/completion/ipvs-agent.fish

check-sample: build/ipvs-agent
	$(Q)build/ipvs-agent config --sample | diff conf/ipvs-agent.ini -

# --- the rest ----------------------------------------------------------------

KEEP ?=
.PHONY: demo
demo: build/ipvs-agent $(TOOLS) ## a load balancer drains a dying server; KEEP=1 leaves it up with a shell
	$(Q)KEEP='$(KEEP)' contrib/demo/run

sbindir = $(PREFIX)/sbin
mandir = $(PREFIX)/share/man
unitdir = $(PREFIX)/lib/systemd/system
confdir = $(SYSCONFDIR)/ipvs-agent
bashdir = $(PREFIX)/share/bash-completion/completions
zshdir = $(PREFIX)/share/zsh/site-functions
fishdir = $(PREFIX)/share/fish/vendor_completions.d

# The key reference of the manual page is the sample file's, which is the tables'.
build/man/ipvs-agent.ini.5: contrib/man/ipvs-agent.ini.5.in contrib/man/keys.awk conf/ipvs-agent.ini
	@mkdir -p $(@D)
	$(Q)awk -f contrib/man/keys.awk conf/ipvs-agent.ini contrib/man/ipvs-agent.ini.5.in >$@

.PHONY: install
install: build/ipvs-agent build/man/ipvs-agent.ini.5 ## install below PREFIX (/usr/local) and SYSCONFDIR (/etc), under DESTDIR
	install -d '$(DESTDIR)$(sbindir)' '$(DESTDIR)$(unitdir)' '$(DESTDIR)$(confdir)/conf.d'
	install -d -m 750 '$(DESTDIR)$(STATEDIR)/ipvs-agent'
	install -m 755 build/ipvs-agent '$(DESTDIR)$(sbindir)/ipvs-agent'
	@# What the administrator has edited stays.
	[ -e '$(DESTDIR)$(confdir)/ipvs-agent.ini' ] || \
		install -m 644 conf/ipvs-agent.ini '$(DESTDIR)$(confdir)/ipvs-agent.ini'
	for page in contrib/man/*.[578] build/man/*.5; do \
		install -d "$(DESTDIR)$(mandir)/man$${page##*.}" && \
		install -m 644 "$$page" "$(DESTDIR)$(mandir)/man$${page##*.}/" || exit 1; \
	done
	install -d '$(DESTDIR)$(bashdir)' '$(DESTDIR)$(zshdir)' '$(DESTDIR)$(fishdir)'
	install -m 644 contrib/completion/ipvs-agent.bash '$(DESTDIR)$(bashdir)/ipvs-agent'
	install -m 644 contrib/completion/_ipvs-agent '$(DESTDIR)$(zshdir)/_ipvs-agent'
	install -m 644 contrib/completion/ipvs-agent.fish '$(DESTDIR)$(fishdir)/ipvs-agent.fish'
	for unit in contrib/systemd/*.service; do \
		[ -e "$$unit" ] || continue; \
		sed 's|/usr/sbin/ipvs-agent|$(sbindir)/ipvs-agent|g' "$$unit" \
			>"$(DESTDIR)$(unitdir)/$${unit##*/}" || exit 1; \
	done

.PHONY: clean
clean: ## remove what was built (not what was downloaded: `make distclean`)
	rm -rf build/obj build/lib.a build/ipvs-agent build/tools build/bench build/tap build/asan build/tsan \
		build/gcc build/clang build/fuzzer build/lint build/guest/out

.PHONY: distclean
distclean: ## remove build/ as a whole
	rm -rf build

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

-include $(shell find $(wildcard build/obj build/*/obj) /dev/null -name '*.d' -type f 2>/dev/null)
