#compdef masu
# SPDX-License-Identifier: LGPL-2.1-or-later
# zsh completion for masu (install it as _masu). Commands and options are read from its own help, so they cannot be out of date.

# _masu_members [COMMAND]: lines "name:what it does" of all commands, or of a family's ("image")
_masu_members() {
	masu "$@" --help 2>/dev/null | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\)  *\(.*\)/\1:\2/p'
}

_masu_commands() {
	local -a commands
	commands=(${(f)"$(_masu_members "$@")"})
	_describe command commands
}

_masu_options() {
	local -a options
	options=(${(f)"$(masu "$@" --help 2>/dev/null | grep -oE '(^| )--[a-z0-9-]+' | tr -d ' ')"})
	_describe option options
}

_masu_containers() {
	local -a containers
	containers=(${(f)"$(masu $root list --quiet 2>/dev/null)"})
	_describe container containers
}

_masu() {
	local i
	local -a root command

	for ((i = 2; i < CURRENT; i++)); do
		case $words[i] in
		--root) root=(--root $words[++i]) ;;
		--log | --log-format | --log-level | --cgroup-manager | --systemd-timeout | --rootless) ((i++)) ;;
		-*) ;;
		*)
			command+=$words[i]
			# the next word is a member when this one names a family
			[[ $#command == 1 && -n $(_masu_members $command) ]] || break
			;;
		esac
	done

	case $words[CURRENT-1] in
	--log-format) compadd text json; return ;;
	--log-level) compadd error warning debug; return ;;
	--cgroup-manager) compadd cgroupfs disabled systemd; return ;;
	--rootless) compadd auto false true; return ;;
	--format) compadd table json; return ;;
	--root | --bundle | --cwd) _files -/; return ;;
	--config | --log | --pid-file | --trace | --process | --resources | --file | --*-socket) _files; return ;;
	esac

	if [[ $words[CURRENT] == -* ]]; then
		_masu_options $command
	elif [[ -z $command || $command == help ]]; then
		_masu_commands
	elif [[ $#command == 1 && -n $(_masu_members $command) ]]; then
		_masu_commands $command
	elif [[ $command[1] == (run|create|explain|image) ]]; then
		_files
	elif [[ $command[1] == group ]]; then
		compadd -- ${(f)"$($words[1] $root group list -r / 2>/dev/null)"}
	else
		_masu_containers
	fi
}

_masu "$@"
