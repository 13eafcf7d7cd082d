#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# What bash, fish and zsh offer on the tabulator key.
load lib

setup() {
	T=$BATS_TEST_TMPDIR
	mkdir "$T/bin"
	ln -s "$MASU" "$T/bin/masu"
	PATH=$T/bin:$PATH
	completions=$REPO/configs/completions
}

teardown() {
	assert_no_reports
}

# Each function: the words that the shell offers for a line, one on each line of output.
offers_bash() {
	local COMP_WORDS COMP_CWORD COMPREPLY

	source "$completions/masu.bash"
	compopt() { :; }
	read -ra COMP_WORDS <<<"$1"
	[[ $1 != *' ' ]] || COMP_WORDS+=('')
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
	_masu
	printf '%s\n' "${COMPREPLY[@]}"
}

offers_fish() {
	HOME=$T fish --no-config -c "source '$completions/masu.fish'; complete -C '$1'" | cut -f1
}

offers_zsh() {
	cp "$completions/masu.zsh" "$T/_masu"
	python3 "$BATS_TEST_DIRNAME/zsh_tab.py" "$T" "$1"
}

# check SHELL: lines, and words that must (or with ! in front must not) be among the offers.
check() {
	local line words word offers

	need "$1 is not installed" command -v "$1"
	while IFS='|' read -r line words; do
		offers=$("offers_$1" "$line" 3>&-)
		for word in $words; do
			if [[ $word == !* ]]; then
				! grep -qxF -- "${word#!}" <<<"$offers" || fail "$1: '$line' offers $word: $offers"
			else
				grep -qxF -- "$word" <<<"$offers" || fail "$1: '$line' does not offer $word: $offers"
			fi
		done
	done <<-'EOF'
		masu |run create exec image network !ls
		masu im|image !run
		masu image |ls import rm !run
		masu network cr|create !rm
		masu run --|--bundle --detach !--force
		masu image ls --|--json !--bundle
		masu --log-format |text json
	EOF
}

@test "bash completes commands, members of families, options and their values" {
	check bash
}

@test "fish completes commands, members of families, options and their values" {
	check fish
}

@test "zsh completes commands, members of families, options and their values" {
	check zsh
}
