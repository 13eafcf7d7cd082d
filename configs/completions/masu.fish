# SPDX-License-Identifier: LGPL-2.1-or-later
# fish completion for masu. Commands and options are read from its own help, so they cannot be out of date.

# __masu_commands [COMMAND]: all commands, or the members of a family ("image")
function __masu_commands
    masu $argv --help 2>/dev/null | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\)  *\(.*\)/\1\t\2/p'
end

# The command that stands on the line, with its member when it is a family's.
function __masu_command
    set -l found
    for word in (commandline -opc)[2..-1]
        if contains -- $word (__masu_commands $found | string replace -r '\t.*' '')
            set -a found $word
        end
    end
    string split -n -- ' ' "$found"
    test -n "$found"
end

function __masu_family
    set -l command (__masu_command); or return 1
    test -n "$(__masu_commands $command)"
end

function __masu_options
    masu (__masu_command) --help 2>/dev/null | string match -r -a -- '--[a-z0-9-]+' | sort -u
end

function __masu_containers
    masu list --quiet 2>/dev/null
end

complete -c masu -f
complete -c masu -n 'not __masu_command >/dev/null' -a '(__masu_commands)'
complete -c masu -n __masu_family -a '(__masu_commands (__masu_command))'
complete -c masu -n '__masu_command >/dev/null; and not __masu_family; and not string match -qr "^(run|create|spec|help|image|group)\$" (__masu_command)[1]' -a '(__masu_containers)'
complete -c masu -n '__masu_command >/dev/null; and not __masu_family; and string match -q group (__masu_command)[1]' -a '(masu group list -r / 2>/dev/null)'
complete -c masu -n 'string match -qr "^(run|create)\$" (__masu_command)[1]' -F
complete -c masu -n 'string match -q help (__masu_command)[1]' -a '(__masu_commands)'
complete -c masu -n 'string match -q -- "-*" (commandline -ct)' -a '(__masu_options)'
complete -c masu -n '__fish_prev_arg_in --log-format' -x -a 'text json'
complete -c masu -n '__fish_prev_arg_in --log-level' -x -a 'error warning debug'
complete -c masu -n '__fish_prev_arg_in --cgroup-manager' -x -a 'cgroupfs disabled systemd'
complete -c masu -n '__fish_prev_arg_in --rootless' -x -a 'auto false true'
complete -c masu -n '__fish_prev_arg_in --format' -x -a 'table json'
complete -c masu -n '__fish_prev_arg_in --root --bundle --cwd' -x -a '(__fish_complete_directories)'
