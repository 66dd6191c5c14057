dnl SPDX-License-Identifier: MIT
dnl Finding libraries. A missing one is noted and the search goes on, so that one run of configure names all of them,
dnl with the Debian packages that bring them.

dnl SIOCAST_LIBRARY(VARIABLE, PKG-CONFIG MODULE [>= VERSION], DEBIAN PACKAGE)
dnl Sets VARIABLE_CFLAGS, VARIABLE_LIBS and siocast_version_VARIABLE.
AC_DEFUN([SIOCAST_LIBRARY], [
PKG_CHECK_MODULES([$1], [$2], [
	siocast_version_$1=`$PKG_CONFIG --modversion m4_bpatsubst([$2], [ .*])`
], [siocast_missing="$siocast_missing $3"])
])

dnl SIOCAST_LIBRARIES_DONE: the end of the search.
AC_DEFUN([SIOCAST_LIBRARIES_DONE], [
AS_IF([test -n "$siocast_missing"], [
	AC_MSG_ERROR([libraries are missing or too old; on Debian: apt install$siocast_missing$siocast_missing_note])
])
])
