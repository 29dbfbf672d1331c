"""The command line as text: one usage a command, which docopt-ng reads and people see."""

from __future__ import annotations

MAIN = """Which MLX backend may load a model, whether it should, and why, told before anything is loaded.

Usage:
  mlxk-rules <command> [<argument>...]
  mlxk-rules (-h | --help | --version)

Commands:
  explain     whether a model can be loaded, what it needs, and why
  run         decide, then load the model: one answer, or a talk
  serve       an OpenAI-shaped server: every request is decided before a backend sees it
  pull        decide on a model of the hub, then download what the decided backend loads
  list        every model that is here, with its decision
  probe       the facts of a model, as JSON
  decide      decisions for facts in JSON lines
  validate    check a rule file
  test        a policy's own cases, with coverage and mutation
  policy      a policy whole, and where each part of it is from
  completion  a script that completes words in bash, zsh or fish
  diff        what two policies decide differently, with the facts that show it
  audit       a rule file against what the installed MLX libraries support
  lsp         the language server, which an editor starts

`mlxk-rules <command> --help` tells more of one. A MODEL is a folder, a repo id in the Hugging Face cache
(HF_HOME and HF_HUB_CACHE are honoured), org/name@revision, or any part of the name of one model that `list` shows; or
one that is not here yet, hf://org/name[@revision] or its page on the hub, which is asked for over the network.
Exit codes: 0 yes (allow, warn, valid), 1 no (blocked, invalid, failed), 2 wrong usage or unreadable input, 3 a bug.
"""

COMMANDS = {
    "explain": """Say whether a model can be loaded, by which backend, what it needs, and what would have to change.

Without --image and --audio the answer is for the first of text, images and audio that the model is allowed for.

Usage:
  mlxk-rules explain MODEL [options] [--set FACT=VALUE]... [--policy P]...

Options:
  --image           The request carries images.
  --audio           The request carries audio.
  --context N       How many tokens prompt and answer may get, which memory is reckoned for.
  --image-size WxH  The image that memory is reckoned for, in pixels, such as 1920x1080.
  --server          The request comes from a server.
  --hosts FILE      For the machines of this hostfile together, as `mlx.launch --hostfile` takes it; rules/MACHINES.md
                    tells more.
  --split KIND      With --hosts: how they share the model, tensor or pipeline; if not given, as mlx-lm would choose.
  --machines FILE   With --hosts: what memory and versions each has, in the hostfile's order; if not given, the file
                    hosts.machines.json beside hosts.json, and where there is none, each is asked over ssh.
  --python PATH     With --hosts: the Python of the other machines; this one's own path if not given.
  --quick           Do without the dry run: what files alone tell, at once.
  --policy P        A shipped version such as 2.0.4, or a rule file, and again to lay another over it; without it see
                    `mlxk-rules policy --help`.
  --set FACT=VALUE  What if: override a fact (memory.total_bytes=8GB), or a derived one (derived.vision=true).
  --trust-remote-code
                    Of no effect: no code of a folder is run, and none is a reason to refuse what loads without it.
  --alternatives    Of a model of the hub that does not fit here: ask it for conversions, and decide on each.
  --why             Say too which values made the deciding gate fire.
  --gates           Say too what every gate found, from the first on, with its values.
  --all             Try the gates behind the one that decides too, and say which of them would fire.
  --html FILE       Write the decision as one page too: the gates as a picture, the terms that decided.
  --json            Print one JSON value: as answer.schema.json describes it.
  --debug           Show the traceback of a bug.
  -h --help         Show this.
""",
    "run": """Decide, then load the model through the one backend that the decision names, and print its text.

Usage:
  mlxk-rules run MODEL PROMPT [options] [--image FILE]... [--audio FILE]... [--stop TEXT]... [--policy P]...
  mlxk-rules run MODEL [options] [--image FILE]... [--audio FILE]... [--stop TEXT]... [--policy P]...

PROMPT is the text, in quotes, or - to read it from standard input. Without one, on a terminal, you talk with the
model until you type /exit; /help tells more. A recording (--audio) of speech needs none.

Options:
  --image FILE      An image for the model; may be given again.
  --audio FILE      A recording for the model; may be given again.
  --system TEXT     What the model is to be, or to heed, said before the prompt.
  --max-tokens N    How many tokens to generate at most; 256, and for speech as the model has it, if not given.
  --context N       How many tokens prompt and answer may have together; memory is told for so many.
  --temperature T   0 takes the likeliest token each time [default: 0].
  --top-p P         Choose among the likeliest tokens that make up this share, above 0 and at most 1 [default: 1].
  --seed N          The same seed, prompt and options give the same answer, with a temperature too.
  --stop TEXT       End the answer before this text; may be given again.
  --language CODE   The language of a recording, such as en or de, where the model wants to be told.
  --stats           Say how long the load took, and how many tokens a second were read and written.
  --hosts FILE      Answer by the machines of this hostfile together, as mlx.launch takes it; see rules/MACHINES.md.
  --split KIND      What each of them has: tensor, a part of every layer, or pipeline, some of the layers; if not
                    given, as the model's type can.
  --python PATH     The Python of the other machines, with mlxk-rules installed; this one's own path if not given.
  --starting-port N
                    The first port of the ring between them; if not given, 32323, and free ones where all are here.
  --yes             Go on without asking where the model needs more memory than may be used.
  --policy P        A shipped version such as 2.0.4, or a rule file, and again to lay another over it; without it see
                    `mlxk-rules policy --help`.
  --trust-remote-code
                    Of no effect: no code of a folder is run, and none is a reason to refuse what loads without it.
  --json            Print one JSON value: decision, text, error, ending, stats; see answer.schema.json.
  --debug           Show the traceback of a backend's error, or of a bug.
  -h --help         Show this.
""",
    "serve": """Serve models over HTTP as OpenAI's API: every request is decided before a backend sees it.

Usage:
  mlxk-rules serve [MODEL]... [options] [--pin ID]... [--adapter FOLDER]... [--policy P]...

What may be asked for is the models that `mlxk-rules list` shows and each MODEL, by the ids that /v1/models lists, and
nothing else: a request opens no path and downloads nothing. Models are loaded when they are asked for, each by its
backend's own server in a child process, as many as the policy says fit beside one another; the least recently used ones
go for others. What is blocked is answered with the decision's HTTP status.

Options:
  --host H          Where to listen [default: 127.0.0.1].
  --port N          At which port; 0 takes a free one, and it is said [default: 8642].
  --api-key-file FILE
                    The key that requests must bring, in a file that only you may read; wanted where other machines
                    may ask.
  --only            Only the MODELs named, and none of the others that are here.
  --pin ID          Load this model at once, and keep it; may be given again.
  --adapter FOLDER  An adapter of mlx-lm that may be asked for by its folder's name, where the policy allows it; may be
                    given again.
  --idle SECONDS    Give a model up that nobody asked for so long; if not given, only others make it go.
  --parallel N      How many answers of one model are made at once, at most [default: 4].
  --load-seconds S  How long a load may take [default: 300].
  --hosts FILE      Answer by the machines of this hostfile together, of which this is the first; see rules/MACHINES.md.
  --split KIND      What each of them has: tensor, a part of every layer, or pipeline, some of the layers; if not
                    given, as the model's type can.
  --machines FILE   What each of them has, as a list of probes; if not given, hosts.machines.json beside hosts.json, or
                    they are asked over ssh.
  --python PATH     The Python of the other machines, with mlxk-rules installed; this one's own path if not given.
  --starting-port N
                    The first port of the ring between them; if not given, 32323, and free ones where all are here.
  --log FILE        Write what was decided of each request, as JSON lines that `decide` and `diff --facts` read.
  --log-mask FILE   A file with names of facts, one a line, such as model.path, that are to be masked in it.
  --log-prompts     With what was asked, which is not written otherwise.
  --policy P        A shipped version such as 2.0.4, or a rule file, and again to lay another over it; without it see
                    `mlxk-rules policy --help`. A changed file is taken where it is valid and its cases pass.
  --debug           Show the traceback of a bug.
  -h --help         Show this.
""",
    "pull": """Decide on a model of the hub, download what the decided backend loads, and explain it from the disk.

Usage:
  mlxk-rules pull MODEL [options] [--policy P]...

MODEL is org/name or hf://org/name, each with @revision where another than main is meant, or a page of the hub. What the
policy blocks is not downloaded. A download that broke off goes on where it stopped.

Options:
  --image           The request carries images.
  --audio           The request carries audio.
  --context N       How many tokens prompt and answer may get, which memory is reckoned for.
  --image-size WxH  The image that memory is reckoned for, in pixels, such as 1920x1080.
  --server          The request comes from a server.
  --quick           Do without the dry run: what files alone tell, at once.
  --policy P        A shipped version such as 2.0.4, or a rule file, and again to lay another over it; without it see
                    `mlxk-rules policy --help`.
  --force           Download what the policy blocks too. It is said, and noted in forced.jsonl in the folder
                    ~/.local/state/mlxk-rules ($XDG_STATE_HOME).
  --json            Print one JSON value as `explain` does, with `folder` and `forced`.
  --debug           Show the traceback of a bug.
  -h --help         Show this.
""",
    "list": """List the models that are here, each with its size, backend, verdict and share of memory.

They are looked for in the Hugging Face cache, in LM Studio's folder, and in the folders that the variable
MLXK_RULES_MODELS names (with : between them). Without --image and --audio a model is shown for the first of text,
images and audio that it is allowed for.

Usage:
  mlxk-rules list [WHAT] [options] [--policy P]...

WHAT is a folder to look in, or a part of the names to show.

Options:
  --image           Decide for requests with images.
  --audio           Decide for requests with audio.
  --blocked         Show only what is not to be loaded, and why.
  --fits            Show only what may be loaded and fits this machine's memory.
  --sort KEY        By name, size or memory, the largest first [default: name].
  --dry-run         Ask the backends of each model that they were not asked of; some seconds each, and kept.
  --policy P        A shipped version such as 2.0.4, or a rule file, and again to lay another over it; without it see
                    `mlxk-rules policy --help`.
  --json            Print one JSON value, a list, as answer.schema.json describes it.
  --debug           Show the traceback of a bug.
  -h --help         Show this.
""",
    "probe": """Print the facts of a model as one JSON value. Nothing of it is loaded or executed.

Usage:
  mlxk-rules probe MODEL [options]

Options:
  --image           The request carries images.
  --audio           The request carries audio.
  --context N       How many tokens prompt and answer may get, which memory is reckoned for.
  --image-size WxH  The image that memory is reckoned for, in pixels, such as 1920x1080.
  --server          The request comes from a server.
  --quick           Do without the dry run: what files alone tell, at once.
  --json            The same: probe always prints JSON.
  --debug           Show the traceback of a bug.
  -h --help         Show this.
""",
    "decide": """Read facts as JSON lines, as `probe` prints them, and print a decision for each, as JSON lines.

Usage:
  mlxk-rules decide FILE [options] [--policy P]...

FILE is a file, or - for standard input. An object `derived` in the facts stands in for what the policy derives.
Each answer has its line's number and the model's name.
A line that holds no facts is answered in its place with an `error`, and the exit code is then 2.

Options:
  --trace           With each answer every gate tried, and why it fired or not.
  --policy P        A shipped version such as 2.0.4, or a rule file, and again to lay another over it; without it see
                    `mlxk-rules policy --help`.
  --json            The same: decide always prints JSON lines.
  --debug           Show the traceback of a bug.
  -h --help         Show this.
""",
    "validate": """Check rule files: YAML, shape, expressions and their types. Every problem is said at once.

Usage:
  mlxk-rules validate [FILE]... [options] [--level CODE=LEVEL]...

FILE is a rule file or a shipped version; today's policy if none is given.

Options:
  --analyse         Find what no single line shows too: gates that never fire, entries, limits and branches that decide
                    nothing. Takes minutes for many gates, and z3, the extra mlxk-rules[analysis].
  --format F        text, json, sarif (2.1.0), github (annotations) or junit; inside GitHub Actions github if not given.
  --level CODE=LEVEL
                    How grave a finding of a valid file is: error, warning or note; `levels:` in the file says so too.
  --fail-on LEVEL   Fail for findings of this level and graver ones; for errors, if not given.
  --explain CODE    Say what an error code means, with an example of it and the same mended.
  --json            The same as --format json: print one JSON value: valid, problems.
  --debug           Show the traceback of a bug.
  -h --help         Show this.
""",
    "test": """Run a policy's own cases, and say what of the policy they cover.

Usage:
  mlxk-rules test [FILE] [options]

FILE is a rule file or a shipped version, whose cases are found (rules/tests/*.yaml, NAME.tests.yaml beside it, or
tests/*.yaml beside it), or one case file; today's policy if none is given. No cases at all is a failure.
Of a policy that extends another, coverage and mutants are those of its own file.

Options:
  --only PATTERN    Run the cases whose name is so, or holds that text; * and ? stand for others. Coverage is of those.
  --watch           Run them again whenever a file of the policy or a case file changes, until interrupted.
  --format F        text, json, sarif (2.1.0), github (annotations) or junit.
  --coverage        Show the rule file's lines, marked: + seen by a case, ~ in part, ! not at all.
  --mutate          Break the policy in every small way, and say which breaks no case notices.
  --fail-under N    Fail under N percent of coverage, and with --mutate of mutants noticed.
  --json            Print one JSON value: passed, cases, failures, coverage, mutation.
  --debug           Show the traceback of a bug.
  -h --help         Show this.
""",
    "policy": """Show a policy whole: what it extends put together, and for each part the file and line it is from.

Usage:
  mlxk-rules policy [FILE] [options] [--set FACT=VALUE]...

FILE is a rule file or a shipped version. Without one, it is the policy that decides where --policy is not given:
what the environment variable MLXK_RULES_POLICY names, else your own file at $XDG_CONFIG_HOME/mlxk-rules/policy.yaml
(~/.config/mlxk-rules/policy.yaml, on macOS too), else today's.

Options:
  --json            Print one JSON value: name, version, files, sets, limits, derive, gates, removed.
  --yaml            Print it as one rule file that extends nothing and decides the same.
  --mermaid         Print a picture of the gates, as Mermaid text.
  --dot             Print a picture of the gates, as DOT text for Graphviz.
  --html FILE       Write all of it as one page.
  --model MODEL     In a picture or page: mark the way of this model through the gates.
  --image           With --model: the request carries images.
  --audio           With --model: the request carries audio.
  --server          With --model: the request comes from a server.
  --set FACT=VALUE  With --model: what if; see `mlxk-rules explain --help`.
  --schema          Print where the schema for editors stands, and nothing else.
  --debug           Show the traceback of a bug.
  -h --help         Show this.
""",
    "completion": """Print a script that completes mlxk-rules' words in a shell.

Usage:
  mlxk-rules completion SHELL [options]

SHELL is bash, zsh or fish; the script goes where that shell reads it when it starts:
  bash   eval "$(mlxk-rules completion bash)"      in ~/.bashrc
  zsh    eval "$(mlxk-rules completion zsh)"       in ~/.zshrc, below compinit
  fish   mlxk-rules completion fish | source       in ~/.config/fish/config.fish
The scripts ask `mlxk-rules completion models` for the names in the Hugging Face cache, one a line.

Options:
  --debug           Show the traceback of a bug.
  -h --help         Show this.
""",
    "diff": """Say whether two policies decide the same for all facts, and else what changes, with facts that show it.

Usage:
  mlxk-rules diff OLD [NEW] [options]

What was edited is told first, and under each edit what it changes, with facts that show it. OLD and NEW are rule files,
shipped versions, or files in a git revision such as HEAD~1:rules/policy.yaml; NEW is today's policy if none is given.
z3 compares them for all facts, the extra mlxk-rules[analysis]. Without it what facts show is told still, and
whether the version is enough where the edits alone tell. Exit codes: 0 the same, 1 different, 2 unusable, or not known
(without z3, or where not all is proved); with --check-version 0 if the version rose by enough, 1 if not, 2 where it is
enough for what is known, and not all is proved.

Options:
  --models          Say too which models of the Hugging Face cache are decided otherwise, each asked with text, images,
                    audio, and both.
  --facts FILE      Say too which recorded facts are decided otherwise: JSON lines as `decide` reads them, - for
                    standard input.
  --check-version   Fail only where NEW's version did not rise by enough: by the first number where what was allowed is
                    refused, warned of or loaded by another backend; by the second where model types were added or
                    removed, or else something is decided otherwise; by the third where words changed.
  --format F        text, json, sarif (2.1.0), github (annotations) or junit.
  --all             Every edit with all that it changes, and every pair of gates with a change between them; takes
                    minutes.
  --markdown        Print it as a page: rules/CHANGES.md is made so.
  --json            Print one JSON value: same, exact, direction, changes, version, models, facts.
  --debug           Show the traceback of a bug.
  -h --help         Show this.
""",
    "audit": """Hold a rule file's sets against what the installed MLX libraries can load.

Usage:
  mlxk-rules audit [FILE] [options]

FILE is a rule file with an `audit` part; today's policy if none is given.

Options:
  --fix             Add what the sets lack, raise the file's version, and say so in its changelog.
  --prune           With --fix: take out what no installed library knows.
  --json            Print one JSON value: clean, fixed, sets, versions, absent.
  --debug           Show the traceback of a bug.
  -h --help         Show this.
""",
    "lsp": """Be the language server of rule files, over the standard streams; an editor starts it: see rules/EDITOR.md.

Usage:
  mlxk-rules lsp [options]

Options:
  --debug           Show the traceback of a bug.
  -h --help         Show this.
""",
}
