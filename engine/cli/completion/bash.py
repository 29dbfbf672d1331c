"""The completion script of bash; it works in bash 3.2, which macOS has, and without the bash-completion package."""

from __future__ import annotations

from shlex import quote

from .words import SHELLS, Command, facts, versions

_SCRIPT = """# bash completion of mlxk-rules, written by `mlxk-rules completion bash`
_mlxk_rules_offer() {{
  case $1 in
    file | policy) compopt -o filenames 2>/dev/null ;; # not of models: their lists would lose the organisation
    fact) compopt -o nospace 2>/dev/null ;;
    nothing) return ;;
  esac
  while IFS= read -r; do COMPREPLY+=("$REPLY"); done < <(
    case $1 in
      file) compgen -f -- "$2" ;;
      model)
        compgen -d -- "$2" | while IFS= read -r; do printf '%q/\n' "$REPLY"; done
        shopt -s nocasematch
        "$3" completion models 2>/dev/null | while IFS= read -r; do
          case $REPLY in "$2"* | */"$2"*) printf '%s\n' "$REPLY" ;; esac
        done
        ;;
      policy) compgen -W {versions} -- "$2"; compgen -f -- "$2" ;;
      fact) compgen -S = -W {facts} -- "$2" ;;
      shell) compgen -W {shells} -- "$2" ;;
      *) compgen -W "$1" -- "$2" ;;
    esac
  )
  if [[ $1 == model && ${{#COMPREPLY[@]}} -eq 1 && ${{COMPREPLY[0]}} == */ ]]; then
    compopt -o nospace 2>/dev/null
  fi
}}
_mlxk_rules() {{
  local IFS=$'\\n' current=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}}
  local command=${{COMP_WORDS[1]}} options= takes= words= many= number=0 index word kind
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    _mlxk_rules_offer {commands} "$current"
    return
  fi
  case $command in
{cases}
    *) return ;;
  esac
  for kind in $takes; do
    if [ "${{kind%% *}}" = "$before" ]; then
      _mlxk_rules_offer "${{kind#* }}" "$current" "${{COMP_WORDS[0]}}"
      return
    fi
  done
  if [[ $current == -* ]]; then
    _mlxk_rules_offer "$options" "$current"
    return
  fi
  for ((index = 2; index < COMP_CWORD; index++)); do
    word=${{COMP_WORDS[index]}}
    case $'\\n'$takes in
      *$'\\n'"$word "*) ((index++)) ;;
      *) [[ $word == -?* ]] || ((number++)) ;;
    esac
  done
  for kind in $words; do
    if [ "$number" -eq 0 ]; then
      _mlxk_rules_offer "$kind" "$current" "${{COMP_WORDS[0]}}"
      return
    fi
    ((number--))
  done
  [ -z "$many" ] || _mlxk_rules_offer "$many" "$current" "${{COMP_WORDS[0]}}"
}}
complete -F _mlxk_rules mlxk-rules
"""


def script(commands: tuple[Command, ...]) -> str:
    """Return the script."""
    return _SCRIPT.format(
        versions=quote("\n".join(versions())),
        facts=quote("\n".join(facts())),
        shells=quote("\n".join(SHELLS)),
        commands=quote("\n".join(command.name for command in commands)),
        cases="\n".join(map(_case, commands)),
    )


def _case(command: Command) -> str:
    options = "\n".join(name for option in command.options for name in option.names)
    takes = "\n".join(f"{name} {option.takes}" for option in command.options if option.takes for name in option.names)
    words = "\n".join(command.words)
    many = command.words[-1] if command.many and command.words else ""
    parts = f"options={quote(options)} takes={quote(takes)} words={quote(words)} many={many}"
    return f"    {command.name}) {parts} ;;"
