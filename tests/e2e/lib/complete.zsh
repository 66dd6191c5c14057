# SPDX-License-Identifier: MIT
# For complete.mjs: a zsh that is used by hand, as far as it can tell. It completes each line of the file $ASKED and writes into the
# file $ANSWERS what it would offer, and "===" behind each.
#
# zsh -f complete.zsh opens a terminal, in which another one reads this file again and is asked.

if [[ ! -o interactive ]]; then
	zmodload zsh/zpty || exit 1
	# Its terminal ends with it.
	zpty inner "INNER=1 exec zsh -f -i"
	zpty -w inner "source ${(q)0}"
	while zpty -r inner said; do :; done
	exit 0
fi

PROMPT=
# Of the two thousand functions for other programs none is needed; to look at them takes long.
for name in _files _path_files _list_files; do autoload -Uz ${^fpath}/$name(N); done
fpath=($FUNCTIONS ${(M)fpath:#*/Completion(|/Base)})
autoload -Uz compinit
compinit -u -D

# What is offered, and not what only goes into an array (-O, -A, -D before a "-" or "--").
compadd() {
	local -a offered
	if [[ "${(j: :)@[1,(i)(-|--)]} " != *-(O|A|D)' '* ]]; then
		builtin compadd -A offered "$@"
		(( $#offered )) && print -rl -- $offered >>$ANSWERS
	fi
	builtin compadd "$@"
}

offer() {
	_main_complete "$@"
	compstate[list]= compstate[insert]=
}
zle -C offer list-choices offer

ask() {
	local line
	for line in "${(@f)$(<$ASKED)}"; do
		BUFFER=$line
		CURSOR=$#line
		zle offer
		print -r -- '===' >>$ANSWERS
	done
	BUFFER=exit
	zle accept-line
}
zle -N zle-line-init ask
