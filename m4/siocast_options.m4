dnl SPDX-License-Identifier: MIT
dnl The --enable-... switches and the compiler flags they stand for.

dnl SIOCAST_OPTION(NAME, HELP): --enable-NAME, off unless asked for; sets enable_NAME to yes or no.
AC_DEFUN([SIOCAST_OPTION], [
AC_ARG_ENABLE([$1], [AS_HELP_STRING([--enable-$1], [$2])], [], [AS_VAR_SET([enable_$1], [no])])
])

dnl SIOCAST_TRY_CFLAGS(VARIABLE, FLAGS): append each of FLAGS that the compiler takes to VARIABLE.
dnl -Werror is needed for the question: clang only warns about a warning flag that it does not know.
AC_DEFUN([SIOCAST_TRY_CFLAGS], [
siocast_saved_cflags=$CFLAGS
for siocast_flag in $2; do
	CFLAGS="$siocast_saved_cflags -Werror $siocast_flag"
	AC_MSG_CHECKING([whether $CC takes $siocast_flag])
	AC_LINK_IFELSE([AC_LANG_PROGRAM()], [AC_MSG_RESULT([yes]); $1="${$1:+$$1 }$siocast_flag"], [AC_MSG_RESULT([no])])
done
CFLAGS=$siocast_saved_cflags
])

dnl SIOCAST_WARN_CFLAGS: sets and substitutes WARN_CFLAGS; -Werror goes in only with --enable-werror.
AC_DEFUN([SIOCAST_WARN_CFLAGS], [
AC_REQUIRE([AC_PROG_CC])
WARN_CFLAGS=
SIOCAST_TRY_CFLAGS([WARN_CFLAGS], [-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
	-Wwrite-strings -Wvla])
AS_IF([test "$enable_werror" = yes], [WARN_CFLAGS="$WARN_CFLAGS -Werror"])
AC_SUBST([WARN_CFLAGS])
])

dnl SIOCAST_SANITIZERS: sets and substitutes SANITIZER_CFLAGS (for compiling and linking); FUZZING as a conditional.
AC_DEFUN([SIOCAST_SANITIZERS], [
AC_REQUIRE([AC_PROG_CC])
SANITIZER_CFLAGS=
AS_IF([test "$enable_asan$enable_tsan" = yesyes], [AC_MSG_ERROR([--enable-asan and --enable-tsan exclude each other])])
AS_IF([test "$enable_asan" = yes],
	[SANITIZER_CFLAGS="-fsanitize=address,undefined -fno-omit-frame-pointer -fno-sanitize-recover=all"])
AS_IF([test "$enable_tsan" = yes], [SANITIZER_CFLAGS="-fsanitize=thread -fno-omit-frame-pointer"])
# clang takes nothing added to a null pointer for a mistake, which C2y defines (N3322), and calls by pointers of other types, which libuv
# asks for.
AS_IF([test "$enable_fuzzing" = yes],
	[SANITIZER_CFLAGS="${SANITIZER_CFLAGS:+$SANITIZER_CFLAGS -fno-sanitize=pointer-overflow,function }-fsanitize=fuzzer-no-link"])
AS_IF([test -n "$SANITIZER_CFLAGS"], [
	siocast_saved_cflags=$CFLAGS
	CFLAGS="$CFLAGS $SANITIZER_CFLAGS"
	AC_MSG_CHECKING([whether $CC links with $SANITIZER_CFLAGS])
	AC_LINK_IFELSE([AC_LANG_PROGRAM()], [AC_MSG_RESULT([yes])], [
		AC_MSG_RESULT([no])
		AS_IF([test "$enable_fuzzing" = yes],
			[AC_MSG_ERROR([--enable-fuzzing needs clang with its run-time library: ./configure CC=clang (Debian packages clang and libclang-rt-dev)])],
			[AC_MSG_ERROR([this compiler has no run-time library for the sanitizer asked for])])
	])
	CFLAGS=$siocast_saved_cflags
])
AC_SUBST([SANITIZER_CFLAGS])
AM_CONDITIONAL([FUZZING], [test "$enable_fuzzing" = yes])
])

dnl SIOCAST_HARDENING: what Debian builds its own packages with, unless the user chose CFLAGS or a sanitizer is at work
dnl (_FORTIFY_SOURCE hides accesses from it). Needs siocast_user_cflags, taken before AC_PROG_CC filled CFLAGS in.
AC_DEFUN([SIOCAST_HARDENING], [
AC_REQUIRE([AC_PROG_CC])
HARDENING_CFLAGS=
HARDENING_LDFLAGS=
AS_IF([test -z "$siocast_user_cflags" && test -z "$SANITIZER_CFLAGS"], [
	SIOCAST_TRY_CFLAGS([HARDENING_CFLAGS], [-fstack-protector-strong -fstack-clash-protection -D_FORTIFY_SOURCE=2])
	SIOCAST_TRY_CFLAGS([HARDENING_LDFLAGS], [-Wl,-z,relro -Wl,-z,now])
])
AC_SUBST([HARDENING_CFLAGS])
AC_SUBST([HARDENING_LDFLAGS])
])
