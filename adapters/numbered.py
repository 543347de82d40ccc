"""Messages for channels without buttons: answers are numbered where typing the number answers."""

from __future__ import annotations

from flows.messages import MsgOut


def as_text(msg: MsgOut) -> str:
    """A message with its quick replies as text.

    >>> from flows.messages import QuickReply
    >>> print(as_text(MsgOut("Park?", (QuickReply("a", "Ja", 1), QuickReply("b", "Überspringen")))))
    Park?
      1  Ja
      [Überspringen]
    """
    lines = [msg.text]
    for reply in msg.quick_replies:
        if reply.number:
            lines.append(f"  {reply.number}  {reply.label}")
    if unnumbered := [f"[{reply.label}]" for reply in msg.quick_replies if not reply.number]:
        lines.append("  " + " ".join(unnumbered))
    return "\n".join(lines)
