# Everything a user types. Steps that are up to date are skipped.

SUITE ?= $(if $(filter check,$(MAKECMDGOALS)),smoke,quick)
# A check and a part of a suite have default folders of their own.
OUT ?= $(if $(filter check,$(MAKECMDGOALS))$(ONLY)$(SEEDS),,results/$(or $(filter perf,$(MAKECMDGOALS)),$(SUITE)))
# Reach the recipes through the environment, so that spaces and quotes in them are harmless.
export SUITE OUT PYTORCH QUICK KILLS MESSAGES INPUTS SEED BASELINE ONLY SEEDS RESUME MUTATION

NODE_MODULES := node_modules/.package-lock.json
BUILT := dist/.built
# The slashes keep the folder test apart from the target test.
SOURCES := $(shell find src/ test/ -type d -o -name '*.ts' -o -name '*.tsx' -o -name '*.css')
# What the pages need in the browser.
PAGE := $(addprefix src/report/page/,first.ts browser.tsx page.css leaderboard_browser.tsx leaderboard.css)
# Files at a time: two more than there are processors, as some tests wait, at most eight; JOBS=1 for one after the other, in one process.
JOBS ?= $(shell n=$$(($$(getconf _NPROCESSORS_ONLN) + 2)); [ "$$n" -lt 8 ] && echo "$$n" || echo 8)
MOCHA := node_modules/.bin/mocha $(if $(filter-out 1,$(JOBS)),--parallel --jobs $(JOBS)) --reporter dist/test/support/reporter.js
# Those that take longest, or wait most, come first, so that at the end none of them runs alone.
LONGEST := $(addprefix test/,$(addsuffix .test.ts,docs durability field_methods fuzz lock native native_kernels page perf queue slurm smoke trajectory user workers))
TEST_SOURCES := $(wildcard test/*.test.ts)
TESTS := $(patsubst %.ts,dist/%.js,$(filter $(LONGEST),$(TEST_SOURCES)) $(filter-out $(LONGEST),$(TEST_SOURCES)))
LABELNOISE := node dist/src/cli/main.js
# Runs a command whose output only matters when it fails.
QUIETLY = quietly() { out=$$("$$@" 2>&1) || { rc=$$?; printf '%s\n' "$$out" >&2; exit $$rc; }; }; quietly
# npm asks nobody then but its own cache.
comma := ,
OFFLINE = $(if $(filter 1,$(LABELNOISE_OFFLINE)),--offline)
# Before anything is installed; src/install/node_version.ts says the same after that.
CHECK_NODE := const lines = require("./package.json").engines.node.replace(/\^/g, "").split(" || "); \
	const [a, b] = process.versions.node.split(".").map(Number); \
	if (!lines.some((line) => { const [major, from = 0] = line.split(".").map(Number); return a === major && b >= from; })) { \
	console.error("Node " + process.versions.node + " cannot be used. Install one of " + lines.join(", ") + \
	", or a later one of the same line, and run this again."); process.exit(2); }
# What `make test-node` tests with, beside the Node at hand.
OTHER_NODES := 24.21.0 26.10.0
# The tests of what depends on Node: processes, signals, sockets, files, downloads, serialisation, the addon. Those that wait most come first.
NODE_TESTS := $(addsuffix .test.js,$(addprefix dist/test/,workers lock checkpoint watch install download doctor))

MAKEFLAGS += --no-builtin-rules
.PHONY: help report readme docs screenshot install build bench check perf test test-node sanitizer-test emulated-amx-test fuzz torture queue-torture mutation-test trajectory-test lint licences sbom format doctor data clean
.DEFAULT_GOAL := help

help:
	@echo 'make bench [SUITE=quick] [OUT=results/SUITE]'
	@echo '               install what is needed, train a suite (suites/SUITE) and write its tables to OUT'
	@echo 'make check [SUITE=smoke] [BASELINE=baselines/SUITE.json] [OUT=dir] [ONLY="method=sam noise=40"] [SEEDS=3]'
	@echo '               train a suite anew and compare it, cell by cell, with its baseline'
	@echo 'make test      install what is needed, fetch CIFAR-10 and run the tests'
	@echo 'make test-node  on other versions of Node ($(OTHER_NODES)): doctor, a training and the tests of what depends on Node'
	@echo 'make sanitizer-test'
	@echo '               compile the kernels with sanitizers of addresses and of undefined behaviour, and run their tests'
	@echo 'make emulated-amx-test'
	@echo '               train with the kernels for AMX where there is none but AVX512_BF16, tiles emulated'
	@echo 'make torture [KILLS=50] [SEED=1]'
	@echo '               kill commands, fill disks, let calls fail, race, and see that results do not change (long: KILLS=1000)'
	@echo 'make fuzz [INPUTS=10000] [SEED=1]'
	@echo '               change suites, results, baselines and other files at random, and see that each is answered and nothing is lost'
	@echo 'make queue-torture [KILLS=20] [MESSAGES=10000]'
	@echo '               the suite smoke on three workers; kills, a bad network and changed messages; 10,000 runs on 1,000 workers'
	@echo 'make mutation-test'
	@echo '               break the product in ten ways, and see how many a check notices'
	@echo 'make trajectory-test [SEEDS=100]'
	@echo '               take the first steps of ten broken products, and of the sound one with many seeds, as other machines would'
	@echo 'make perf [PYTORCH=python] [OUT=results/perf] [QUICK=1]'
	@echo '               compare the speed of training with stock tfjs, and with PyTorch if given'
	@echo 'make report [OUT=results/SUITE]'
	@echo '               write report.html and the tables of a results folder again'
	@echo 'make readme    draw the table in the README again from results/small'
	@echo 'make docs      write what is generated in the README and in docs/ again'
	@echo 'make screenshot  take the pictures of the report in the README and docs/ again (needs Chromium)'
	@echo 'make doctor    say what is installed and what is missing'
	@echo 'make data      fetch and verify CIFAR-10'
	@echo 'make install   packages, build, TensorFlow'
	@echo 'make build     compile TypeScript into dist'
	@echo 'make lint      check style; make format mends it'
	@echo 'make licences  list the packages used by their licences; fail if one is not compatible'
	@echo 'make sbom      print what is installed to run, as CycloneDX (JSON)'
	@echo 'make clean     remove dist (not results, not caches)'
	@echo
	@echo 'Downloads are kept in the cache folder of your system, or in LABELNOISE_CACHE. With LABELNOISE_OFFLINE=1 nothing is fetched:'
	@echo 'what is missing is named, with the folder to put it into (docs/installing.md).'
	@echo 'After make install: $(LABELNOISE) --help'

$(NODE_MODULES): package-lock.json
	@node -e '$(CHECK_NODE)'
	@echo 'A first run downloads about 0.6 GB: packages of npm (0.18 GB), TensorFlow (0.27 GB), CIFAR-10 (0.14 GB).'
	@echo 'Whatever breaks off, the same command goes on. Installing packages ...'
	@(if [ -t 2 ]; then npm ci --loglevel=error $(OFFLINE); else $(QUIETLY) npm ci $(OFFLINE); fi) || \
		{ echo '$(if $(OFFLINE),Offline$(comma) npm installs from its cache alone: copy that folder (npm config get cache) from a machine where npm ci was run in this project.,The packages could not be installed; type the same again: npm keeps what has come.)' >&2; exit 1; }
	@touch $@

# Compiled files without a source are removed, so that no deleted test is run.
$(BUILT): $(NODE_MODULES) tsconfig.json $(SOURCES)
	@echo 'Compiling ...'
	@node_modules/.bin/tsc
	@find dist/src dist/test -name '*.js' -o -name '*.d.ts' | while read -r made; do \
		of=$${made%.d.ts}; of=$${of%.js}; ts=$${of#dist/}.ts; [ -f "$$ts" ] || [ -f "$${ts}x" ] || rm -f "$$of".*; done
	@node_modules/.bin/esbuild $(PAGE) --bundle --minify --target=es2022 --outdir=dist/page --log-level=warning
	@touch $@

build: $(BUILT)

install: build
	@node dist/src/cli/install.js

bench: install
	@$(LABELNOISE) run "$$SUITE" $${OUT:+--out "$$OUT"} $${ONLY:+--only $$ONLY} $${SEEDS:+--seeds "$$SEEDS"}

check: install
	@$(LABELNOISE) check "$$SUITE" $${BASELINE:+--baseline "$$BASELINE"} $${OUT:+--out "$$OUT"} $${RESUME:+--resume} \
		$${ONLY:+--only $$ONLY} $${SEEDS:+--seeds "$$SEEDS"}

perf: install
	@$(LABELNOISE) perf --out "$$OUT" $${PYTORCH:+--pytorch "$$PYTORCH"} $${QUICK:+--quick}

data: install
	@$(LABELNOISE) data

report: build
	@$(LABELNOISE) report "$$OUT"

readme: build
	@$(LABELNOISE) table results/small --into README.md --brief

# What is generated in them; test/docs.test.ts fails where that is out of date.
docs: readme
	@$(LABELNOISE) methods --into docs/methods.md
	@$(LABELNOISE) noises --into docs/noises.md
	@$(LABELNOISE) schema --into docs/suites.md
	@$(LABELNOISE) schema > docs/suite.schema.json
	@$(LABELNOISE) perf --into docs/speed.md

screenshot: build
	@node --enable-source-maps dist/test/screenshot.js results/small docs/report.png
	@node --enable-source-maps dist/test/screenshot.js results/small-flat docs/flatness.png flatness
	@node --enable-source-maps dist/test/screenshot.js results/cliff docs/cliff.png rho
	@node --enable-source-maps dist/test/screenshot.js results/field docs/field-cost.png cost

doctor: build
	@$(LABELNOISE) doctor

# In one thread, as runs are: several files are at work at a time.
test: data
	@TF_NUM_INTRAOP_THREADS=$${TF_NUM_INTRAOP_THREADS:-1} $(MOCHA) $(TESTS)

# The binaries' own packages: the one called node installs them by a script, which .npmrc forbids.
test-node: data
	@folder=$$(mktemp -d); trap 'rm -rf "$$folder"' EXIT; failed=0; here=$$PATH; \
	binaries=node-$$(node -p '`$${process.platform}-$${process.arch}`'); \
	for version in $(OTHER_NODES); do \
		npm install --silent --no-save --prefix "$$folder/$$version" "$$binaries@$$version" || exit 1; \
		PATH="$$folder/$$version/node_modules/.bin:$$here"; \
		echo "On Node $$(node --version):"; \
		{ node dist/src/cli/install.js && $(LABELNOISE) doctor && \
			$(LABELNOISE) run smoke --only method=sam noise=40 --out "$$folder/$$version/out"; } || failed=1; \
		$(MOCHA) $(NODE_TESTS) || failed=1; \
	done; exit $$failed

sanitizer-test: build
	@SANITIZED=1 $(MOCHA) --grep sanitizers dist/test/native_kernels.test.js

emulated-amx-test: data
	@TF_NUM_INTRAOP_THREADS=$${TF_NUM_INTRAOP_THREADS:-1} node --enable-source-maps dist/test/emulated_amx.js

fuzz: data
	@node --enable-source-maps dist/test/fuzz.js

torture: data
	@node --enable-source-maps dist/test/torture.js

queue-torture: data
	@QUEUE_KILLS=$${KILLS:-20} QUEUE_MESSAGES=$${MESSAGES:-10000} $(MOCHA) dist/test/queue.test.js dist/test/slurm.test.js
	@node --enable-source-maps dist/test/queue_torture.js

mutation-test: data
	@node --enable-source-maps dist/test/mutation_test.js

trajectory-test: data
	@node --enable-source-maps dist/test/trajectory_test.js

lint: $(NODE_MODULES)
	@node_modules/.bin/biome check --error-on-warnings
	@node_modules/.bin/clang-format --dry-run -Werror native/*.cpp native/*.h native/test/*.cpp native/test/*.h

sbom: $(NODE_MODULES)
	@npm sbom --sbom-format cyclonedx --omit dev --offline

licences: build
	@node --enable-source-maps dist/test/licences.js

format: $(NODE_MODULES)
	@node_modules/.bin/biome check --write
	@node_modules/.bin/clang-format -i native/*.cpp native/*.h native/test/*.cpp native/test/*.h

clean:
	rm -rf dist
