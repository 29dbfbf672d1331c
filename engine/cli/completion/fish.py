"""The completion script of fish."""

from __future__ import annotations

from .words import FACT, FILE, MODEL, NOTHING, POLICY, SHELL, SHELLS, Command, Option, facts, versions

_HEAD = """# fish completion of mlxk-rules, written by `mlxk-rules completion fish`
function __mlxk_rules_models
    mlxk-rules completion models 2>/dev/null
    __fish_complete_directories (commandline -ct)
end
function __mlxk_rules_facts
    printf '%s=\\n' {facts}
end
function __mlxk_rules_policies
    printf '%s\\n' {versions}
    __fish_complete_suffix .yaml
end
function __mlxk_rules_at --argument-names command number
    # whether the cursor is at the given word of a command; options that take a value are passed over with it
    set -l tokens (commandline -opc)
    test (count $tokens) -ge 2; and test "$tokens[2]" = "$command"; or return 1
    set -l takes $argv[3..]
    set -l seen 0
    set -l skip 0
    for token in $tokens[3..]
        if test $skip = 1
            set skip 0
        else if contains -- $token $takes
            set skip 1
        else if not string match -qr -- '^-.' $token
            set seen (math $seen + 1)
        end
    end
    test $seen = $number; or begin; test "$number" = many; end
end
complete -c mlxk-rules -f
"""
_OFFERS = {
    FILE: "-F",
    MODEL: "-f -a '(__mlxk_rules_models)'",
    FACT: "-f -a '(__mlxk_rules_facts)'",
    POLICY: "-f -a '(__mlxk_rules_policies)'",
    NOTHING: "-f",
}


def script(commands: tuple[Command, ...]) -> str:
    """Return the script."""
    lines = [_HEAD.format(versions=" ".join(versions()), facts=" ".join(facts())).rstrip("\n")]
    for command in commands:
        only = f"-n {_quoted('__fish_is_first_token')}"
        lines.append(f"complete -c mlxk-rules {only} -a {command.name} -d {_quoted(command.means)}")
    for command in commands:
        within = f"-n {_quoted(f'__fish_seen_subcommand_from {command.name}')}"
        lines += [f"complete -c mlxk-rules {within} {_option(option)}" for option in command.options]
        takes = " ".join(name for option in command.options if option.takes is not None for name in option.names)
        for number, kind in enumerate(command.words):
            last = command.many and number == len(command.words) - 1
            place = f"__mlxk_rules_at {command.name} {'many' if last else number} {takes}".rstrip()
            lines.append(f"complete -c mlxk-rules -n {_quoted(place)} {_offer(kind)}")
    return "\n".join(lines) + "\n"


def _option(option: Option) -> str:
    names = " ".join(f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in option.names)
    value = f" -r {_offer(option.takes)}" if option.takes is not None else ""
    return f"{names}{value} -d {_quoted(option.means)}"


def _offer(kind: str) -> str:
    if kind == SHELL:
        return f"-f -a {_quoted(' '.join(SHELLS))}"
    return _OFFERS[kind]


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
