# SPDX-License-Identifier: LGPL-2.1-or-later
# Generated bats files, then NAME.tap of each runtime (in `runtimes`): one line a row, then what the specification says where somebody fails.
BEGIN {
	FS = "\t"
	runtime_count = split(runtimes, runtime, " ")
}

FILENAME ~ /\.bats$/ && /^# row\t/ {
	if ($2 != row) {
		row = order[++rows] = $2
		place[row] = $3
		says[row] = $4
		since[row] = $5
	}
}

FILENAME ~ /\.bats$/ && /^@test "/ {
	test = $0
	gsub(/^@test "|" \{$/, "", test)
	tests[row, ++count[row]] = test
}

FILENAME ~ /\.tap$/ && match($0, /^(not )?ok [0-9]+ /) {
	test = substr($0, RLENGTH + 1)
	outcome = /^not/ ? "failed" : sub(/ # skip.*/, "", test) ? "skipped" : "passed"
	name = FILENAME
	gsub(/.*\/|\.tap$/, "", name)
	result[name, test] = outcome
}

# cell NAME ROW: ok, - (skipped), "not run" or what fails; of a row with many words, which.
function cell(name, row, i, outcome, failed, words, passed, skipped) {
	for (i = 1; i <= count[row]; i++) {
		outcome = result[name, tests[row, i]]
		sum[name, outcome]++
		skipped += outcome == "skipped"
		passed += outcome == "passed"
		if (outcome == "failed") {
			failed++
			words = words " `" substr(tests[row, i], length(row) + 2) "`"
		}
	}
	if (!failed)
		return skipped == count[row] ? "-" : passed + skipped == count[row] ? "ok" : "not run"
	fails[row] = 1
	if (count[row] == 1)
		return "fails"
	return failed == count[row] ? "fails " failed " of " failed : "fails " failed " of " count[row] ":" words
}

function line(first, place, i) {
	printf "| %s | %s |", first, place
	for (i = 1; i <= runtime_count; i++)
		printf " %s |", cells[i]
	print ""
}

END {
	for (i = 1; i <= runtime_count; i++)
		cells[i] = runtime[i]
	line("row", "place")
	for (i = 1; i <= runtime_count; i++)
		cells[i] = "---"
	line("---", "---")
	for (r = 1; r <= rows; r++) {
		row = order[r]
		for (i = 1; i <= runtime_count; i++)
			cells[i] = cell(runtime[i], row)
		line(row, place[row])
	}
	for (i = 1; i <= runtime_count; i++)
		cells[i] = sum[runtime[i], "passed"] + 0 ", " sum[runtime[i], "failed"] + 0 ", " sum[runtime[i], "skipped"] + 0
	line("**passed, failed, skipped**", "")
	print "\nWhat the specification says where one fails:\n"
	for (r = 1; r <= rows; r++) {
		row = order[r]
		if (row in fails)
			print "- **" row "**, " place[row] (since[row] ? ", since " since[row] : "") ": " says[row]
	}
}
