# SPDX-License-Identifier: LGPL-2.1-or-later
# fish completion for masu. Commands and options are read from its own help, so they cannot be out of date.

function __masu_commands
    masu --help 2>/dev/null | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\)  *\(.*\)/\1\t\2/p'
end

function __masu_command
    for word in (commandline -opc)[2..-1]
        if contains -- $word (__masu_commands | string replace -r '\t.*' '')
            echo $word
            return 0
        end
    end
    return 1
end

function __masu_options
    masu (__masu_command) --help 2>/dev/null | string match -r -a -- '--[a-z0-9-]+' | sort -u
end

function __masu_containers
    masu list --quiet 2>/dev/null
end

complete -c masu -f
complete -c masu -n 'not __masu_command' -a '(__masu_commands)'
complete -c masu -n '__masu_command; and not contains -- (__masu_command) run create spec help' -a '(__masu_containers)'
complete -c masu -n 'contains -- (__masu_command) run create' -F
complete -c masu -n 'contains -- (__masu_command) help' -a '(__masu_commands)'
complete -c masu -n 'string match -q -- "-*" (commandline -ct)' -a '(__masu_options)'
complete -c masu -n '__fish_prev_arg_in --log-format' -x -a 'text json'
complete -c masu -n '__fish_prev_arg_in --log-level' -x -a 'error warning debug'
complete -c masu -n '__fish_prev_arg_in --cgroup-manager' -x -a 'cgroupfs disabled systemd'
complete -c masu -n '__fish_prev_arg_in --rootless' -x -a 'auto false true'
complete -c masu -n '__fish_prev_arg_in --format' -x -a 'table json'
complete -c masu -n '__fish_prev_arg_in --root --bundle --cwd' -x -a '(__fish_complete_directories)'
