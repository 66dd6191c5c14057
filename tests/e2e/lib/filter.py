# SPDX-License-Identifier: MIT
"""Runs a program that may make the system calls with the given names only: filter.py NAME... -- PROGRAM [ARGUMENT...]

Any other call ends it with SIGSYS, where systemd's SystemCallErrorNumber= would have it fail. Names that this processor does not
have are passed over, as systemd does.
"""
import os
import sys

import seccomp

end = sys.argv.index("--")
allowed = seccomp.SyscallFilter(seccomp.KILL_PROCESS)
for name in sys.argv[1:end]:
    if seccomp.resolve_syscall(seccomp.Arch(), name) >= 0:
        allowed.add_rule(seccomp.ALLOW, name)
allowed.load()
os.execv(sys.argv[end + 1], sys.argv[end + 1:])
