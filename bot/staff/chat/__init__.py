"""Staff commands in chat, one module per subject.

Each module registers its commands; `bot.staff.chat.dispatcher` imports all modules of this package and passes them the
messages of chats bound by a code of `staff add`. `bot.staff.chat.consultations` is an example.
"""
