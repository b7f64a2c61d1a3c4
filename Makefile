# SPDX-License-Identifier: BSD-2-Clause
#
# make help lists what can be made.

PREFIX    ?= /usr
DESTDIR   ?=
NGINX_SRC ?= /usr/share/nginx/src
LLHTTP    ?= /usr/share/llhttp
LLHTTP_INC ?= /usr/share/include/llhttp
JOBS      ?= 2

ifeq ($(origin CC),default)
CC = gcc
endif

SAN ?= 0

# what the watchdog says of itself
REVISION ?= $(shell git rev-parse --short HEAD 2>/dev/null || echo unknown)

WARN = -Wall -Wextra -Werror -Wshadow -Wvla -Wformat=2 -Wstrict-prototypes
HARD = -fstack-protector-strong -D_FORTIFY_SOURCE=2
# the folder that it is built in is no part of a program
MAP  = -ffile-prefix-map=$(CURDIR)=.
# gcc misjudges, when sanitizing, texts that are cut on purpose
SANITIZE = -fsanitize=address,undefined -fno-sanitize-recover=undefined \
           -fno-omit-frame-pointer \
           $(if $(findstring clang,$(CC)),,-Wno-format-truncation)

ifeq ($(SAN),1)
BUILD   = build/san
OPT     = -O1 -g $(SANITIZE)
LDOPT   = $(SANITIZE)
# a sanitized program cannot be static, nor use musl
SMALL_CC = $(CC)
SMALL_LD = $(CC)
SMALL_OPT = $(OPT)
SMALL_LDOPT = $(SANITIZE) -pthread
else
BUILD   = build
OPT     = -O2 -g $(HARD) $(MAP) -fPIE
LDOPT   = -pie -Wl,-z,relro,-z,now
MUSL_ARCH := $(shell uname -m)-linux-musl
ifneq (,$(findstring clang,$(CC)))
# musl-gcc is a wrapper around gcc; clang compiles against the same headers
SMALL_CC = $(CC) -nostdinc -isystem /usr/include/$(MUSL_ARCH) \
           -isystem $(shell $(CC) -print-resource-dir)/include
else
SMALL_CC = musl-gcc
# what clang makes for its own link-time optimizer gcc cannot link
SMALL_LTO = -flto=auto
endif
SMALL_LD = musl-gcc
# The watchdog, which each image carries, and the command line, which starts in
# less than half of the time without libraries to load: small counts.  As their
# addresses are fixed, what RELRO would protect is read-only data anyway, and
# costs no padded page.
SMALL_OPT = -Oz -g $(MAP) -fno-pie -fstack-protector $(SMALL_LTO) \
            -ffunction-sections -fdata-sections \
            -fno-asynchronous-unwind-tables -fno-unwind-tables
SMALL_LDOPT = $(SMALL_OPT) -static -no-pie \
              -Wl,-z,norelro,-z,noseparate-code,-z,common-page-size=64,--gc-sections
endif

CFLAGS  ?= $(OPT)
ALL_CFLAGS = -std=gnu11 -D_GNU_SOURCE $(CFLAGS) $(WARN) -I. -MMD -MP
SMALL_CFLAGS = -std=gnu11 -D_GNU_SOURCE $(SMALL_OPT) $(WARN) -I. -MMD -MP
OBJ     = $(BUILD)/obj
SMALL_OBJ = $(BUILD)/obj-small

LIB_SRCS      = $(wildcard lib/*.c)
DAEMON_SRCS   = $(wildcard daemon/*.c)
QUEUE_SRCS    = $(wildcard queue/*.c)
SCALER_SRCS   = $(wildcard scaler/*.c)
WATCHDOG_SRCS = $(wildcard watchdog/*.c)
HTTPS_SRCS    = $(patsubst %,cli/%.c,https_main http_frame http_request pool)
CLI_SRCS      = $(filter-out cli/https_main.c $(if $(filter 1,$(SAN)), \
                cli/fortified.c),$(wildcard cli/*.c))
UNIT_SRCS     = $(wildcard t/unit/test_*.c)
MODULE_SRCS   = config scripts/build-module $(wildcard ngx_faas_module/*.[ch] \
                lib/*.[ch])

UI_SRCS       = docs/openapi.yaml $(filter-out ui/test/%,$(wildcard ui/*.* \
                ui/*/* ui/*/*/*))

LIB_OBJS      = $(LIB_SRCS:%.c=$(OBJ)/%.o)
DAEMON_OBJS   = $(DAEMON_SRCS:%.c=$(OBJ)/%.o)
QUEUE_OBJS    = $(QUEUE_SRCS:%.c=$(OBJ)/%.o)
SCALER_OBJS   = $(SCALER_SRCS:%.c=$(OBJ)/%.o)
WATCHDOG_OBJS = $(WATCHDOG_SRCS:%.c=$(SMALL_OBJ)/%.o)
CLI_OBJS      = $(CLI_SRCS:%.c=$(SMALL_OBJ)/%.o)
CLI_LIB_OBJS  = $(patsubst %,$(SMALL_OBJ)/lib/faas_%.o,buf err name num)
HTTPS_OBJS    = $(HTTPS_SRCS:%.c=$(OBJ)/%.o) \
                $(patsubst %,$(OBJ)/lib/faas_%.o,buf err)
# what needs jansson is none of the watchdog's business
WD_LIB_OBJS   = $(patsubst %.c,$(SMALL_OBJ)/%.o,$(filter-out lib/faas_proto.c \
                lib/faas_async%, $(LIB_SRCS)))
LLHTTP_OBJS   = $(patsubst %,$(SMALL_OBJ)/llhttp/%.o,llhttp http api)
# the watchdog's unit tests are ordinary programs, whatever it is itself
UNIT_LLHTTP   = $(patsubst %,$(OBJ)/llhttp/%.o,llhttp http api)
UNIT_BINS     = $(UNIT_SRCS:t/unit/%.c=$(BUILD)/unit/%)
SAMPLES       = $(notdir $(patsubst %/,%,$(dir $(wildcard \
                samples/*/function.json))))

CLI_LIBS      = -ljansson -lyaml
# musl's own folders hold neither these nor their headers
CLI_HEADERS   = $(patsubst %,$(BUILD)/include/%,jansson.h jansson_config.h \
                yaml.h)
CLI_ARCHIVES  = $(if $(filter 1,$(SAN)),,$(patsubst %,$(BUILD)/lib%.a, \
                jansson yaml))
DAEMON_LIBS   = -pthread -levent_core -levent_extra -lhiredis -ljansson -lcurl -lm


all: build  ## the same as build

build: programs $(BUILD)/faas $(BUILD)/faas-https $(BUILD)/faas.1 ui  ## programs, samples, portal

# what images have: the command line is none of theirs
programs: $(BUILD)/ngx_http_faas_module.so $(BUILD)/faas-scaler \
          $(BUILD)/faas-queue $(BUILD)/faas-watchdog samples

deps:  ## install the Debian packages for building and running
	scripts/deps build run

deps-test:  ## install those for testing as well
	scripts/deps build run test

# PROVIDER=swarm: as containers; all that is built is built in them
PROVIDER ?= process

ifeq ($(PROVIDER),swarm)
run:
	scripts/deps swarm
	scripts/run-swarm
else
run: deps  ## build, start the stack on this machine, deploy the samples
	$(MAKE) build
	scripts/run
endif

images:  ## build the Docker images (FAAS_IMAGES=ngx-faas, FAAS_VERSION=)
	docker/build

# Those that measure have the machine for themselves.  Images hold nothing with
# sanitizers in: their tests say nothing more then.
ifeq ($(SAN),1)
SWARM_TESTS = $(filter-out t/swarm/02% t/swarm/06% t/swarm/08%,$(wildcard t/swarm/*.t))
else
SWARM_TESTS = $(wildcard t/swarm/*.t)
endif
SWARM_ALONE = t/swarm/010-functions.t t/swarm/060-stack.t

test: deps-test  ## build and run all tests (SAN=1: under ASan and UBSan)
	$(MAKE) build unit
	$(MAKE) SAN= build/faas-watchdog
	@export FAAS_BUILD=$(CURDIR)/$(BUILD) FAAS_SAN=$(SAN); rc=0; set -x; \
	prove -j$(JOBS) t/ $(filter-out $(SWARM_ALONE),$(SWARM_TESTS)) || rc=1; \
	prove $(filter $(SWARM_ALONE),$(SWARM_TESTS)) || rc=1; \
	exit $$rc

bench: deps-test  ## run every benchmark; lines "figure NAME VALUE"
	$(MAKE) build
	@set -e; for b in $(wildcard bench/*); do \
	    if [ -x $$b ] && [ -f $$b ]; then \
	        FAAS_BUILD=$(CURDIR)/$(BUILD) $$b; fi; done

FUZZ_S ?= 60

fuzz: deps-test  ## fuzz what others send, each for FUZZ_S seconds (60)
	@set -e; for f in request response settings answer; do \
	    mkdir -p build/fuzz/found-$$f; \
	    clang -std=gnu11 -D_GNU_SOURCE -g -O1 -I. -I$(LLHTTP_INC) \
	        -fsanitize=fuzzer,address,undefined \
	        -fno-sanitize-recover=undefined -DLLHTTP_STRICT_MODE=1 \
	        -o build/fuzz/$$f fuzz/fuzz_$$f.c \
	        $$(sed -n 's/^ \* uses: //p' fuzz/fuzz_$$f.c) \
	        $(LLHTTP)/llhttp.c $(LLHTTP)/http.c $(LLHTTP)/api.c; \
	    build/fuzz/$$f -max_total_time=$(FUZZ_S) -max_len=8192 -timeout=5 \
	        -rss_limit_mb=512 -dict=fuzz/http.dict -print_final_stats=1 \
	        -artifact_prefix=build/fuzz/$$f- build/fuzz/found-$$f \
	        fuzz/corpus/$$f; done

screenshots: deps-test  ## the pictures in docs/images, of the real stack
	$(MAKE) build
	FAAS_BUILD=$(CURDIR)/$(BUILD) tools/screenshots

unit: $(UNIT_BINS)  ## build the unit tests

ui: $(BUILD)/ui/index.html  ## the web portal, where npm is there

samples: $(SAMPLES:%=$(BUILD)/samples/%/.made)  ## build the sample functions

# what a linter says of style, includes and suspicious code
lint: deps-test  ## checksrc, cppcheck, clang-tidy, and a build with clang
	tools/checksrc
	scripts/lint
	$(MAKE) CC=clang BUILD=build/clang build unit

# what images have
install-programs: programs
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/sbin \
	    $(DESTDIR)$(PREFIX)/lib/nginx/modules \
	    $(DESTDIR)/etc/nginx/faas
	install -m 644 $(BUILD)/ngx_http_faas_module.so \
	    $(DESTDIR)$(PREFIX)/lib/nginx/modules/
	install -m 755 $(BUILD)/faas-watchdog $(DESTDIR)$(PREFIX)/bin/
	install -m 755 $(BUILD)/faas-scaler $(BUILD)/faas-queue \
	    $(DESTDIR)$(PREFIX)/sbin/
	install -m 644 conf/faas/*.conf $(DESTDIR)/etc/nginx/faas/

install: install-programs build  ## install below $(DESTDIR)$(PREFIX) and $(DESTDIR)/etc/nginx
	install -d $(DESTDIR)$(PREFIX)/lib/ngx_faas \
	    $(DESTDIR)$(PREFIX)/share/doc/ngx_faas/examples \
	    $(DESTDIR)$(PREFIX)/share/man/man1 \
	    $(DESTDIR)$(PREFIX)/share/bash-completion/completions \
	    $(DESTDIR)$(PREFIX)/share/zsh/vendor-completions \
	    $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d \
	    $(DESTDIR)$(PREFIX)/share/ngx_faas/templates
	install -m 755 $(BUILD)/faas $(DESTDIR)$(PREFIX)/bin/
	install -m 755 $(BUILD)/faas-https $(DESTDIR)$(PREFIX)/lib/ngx_faas/
	install -m 644 $(BUILD)/faas.1 $(DESTDIR)$(PREFIX)/share/man/man1/
	$(BUILD)/faas completion bash \
	    > $(DESTDIR)$(PREFIX)/share/bash-completion/completions/faas
	$(BUILD)/faas completion zsh \
	    > $(DESTDIR)$(PREFIX)/share/zsh/vendor-completions/_faas
	$(BUILD)/faas completion fish \
	    > $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/faas.fish
	[ ! -d $(BUILD)/ui ] || cp -R $(BUILD)/ui \
	    $(DESTDIR)$(PREFIX)/share/ngx_faas/
	[ ! -d templates ] || cp -R templates/. \
	    $(DESTDIR)$(PREFIX)/share/ngx_faas/templates/
	install -m 644 conf/examples/*.conf \
	    $(DESTDIR)$(PREFIX)/share/doc/ngx_faas/examples/
	install -d $(DESTDIR)$(PREFIX)/share/ngx_faas/grafana \
	    $(DESTDIR)$(PREFIX)/share/ngx_faas/prometheus
	install -m 644 dist/grafana/*.json \
	    $(DESTDIR)$(PREFIX)/share/ngx_faas/grafana/
	install -m 644 dist/prometheus/*.yml \
	    $(DESTDIR)$(PREFIX)/share/ngx_faas/prometheus/
	install -m 644 README.md LICENSE docs/*.md \
	    $(DESTDIR)$(PREFIX)/share/doc/ngx_faas/
	cp -R docs/images $(DESTDIR)$(PREFIX)/share/doc/ngx_faas/

clean:  ## remove build/ (stop "make run" first)
	rm -rf build

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-10s %s\n", \
	    substr($$1, 1, index($$1 ":", ":") - 1), $$2 }' Makefile
	@echo 'Variables: CC=gcc|clang, SAN=1, NGINX_SRC=DIR, DESTDIR=,' \
	    'PREFIX=$(PREFIX), JOBS=$(JOBS), PROVIDER=process|swarm (make run)'


# with glibc, as musl is there for this machine's own processor only
watchdog-arm64: deps-test  ## the watchdog for 64-bit ARM, in build/arm64
	$(MAKE) BUILD=build/arm64 SMALL_CC=aarch64-linux-gnu-gcc \
	    SMALL_LD=aarch64-linux-gnu-gcc build/arm64/faas-watchdog

# it builds nothing, and says so, where there is no npm or npm gets nothing
$(BUILD)/ui/index.html: $(UI_SRCS) scripts/build-ui
	scripts/build-ui $(BUILD)/ui

# nginx's own makefile knows what has to be rebuilt
$(BUILD)/ngx_http_faas_module.so: $(MODULE_SRCS) Makefile
	@mkdir -p $(BUILD)
	CC='$(CC)' CC_OPT='$(if $(filter 1,$(SAN)),$(OPT),-g -O2 \
	    -fstack-protector-strong -D_FORTIFY_SOURCE=2 $(MAP)) -Wextra \
	    -Wno-unused-parameter' \
	    LD_OPT='$(if $(filter 1,$(SAN)),$(LDOPT),-Wl,-Bsymbolic)' \
	    scripts/build-module $(BUILD) $(NGINX_SRC)
	@touch $@

$(BUILD)/faas-scaler: $(SCALER_OBJS) $(DAEMON_OBJS) $(LIB_OBJS)
	$(CC) $(LDOPT) -o $@ $^ $(DAEMON_LIBS)

$(BUILD)/faas-queue: $(QUEUE_OBJS) $(DAEMON_OBJS) $(LIB_OBJS)
	$(CC) $(LDOPT) -o $@ $^ $(DAEMON_LIBS)

# it is small, and starts in no time: nothing that only a debugger reads
$(BUILD)/faas: $(CLI_OBJS) $(CLI_LIB_OBJS) $(LLHTTP_OBJS) $(CLI_ARCHIVES)
	$(SMALL_LD) $(SMALL_LDOPT) $(if $(filter 1,$(SAN)),,-s) -o $@ $^ \
	    $(if $(filter 1,$(SAN)),$(CLI_LIBS))

$(BUILD)/faas-https: $(HTTPS_OBJS)
	$(CC) $(LDOPT) $(if $(filter 1,$(SAN)),,-s) -o $@ $^ -lcurl

# nothing is thrown through it
$(BUILD)/lib%.a: Makefile
	@mkdir -p $(dir $@)
	objcopy --remove-section=.eh_frame --remove-section=.rela.eh_frame \
	    "$$($(CC) -print-file-name=lib$*.a)" $@

$(BUILD)/include/%: /usr/include/%
	@mkdir -p $(dir $@)
	ln -sf $< $@

$(BUILD)/faas.1: $(BUILD)/faas
	$(BUILD)/faas __man > $@

$(BUILD)/faas-watchdog: $(WATCHDOG_OBJS) $(WD_LIB_OBJS) $(LLHTTP_OBJS)
	$(SMALL_LD) $(SMALL_LDOPT) -o $@ $^

$(OBJ)/%.o: %.c Makefile
	@mkdir -p $(dir $@)
	$(CC) $(ALL_CFLAGS) -c -o $@ $<

$(SMALL_OBJ)/%.o: %.c Makefile
	@mkdir -p $(dir $@)
	$(SMALL_CC) $(SMALL_CFLAGS) -I$(LLHTTP_INC) -DLLHTTP_STRICT_MODE=1 -c -o $@ $<

# generated code of the distribution: not ours to warn about
$(SMALL_OBJ)/llhttp/%.o: $(LLHTTP)/%.c
	@mkdir -p $(dir $@)
	$(SMALL_CC) $(if $(filter 1,$(SAN)),-O2 -g $(SANITIZE),$(SMALL_OPT)) \
	    -DLLHTTP_STRICT_MODE=1 -I$(LLHTTP_INC) -c -o $@ $<

$(CLI_OBJS): SMALL_CFLAGS += -I$(BUILD)/include \
    -DFAAS_REVISION='"$(REVISION)"'
$(CLI_OBJS): | $(CLI_HEADERS)

$(SMALL_OBJ)/watchdog/main.o: SMALL_CFLAGS += -DWD_REVISION='"$(REVISION)"'

# t/unit/test_scaler_x.c and test_wd_x.c may name objects they need in a
# line "uses: scaler/x.c ..."
$(BUILD)/unit/%: t/unit/%.c $(LIB_OBJS) $(UNIT_LLHTTP) \
    $(wildcard daemon/*.[ch] scaler/*.[ch] queue/*.[ch] watchdog/*.[ch] \
    cli/*.[ch] lib/*.h)
	@mkdir -p $(dir $@)
	$(CC) $(filter-out -MMD -MP,$(ALL_CFLAGS)) $(LDOPT) -I$(LLHTTP_INC) \
	    -DLLHTTP_STRICT_MODE=1 -o $@ $< \
	    $$(sed -n 's/^ \* uses: //p' $<) $(LIB_OBJS) $(UNIT_LLHTTP) \
	    -lcmocka $(DAEMON_LIBS) $(CLI_LIBS)

$(OBJ)/llhttp/%.o: $(LLHTTP)/%.c
	@mkdir -p $(dir $@)
	$(CC) -O2 -g -fPIE $(filter -fsanitize% -fno-sanitize%,$(OPT)) \
	    -DLLHTTP_STRICT_MODE=1 -I$(LLHTTP_INC) -c -o $@ $<

# a static program starts in half of the time
$(BUILD)/samples/%/.made: samples/%/*
	@mkdir -p $(dir $@)
	cp -R samples/$*/. $(dir $@)
	set -e; for c in $(dir $@)*.c; do if [ -f "$$c" ]; then \
	    musl-gcc -std=gnu11 -O2 -Wall -Wextra -Werror -static \
	        -o "$${c%.c}" "$$c"; \
	    fi; done
	touch $@

-include $(wildcard $(OBJ)/*/*.d $(SMALL_OBJ)/*/*.d)

.PHONY: all build programs ui screenshots deps deps-test run images test bench unit samples lint install \
        install-programs watchdog-arm64 fuzz \
        clean help
