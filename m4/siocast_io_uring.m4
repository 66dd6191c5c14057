dnl SPDX-License-Identifier: MIT
dnl SIOCAST_IO_URING: --enable-io-uring=yes, no, or, unasked, when the kernel's header is there. Sets siocast_io_uring to yes or no, and
dnl IO_URING as a conditional. Whether the running kernel has it is found out at run time.
AC_DEFUN([SIOCAST_IO_URING], [
AC_ARG_ENABLE([io-uring], [AS_HELP_STRING([--disable-io-uring], [send broadcasts without io_uring])], [],
	[enable_io_uring=auto])
siocast_io_uring=no
AS_IF([test "$enable_io_uring" != no], [
	AC_MSG_CHECKING([for io_uring])
	AC_COMPILE_IFELSE([AC_LANG_PROGRAM([[
#include <linux/io_uring.h>
#include <sys/syscall.h>
]], [[
struct io_uring_params q = { .flags = IORING_SETUP_SUBMIT_ALL };
struct io_uring_sqe e = { .opcode = IORING_OP_SEND, .msg_flags = SYS_io_uring_setup + SYS_io_uring_enter };
return q.flags == e.opcode;
]])], [siocast_io_uring=yes])
	AC_MSG_RESULT([$siocast_io_uring])
	AS_IF([test "$enable_io_uring$siocast_io_uring" = yesno],
		[AC_MSG_ERROR([--enable-io-uring needs the kernel's header linux/io_uring.h of 5.18 or later (Debian package linux-libc-dev)])])
])
AM_CONDITIONAL([IO_URING], [test "$siocast_io_uring" = yes])
])
