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

dnl SIOCAST_LWS_LIBUV: libwebsockets must have been built with libuv support. Debian keeps that support in a plug-in,
dnl which is loaded at run time from the library's folder; nothing but looking there tells whether it is installed.
AC_DEFUN([SIOCAST_LWS_LIBUV], [
AC_MSG_CHECKING([whether libwebsockets has libuv support])
siocast_saved_cppflags=$CPPFLAGS
CPPFLAGS="$CPPFLAGS $LWS_CFLAGS"
AC_PREPROC_IFELSE([AC_LANG_SOURCE([[
#include <lws_config.h>
#ifndef LWS_WITH_LIBUV
#error no libuv
#endif
]])], [AC_MSG_RESULT([yes])], [
	AC_MSG_RESULT([no])
	AC_MSG_ERROR([libwebsockets is built without libuv support (LWS_WITH_LIBUV in lws_config.h). Debian's packages have it: libwebsockets-dev and, at run time, libwebsockets-evlib-uv])
])
AC_MSG_CHECKING([for the libuv plug-in of libwebsockets])
AC_PREPROC_IFELSE([AC_LANG_SOURCE([[
#include <lws_config.h>
#ifndef LWS_WITH_EVLIB_PLUGINS
#error built in
#endif
]])], [
	siocast_lws_libdir=`$PKG_CONFIG --variable=libdir libwebsockets`
	AS_IF([test -f "$siocast_lws_libdir/libwebsockets-evlib_uv.so"], [siocast_lws_plugin=found],
		[siocast_lws_plugin="not found"])
], [siocast_lws_plugin="built in"])
AC_MSG_RESULT([$siocast_lws_plugin])
CPPFLAGS=$siocast_saved_cppflags
AS_IF([test "$siocast_lws_plugin" = "not found"], [
	AC_MSG_ERROR([$siocast_lws_libdir/libwebsockets-evlib_uv.so is missing: libwebsockets cannot run on libuv without it (Debian package libwebsockets-evlib-uv)])
])
])
