"""What meters store, by VDEW's specification and makers' own forms: load profiles and log books.

IEC 62056-21 carries them, and says nothing of their form. `answer` takes an answer apart, `periods` gives its rows times
in UTC, `plan` says what to ask for, `log_book` reads events. `ProfileForm` is how a family of meters does it.
"""
