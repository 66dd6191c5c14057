dnl SPDX-License-Identifier: MIT
dnl llhttp is a library from Debian 13 on, package libllhttp-dev. Before, and in Ubuntu 24.04, package node-llhttp brings its C
dnl sources, which go into libeionet.a; so do those of a release of llhttp itself, unpacked somewhere.

dnl SIOCAST_LLHTTP([DIRECTORY]): the library by pkg-config, else the sources, else noted as missing.
dnl Substitutes LLHTTP_CFLAGS, LLHTTP_LIBS (the library), LLHTTP_SOURCE (folder of the sources) and LLHTTP_OBJECTS
dnl (object files to make of them); either the last two or LLHTTP_LIBS are empty.
AC_DEFUN([SIOCAST_LLHTTP], [
AC_REQUIRE([PKG_PROG_PKG_CONFIG])
AC_ARG_WITH([llhttp-source], [AS_HELP_STRING([--with-llhttp-source=DIR],
	[use llhttp's C sources: llhttp/*.c and include/llhttp/llhttp.h below DIR, as Debian 12 has them in /usr/share, or
	src/*.c and include/llhttp.h, as in a release of llhttp; by default the library, else /usr/share])],
	[siocast_llhttp_share=$withval], [siocast_llhttp_share=])
LLHTTP_SOURCE=
LLHTTP_OBJECTS=
AS_IF([test -n "$siocast_llhttp_share"], [siocast_have_llhttp=no], [
	PKG_CHECK_MODULES([LLHTTP], [libllhttp >= 6], [
		siocast_have_llhttp=yes
		siocast_llhttp="library `$PKG_CONFIG --modversion libllhttp`"
	], [
		siocast_have_llhttp=no
		siocast_llhttp_share=m4_default([$1], [/usr/share])
	])
])
AS_IF([test "$siocast_have_llhttp" = no], [
	AC_MSG_CHECKING([for the sources of llhttp in $siocast_llhttp_share])
	AS_IF([test -f "$siocast_llhttp_share/llhttp/llhttp.c"], [
		LLHTTP_SOURCE=$siocast_llhttp_share/llhttp
		siocast_llhttp_include=$siocast_llhttp_share/include/llhttp
	], [
		LLHTTP_SOURCE=$siocast_llhttp_share/src
		siocast_llhttp_include=$siocast_llhttp_share/include
	])
	AS_IF([test -f "$LLHTTP_SOURCE/llhttp.c" && test -f "$siocast_llhttp_include/llhttp.h"], [
		# Before version 9 it was lax unless told otherwise.
		LLHTTP_CFLAGS="-I$siocast_llhttp_include -DLLHTTP_STRICT_MODE=1"
		LLHTTP_LIBS=
		for siocast_unit in api http llhttp; do
			LLHTTP_OBJECTS="$LLHTTP_OBJECTS eio/net/llhttp-$siocast_unit.$OBJEXT"
		done
		siocast_llhttp="sources in $LLHTTP_SOURCE"
		AC_MSG_RESULT([yes])
	], [
		AC_MSG_RESULT([no])
		siocast_missing="$siocast_missing libllhttp-dev"
		siocast_missing_note=" (where there is no libllhttp-dev, as before Debian 13: node-llhttp; if that has no C sources, unpack a release of llhttp and use --with-llhttp-source)"
	])
])
AC_SUBST([LLHTTP_CFLAGS])
AC_SUBST([LLHTTP_LIBS])
AC_SUBST([LLHTTP_SOURCE])
AC_SUBST([LLHTTP_OBJECTS])
])
