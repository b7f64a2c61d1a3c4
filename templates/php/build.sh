#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Installs what function/composer.json requires, unless its vendor/ is there
# already, and checks the syntax of the handler.

set -eu

find function/src -name '*.php' -exec php -l {} + > lint.out 2>&1 || {
    cat lint.out
    exit 1
}
rm lint.out

if [ -f function/composer.json ] && [ ! -f function/vendor/autoload.php ]; then
    command -v composer > /dev/null || {
        echo 'function/composer.json needs the program composer'
        exit 1
    }

    composer install --no-dev --no-interaction --working-dir=function
fi
