"""The completion script of zsh."""

from __future__ import annotations

from shlex import quote

from .words import FACT, FILE, MODEL, NOTHING, POLICY, SHELL, SHELLS, Command, Option, facts, versions

_SCRIPT = """#compdef mlxk-rules
# zsh completion of mlxk-rules, written by `mlxk-rules completion zsh`
_mlxk_rules_models() {{
  setopt localoptions extendedglob
  local -a names within
  names=(${{(f)"$(_call_program models ${{(q)words[1]}} completion models 2>/dev/null)"}})
  # A model is found by its own name too, which replaces what was typed.
  within=(${{(M)names:#(#i)*/${{(b)PREFIX}}*}})
  [[ -n $PREFIX ]] && (( $#within )) && compadd -U -a within
  _alternative 'models:cached model:compadd -a names' 'folders:folder:_files -/'
}}
_mlxk_rules_facts() {{
  compadd -S = {facts}
}}
_mlxk_rules_policies() {{
  _alternative 'versions:shipped version:({versions})' 'files:rule file:_files -g "*.(yaml|yml)(-.)"'
}}
_mlxk_rules() {{
  local program=$words[1]
  if (( CURRENT == 2 )); then
    local -a commands
    commands=(
{commands}
    )
    _describe command commands
    return
  fi
  local command=$words[2]
  words=($program "${{(@)words[3,-1]}}")
  (( CURRENT-- ))
  case $command in
{cases}
  esac
}}
if (( $+functions[compdef] )); then
  compdef _mlxk_rules mlxk-rules
fi
"""
_ACTIONS = {
    FILE: ":file:_files",
    MODEL: ":model:_mlxk_rules_models",
    FACT: ":fact:_mlxk_rules_facts",
    POLICY: ":policy:_mlxk_rules_policies",
    NOTHING: ": :",
}


def script(commands: tuple[Command, ...]) -> str:
    """Return the script."""
    return _SCRIPT.format(
        versions=" ".join(versions()),
        facts=" ".join(facts()),
        commands="\n".join(f"      {quote(f'{c.name}:{c.means}')}" for c in commands),
        cases="\n".join(map(_case, commands)),
    )


def _case(command: Command) -> str:
    lines = [f"    {command.name})", "      _arguments -s \\"]
    specs = [_option(option) for option in command.options]
    specs += [f"{number}{_action(kind)}" for number, kind in enumerate(command.words, 1)]
    if command.many and command.words:
        specs[-1] = f"*{_action(command.words[-1])}"
    lines += [f"        {quote(spec)} \\" for spec in specs]
    return "\n".join(lines)[:-2] + " ;;"


def _option(option: Option) -> str:
    means = option.means.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")
    value = _action(option.takes) if option.takes is not None else ""
    name = option.names[-1]  # `-h` does what `--help` does
    return f"*{name}[{means}]{value}"


def _action(kind: str) -> str:
    if kind == SHELL:
        return f":shell:({' '.join(SHELLS)})"
    return _ACTIONS[kind]
