#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Run kinds of checks (lint, unit, net, storage, bats, oci, guest) to their end, show what they say, and close with the line
# "N passed, N failed".
#
# From outside: MASU, PROBE (programs under test), UNIT_DIR (unit test programs), BATS (files), SANITIZER_REPORTS (where
# sanitizers write: this name and a pid).
set -uo pipefail
cd "$(dirname "$0")/.."
passed=0
failed=0
logs=${LOGS:-build/check}
mkdir -p "$logs"

# count LOG PASSED-PATTERN FAILED-PATTERN
count() {
	passed=$((passed + $(grep -cE "$2" "$1")))
	failed=$((failed + $(grep -cE "$3" "$1")))
}

check_lint() {
	test/lint/run 2>&1 | tee "$logs/lint"
	count "$logs/lint" '^ok ' '^not ok '
}

# run_programs DIR SOURCES: test programs that count their checks themselves; one that dies without the closing line is a
# failure of its own. 77 is a skip.
run_programs() {
	local program name line status

	for program in "$1"/*; do
		name=$(basename "$program")
		[[ -f $program && -x $program && -e $2/$name.c ]] || continue
		timeout 120 "$program" >"$logs/${2##*/}-$name" 2>&1
		status=$?
		if ((status == 77)); then
			echo "skipped: $(tail -1 "$logs/${2##*/}-$name")"
			continue
		fi
		line=$(grep -E ': [0-9]+ passed, [0-9]+ failed$' "$logs/${2##*/}-$name" | tail -1)
		if [[ -z $line ]] || { ((status != 0)) && [[ $line == *', 0 failed' ]]; }; then
			line="$name: 0 passed, 1 failed (exit status $status)"
		fi
		[[ $line == *', 0 failed' ]] || cat "$logs/${2##*/}-$name"
		echo "$line"
		read -r good bad < <(sed -E 's/.*: ([0-9]+) passed, ([0-9]+) failed.*/\1 \2/' <<<"$line")
		passed=$((passed + good))
		failed=$((failed + bad))
	done
}

check_unit() {
	run_programs "${UNIT_DIR:-build/test/unit}" test/unit
}

# Networks by C alone, in namespaces of their own.
check_net() {
	run_programs build/test/net test/net
}

# The contract of the storage drivers, hostile images, and a kill at every fault point: on file systems of their own.
check_storage() {
	run_programs "${STORAGE_DIR:-build/faults/test/storage}" test/storage
}

# run_tap LANE COMMAND...: a program that prints TAP, and a failure for each test of its plan that did not run. Where CI is
# set a test may be skipped for the reasons listed for this lane only.
run_tap() {
	local lane=$1 log=$logs/$1.tap planned seen

	shift
	timeout "${BATS_SECONDS:-2400}" "$@" 2>&1 | tee "$log"
	count "$log" '^ok ' '^not ok '
	planned=$(sed -n 's/^1\.\.//p' "$log" | head -1)
	seen=$(grep -cE '^(not )?ok ' "$log")
	if ((seen < ${planned:-1})); then
		echo "$lane: $((${planned:-1} - seen)) tests did not run"
		failed=$((failed + ${planned:-1} - seen))
	fi
	test/judge "$lane" "$log" "${planned:-1}" >"$logs/lane-$lane" || true
	sed -n 's/^\t *//p' "$logs/lane-$lane"
	[[ -z ${CI:-} ]] || failed=$((failed + $(awk 'NR > 1 && $2 == "not" { n += $1 } END { print n + 0 }' "$logs/lane-$lane")))
}

check_bats() {
	# shellcheck disable=SC2086
	run_tap host bats --tap ${BATS:-$(echo test/bats/*.bats)}
}

# The conformance suite; its files are made by make oci-rows.
check_oci() {
	OCI_RUNTIME=${MASU:-build/masu} run_tap conformance test/oci/run build/oci/*.bats
}

# The tests with the tag "guest", on pure cgroup v2.
check_guest() {
	TAGS=guest test/guest/lanes v2 2>&1 | tee "$logs/guest"
	read -r _ good bad _ missing < <(head -n 1 "$logs/lane-v2")
	passed=$((passed + ${good:-0}))
	failed=$((failed + ${bad:-1} + ${missing:-0}))
}

# What no test has claimed as its own: reports of unit tests, and of processes that ended late.
check_reports() {
	local report

	for report in "${SANITIZER_REPORTS:-/nonexistent}".*; do
		[[ -e $report ]] || continue
		cat "$report"
		echo "sanitizer: $report"
		failed=$((failed + 1))
	done
}

for kind in "$@"; do
	"check_$kind"
done
check_reports
echo "$passed passed, $failed failed"
((failed == 0 && passed > 0))
