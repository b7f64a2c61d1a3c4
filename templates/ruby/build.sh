#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Installs what function/Gemfile asks for into function/vendor, unless it is
# there already, and checks the syntax of the handler.

set -eu

ruby -c function/handler.rb > /dev/null

if [ -f function/Gemfile ] && grep -q '^ *gem ' function/Gemfile; then
    command -v bundle > /dev/null || {
        echo 'function/Gemfile needs the program bundle (Debian: ruby-bundler)'
        exit 1
    }

    cd function
    bundle config set --local path vendor
    bundle check > /dev/null 2>&1 || bundle install --quiet
fi
