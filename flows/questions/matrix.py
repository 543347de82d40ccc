"""Rate several things on one scale."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from flows.meaning import Meanings, meanings
from flows.questions.base import LocalizedQuestion, Node, Problem, Where, question
from flows.questions.scale import Scale
from flows.references import Key
from flows.renderer import Renderer
from flows.wording import Text

_KEY_LENGTH = 24


class Row(BaseModel):
    """One row of a matrix: the end of its key, and what is rated."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    value: Key
    label: Text


class MatrixRow(Scale):
    """One row as a question of its own. Its key is that of the matrix with the value of the row."""

    meanings: ClassVar[Meanings] = meanings(fixed="matrix", words="row")

    # Checked by `Matrix.problems`, so that a longer key can be reported.
    key: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,48}$")]
    type: Literal["matrix"] = "matrix"  # type: ignore[assignment]
    matrix: Key
    row: Text

    @property
    def table(self) -> str:
        return self.matrix

    @property
    def row_text(self) -> Text:
        return self.row

    def title_in(self, renderer: Renderer) -> str:
        return renderer.text("matrix.row", question=renderer.localized(self.text), row=renderer.localized(self.row))


@question
class Matrix(Scale):
    """Rate several things on one scale, one message per row; forms and paper show a table. Each row is a question with
    a value of its own: the number, stored under the key of the matrix and the value of the row (`paths_light`).

    ```yaml
    - key: paths
      type: matrix
      text: {de: Wie finden Sie die Wege?, en: How do you find the paths?}
      min_label: {de: schlecht, en: bad}
      max_label: {de: gut, en: good}
      rows:
        - {value: light, label: {de: Licht, en: Light}}
        - {value: width, label: {de: Breite, en: Width}}
    ```
    """

    type_name: ClassVar[tuple[str, str]] = ("Tabelle: mehrere Zeilen, eine Skala", "Table: several rows, one scale")
    meanings: ClassVar[Meanings] = meanings(free="rows")

    type: Literal["matrix"] = "matrix"  # type: ignore[assignment]
    rows: tuple[Row, ...] = Field(min_length=2, max_length=12)

    def problems(self) -> Iterator[Problem]:
        yield from super().problems()
        seen: set[str] = set()
        for index, row in enumerate(self.rows):
            where = ("rows", index, "value")
            if row.value in seen:
                yield Problem(where, f"the value {row.value!r} stands twice", "give each row its own")
            seen.add(row.value)
            if (length := len(self._key_of(row))) > _KEY_LENGTH:
                reason = f"the key of this row, “{self._key_of(row)}”, has {length} characters"
                yield Problem(where, reason, f"shorten it, or the key of the question, to {_KEY_LENGTH} together")

    def texts(self) -> Iterator[tuple[Where, Text]]:
        yield from super().texts()
        for index, row in enumerate(self.rows):
            yield ("rows", index, "label"), row.label

    def expanded(self) -> tuple[Node, ...]:
        own = {"key", "type", "exits", "image"}
        shared = {name: getattr(self, name) for name in Scale.model_fields if name not in own}
        first, *_, last = self.rows
        return tuple(
            MatrixRow(
                key=self._key_of(row),
                matrix=self.key,
                row=row.label,
                image=self.image if row is first else None,
                exits=self.exits if row is last else (),
                **shared,
            )
            for row in self.rows
        )

    def localize(self, renderer: Renderer) -> LocalizedQuestion:
        """Builds the first row."""
        return self.expanded()[0].localize(renderer)

    def _key_of(self, row: Row) -> str:
        return f"{self.key}_{row.value}"
