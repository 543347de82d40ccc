"""The desk: what people who work here can do from their own chat, one file per subject.

A file enters its commands into the registry; `bot.staff.chat.dispatcher` finds all files of this folder and hands them
the messages of people whose chat was bound by a code of `staff add`. `bot.staff.chat.consultations` is the pattern.
"""
