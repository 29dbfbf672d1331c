"""The language server: what engine/editor knows of a rule file, told in the protocol that editors speak."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer

from ..editor.completion import completion
from ..editor.hover import hover
from ..editor.opened import Opened, is_rule_file, opened
from ..editor.places import definition, name_at, references
from ..editor.suggestions import suggestion
from ..editor.words import typed, word_at
from ..policy import Policy
from ..problems import PolicyError, Problem
from ..rulefile.document import Document, Place
from .policies.policy_cases import cases_of

_KINDS = {
    "fact": lsp.CompletionItemKind.Field,
    "function": lsp.CompletionItemKind.Function,
    "set": lsp.CompletionItemKind.Enum,
    "limit": lsp.CompletionItemKind.Constant,
    "derived": lsp.CompletionItemKind.Variable,
    "gate": lsp.CompletionItemKind.Reference,
    "value": lsp.CompletionItemKind.EnumMember,
}
_LEVELS = {
    "error": lsp.DiagnosticSeverity.Error,
    "warning": lsp.DiagnosticSeverity.Warning,
    "note": lsp.DiagnosticSeverity.Information,
}


def server(version: str) -> LanguageServer:
    """Return the server, which is not started yet."""
    ours = LanguageServer("mlxk-rules", version)
    files = _Files(ours)

    @ours.feature(lsp.TEXT_DOCUMENT_DID_OPEN)
    def _(params: lsp.DidOpenTextDocumentParams) -> None:
        files.publish(params.text_document.uri)

    @ours.feature(lsp.TEXT_DOCUMENT_DID_CHANGE)
    def _(params: lsp.DidChangeTextDocumentParams) -> None:
        files.publish(params.text_document.uri)

    @ours.feature(lsp.TEXT_DOCUMENT_COMPLETION, lsp.CompletionOptions(trigger_characters=[".", " "]))
    def _(params: lsp.CompletionParams) -> lsp.CompletionList:
        return files.completion(params.text_document.uri, params.position)

    @ours.feature(lsp.TEXT_DOCUMENT_HOVER)
    def _(params: lsp.HoverParams) -> lsp.Hover | None:
        file, line, column = files.at(params.text_document.uri, params.position)
        uri = params.text_document.uri
        said = hover(file.text, line, column, file.document, lambda: files.cases(uri)) if file is not None else None
        return None if said is None else lsp.Hover(lsp.MarkupContent(lsp.MarkupKind.Markdown, said))

    @ours.feature(lsp.TEXT_DOCUMENT_DEFINITION)
    def _(params: lsp.DefinitionParams) -> lsp.Location | None:
        name, document = files.name(params.text_document.uri, params.position)
        place = definition(name, document) if name and document is not None else None
        return None if place is None else files.location(place)

    @ours.feature(lsp.TEXT_DOCUMENT_REFERENCES)
    def _(params: lsp.ReferenceParams) -> list[lsp.Location]:
        name, document = files.name(params.text_document.uri, params.position)
        return [files.location(place) for place in references(name, document)] if name and document is not None else []

    @ours.feature(lsp.TEXT_DOCUMENT_CODE_ACTION, lsp.CodeActionOptions([lsp.CodeActionKind.QuickFix]))
    def _(params: lsp.CodeActionParams) -> list[lsp.CodeAction]:
        return list(files.actions(params.text_document.uri, params.range))

    @ours.feature(lsp.TEXT_DOCUMENT_CODE_LENS)
    def _(params: lsp.CodeLensParams) -> list[lsp.CodeLens]:
        return files.lenses(params.text_document.uri)

    return ours


class _Files:
    """The rule files that an editor has open."""

    def __init__(self, ours: LanguageServer) -> None:
        self._server = ours
        self._whole: dict[str, Document] = {}  # what a file was when it was last whole
        self._known: dict[str, Opened] = {}

    def file(self, uri: str) -> Opened | None:
        """Return a file as it stands in the editor; None of one that is no rule file."""
        text = self._server.workspace.get_text_document(uri).source.replace("\r\n", "\n")
        known = self._known.get(uri)
        if known is not None and known.text == text:
            return known
        if not is_rule_file(text):
            return None
        found = self._known[uri] = opened(text, _path(uri), self._whole.get(uri))
        if found.document is not None and not found.problems:
            self._whole[uri] = found.document
        return found

    def publish(self, uri: str) -> None:
        file = self.file(uri)
        found = [_diagnostic(problem, self, uri) for problem in file.problems] if file is not None else []
        self._server.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(uri, found))

    def at(self, uri: str, position: lsp.Position) -> tuple[Opened | None, int, int]:
        text = self._server.workspace.get_text_document(uri)
        place = text.position_codec.position_from_client_units(text.lines, position)
        return self.file(uri), place.line, place.character

    def range(self, uri: str, line: int, start: int, end: int) -> lsp.Range:
        text = self._server.workspace.get_text_document(uri)
        whole = lsp.Range(lsp.Position(line, start), lsp.Position(line, end))
        return text.position_codec.range_to_client_units(text.lines, whole) if line < len(text.lines) else whole

    def name(self, uri: str, position: lsp.Position) -> tuple[str, Document | None]:
        file, line, column = self.at(uri, position)
        word = word_at(file.text, line, column) if file is not None else None
        if file is None or word is None:
            return "", None
        return name_at(file.text, word), file.document

    def location(self, place: Place) -> lsp.Location:
        path = place.source.path or Path(place.source.name)
        uri = next((uri for uri in self._known if _path(uri) == path), path.absolute().as_uri())
        line = place.line - 1
        begin = place.source.text.rfind("\n", 0, place.start) + 1
        start, end = place.start - begin, max(place.start + 1, place.end) - begin
        return lsp.Location(uri, self.range(uri, line, start, end))

    def completion(self, uri: str, position: lsp.Position) -> lsp.CompletionList:
        file, line, column = self.at(uri, position)
        if file is None:
            return lsp.CompletionList(False, [])
        begun = typed(file.text, line, column)
        place = self.range(uri, line, begun.start, begun.end)
        items = [
            lsp.CompletionItem(
                offer.word,
                kind=_KINDS[offer.kind],
                detail=offer.detail,
                documentation=offer.about or None,
                text_edit=lsp.TextEdit(place, offer.word),
            )
            for offer in completion(file.text, line, column, file.document)
        ]
        return lsp.CompletionList(False, items)

    def actions(self, uri: str, where: lsp.Range) -> Any:
        file = self.file(uri)
        for problem in file.problems if file is not None else ():
            meant = suggestion(problem) if problem.file == (file.name if file else "") else None
            if meant is None or not where.start.line <= meant.line <= where.end.line:
                continue
            edit = lsp.TextEdit(self.range(uri, meant.line, meant.start, meant.end), meant.text)
            yield lsp.CodeAction(
                meant.title,
                lsp.CodeActionKind.QuickFix,
                [_diagnostic(problem, self, uri)],
                is_preferred=True,
                edit=lsp.WorkspaceEdit({uri: [edit]}),
            )

    def cases(self, uri: str) -> dict[str, list[str]]:
        """Return for each gate the names of the policy's cases that it decides, of the files as they are on disk."""
        path = _path(uri)
        try:
            policy = Policy.load(path)
        except PolicyError:
            return {}
        found: dict[str, list[str]] = {}
        for run in cases_of(str(path), policy):
            found.setdefault(str(policy.decide(run.facts).gate), []).append(run.name)
        return found

    def lenses(self, uri: str) -> list[lsp.CodeLens]:
        """Return how many of the policy's cases each gate decides."""
        path, cases, file = _path(uri), self.cases(uri), self.file(uri)
        document = file.document if file is not None else None
        found: list[lsp.CodeLens] = []
        for gate in document.gates if document is not None and cases else ():
            if (gate.place.source.path or Path(gate.place.source.name)) == path:
                count = len(cases.get(gate.id, ()))
                title = f"{count} case{'s'[: count != 1]} decided here" if count else "no case is decided here"
                found.append(lsp.CodeLens(self.location(gate.place).range, lsp.Command(title, "")))
        return found


def _diagnostic(problem: Problem, files: _Files, uri: str) -> lsp.Diagnostic:
    """Return a problem as editors show it; one that stands in another file is shown at the top of this one."""
    here = _path(uri) == Path(problem.file)
    line, start = (max(0, problem.line - 1), max(0, problem.column - 1)) if here else (0, 0)
    place = files.range(uri, line, start, start + problem.width if here else 1)
    message = problem.message if here else f"{problem.place}: {problem.message}"
    said = f"{message}; {problem.help}" if problem.help else message
    return lsp.Diagnostic(place, said, _LEVELS[problem.level], problem.code, source="mlxk-rules")


def _path(uri: str) -> Path:
    return Path(unquote(urlparse(uri).path)).absolute()
