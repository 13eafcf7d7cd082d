# SPDX-License-Identifier: LGPL-2.1-or-later
# bash completion for masu. Commands and options are read from its own help, so they cannot be out of date.

_masu() {
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
	local masu=${COMP_WORDS[0]} root=() command='' i

	COMPREPLY=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		--root) root=(--root "${COMP_WORDS[++i]}") ;;
		--storage-root) ((i++)) ;;
		--log | --log-format | --log-level | --cgroup-manager | --systemd-timeout | --rootless) ((i++)) ;;
		-*) ;;
		*)
			# a word of a family ("image ls") has its members in its help
			if [[ -z $command ]]; then
				command=${COMP_WORDS[i]}
				"$masu" "$command" --help 2>/dev/null | grep -q '^Commands:' || break
			else
				command+=" ${COMP_WORDS[i]}"
				break
			fi
			;;
		esac
	done

	case $before in
	--log-format) mapfile -t COMPREPLY < <(compgen -W 'text json' -- "$word") && return ;;
	--log-level) mapfile -t COMPREPLY < <(compgen -W 'error warning debug' -- "$word") && return ;;
	--cgroup-manager) mapfile -t COMPREPLY < <(compgen -W 'cgroupfs disabled systemd' -- "$word") && return ;;
	--rootless) mapfile -t COMPREPLY < <(compgen -W 'auto false true' -- "$word") && return ;;
	--format) mapfile -t COMPREPLY < <(compgen -W 'table json' -- "$word") && return ;;
	--root | --storage-root | --bundle | --cwd)
		compopt -o dirnames
		return
		;;
	--config | --log | --pid-file | --trace | --process | --resources | --file | --console-socket | --pidfd-socket)
		compopt -o default
		return
		;;
	esac

	if [[ $word == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$("$masu" $command --help 2>/dev/null | grep -oE '(^| )--[a-z0-9-]+')" -- "$word")
	elif [[ -z $command || $command == help ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$("$masu" --help 2>/dev/null |
			sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')" -- "$word")
	elif [[ $command != *' '* ]] && "$masu" "$command" --help 2>/dev/null | grep -q '^Commands:'; then
		mapfile -t COMPREPLY < <(compgen -W "$("$masu" "$command" --help 2>/dev/null |
			sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')" -- "$word")
	elif [[ $command == image\ * ]]; then
		compopt -o default
		mapfile -t COMPREPLY < <(compgen -W "$("$masu" image ls 2>/dev/null | sed '1d; s/ .*//')" -- "$word")
	elif [[ $command == group\ * ]]; then
		compopt -o default
		mapfile -t COMPREPLY < <(compgen -W "$("$masu" "${root[@]}" group list -r / 2>/dev/null)" -- "$word")
	elif [[ $command == run || $command == create || $command == explain ]]; then
		compopt -o default
	else
		mapfile -t COMPREPLY < <(compgen -W "$("$masu" "${root[@]}" list --quiet 2>/dev/null)" -- "$word")
	fi
}

complete -F _masu masu
