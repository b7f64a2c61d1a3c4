# SPDX-License-Identifier: BSD-2-Clause
#
# Calls the handler once, with the request's body: text if it is UTF-8.  What it
# prints and returns is the answer; an exception is in the log, and the answer
# 500.

$stdin.binmode
$stdout.binmode

Dir.chdir("function") { require "bundler/setup" } if Dir.exist?("function/vendor")
require_relative "function/handler"

body = $stdin.read.force_encoding(Encoding::UTF_8)
body.force_encoding(Encoding::BINARY) unless body.valid_encoding?

result = Handler.new.run(body)

# as puts does it, a line
$stdout.puts(result) unless result.nil?
$stdout.flush
