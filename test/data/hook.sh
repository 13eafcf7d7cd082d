#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# A hook for tests: hook.sh FILE NAME writes what it was given to FILE, as lines "NAME key value".
file=$1 name=$2
state=$(cat)
{
	echo "$name state $(printf %s "$state" | tr -d '\n')"
	echo "$name cwd $(pwd)"
	echo "$name mnt $(readlink /proc/self/ns/mnt)"
	echo "$name net $(readlink /proc/self/ns/net)"
	echo "$name env $(tr '\0' ' ' </proc/self/environ)"
	echo "$name end"
} >>"$file"
