dnl SPDX-License-Identifier: MIT
dnl llhttp has no library package in Debian: package node-llhttp brings its C sources, which go into libeionet.a.

dnl SIOCAST_LLHTTP([SHARE-DIRECTORY]): the library by pkg-config, else Debian's sources, else noted as missing.
dnl Substitutes LLHTTP_CFLAGS, LLHTTP_LIBS (the library), LLHTTP_SOURCE (folder of the sources) and LLHTTP_OBJECTS
dnl (object files to make of them); either the last two or LLHTTP_LIBS are empty.
AC_DEFUN([SIOCAST_LLHTTP], [
AC_REQUIRE([PKG_PROG_PKG_CONFIG])
AC_ARG_WITH([llhttp-source], [AS_HELP_STRING([--with-llhttp-source=DIR],
	[share directory with llhttp/*.c and include/llhttp/llhttp.h @<:@/usr/share@:>@])],
	[siocast_llhttp_share=$withval], [siocast_llhttp_share=m4_default([$1], [/usr/share])])
LLHTTP_SOURCE=
LLHTTP_OBJECTS=
PKG_CHECK_MODULES([LLHTTP], [libllhttp >= 6], [
	siocast_llhttp="library `$PKG_CONFIG --modversion libllhttp`"
], [
	AC_MSG_CHECKING([for the sources of llhttp in $siocast_llhttp_share])
	AS_IF([test -f "$siocast_llhttp_share/llhttp/llhttp.c" && test -f "$siocast_llhttp_share/include/llhttp/llhttp.h"], [
		LLHTTP_SOURCE=$siocast_llhttp_share/llhttp
		LLHTTP_CFLAGS="-I$siocast_llhttp_share/include/llhttp"
		LLHTTP_LIBS=
		for siocast_unit in api http llhttp; do
			LLHTTP_OBJECTS="$LLHTTP_OBJECTS eio/net/llhttp-$siocast_unit.$OBJEXT"
		done
		siocast_llhttp="sources in $LLHTTP_SOURCE"
		AC_MSG_RESULT([yes])
	], [
		AC_MSG_RESULT([no])
		siocast_missing="$siocast_missing node-llhttp"
	])
])
AC_SUBST([LLHTTP_SOURCE])
AC_SUBST([LLHTTP_OBJECTS])
])
