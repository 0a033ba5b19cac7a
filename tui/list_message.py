"""What the messages of a list have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.message import Message

if TYPE_CHECKING:
    from promptetheus.tui.line_list import LineList


class ListMessage(Message):
    """A message that says which list it is from."""

    replaceable: ClassVar[bool] = False
    """Whether a later message of the same list makes this one worthless."""

    def __init__(self, line_list: LineList) -> None:
        super().__init__()
        self.line_list = line_list

    @property
    def control(self) -> LineList:
        """The list, for `@on(…, selector)`."""
        return self.line_list

    def can_replace(self, message: Message) -> bool:
        """Whether this one stands for `message`, which was not handled yet."""
        return self.replaceable and type(message) is type(self) and message.control is self.line_list
