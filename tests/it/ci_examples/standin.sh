#!/bin/sh
# Plays the program that it is linked as, by the script of that name in $STANDINS. One file that is never
# written, as a program that another thread's child still holds open for writing cannot be run.
# shellcheck source=/dev/null
. "$STANDINS/${0##*/}"
