#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Compiles the server and the handler: all that is below function/src/main/java.
# Libraries are the files function/lib/*.jar; what is below
# function/src/main/resources is found by the handler.

set -eu

rm -rf classes
mkdir classes

find src function/src/main/java -name '*.java' > sources
javac -nowarn -encoding UTF-8 -d classes -cp 'function/lib/*' @sources
rm sources

if [ -d function/src/main/resources ]; then
    cp -R function/src/main/resources/. classes/
fi
