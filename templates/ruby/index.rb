# SPDX-License-Identifier: BSD-2-Clause
#
# Calls the handler once, with the request's body: text if it is UTF-8.  What it
# prints and returns is the answer; an exception is in the log, and the answer
# 500.

$stdin.binmode
$stdout.binmode

# rubygems takes two thirds of the time until a function runs, and few need it
if Dir.exist?("function/vendor")
  require "rubygems"
  Dir.chdir("function") { require "bundler/setup" }
end

begin
  require_relative "function/handler"
rescue LoadError
  raise if defined?(Gem)

  require "rubygems"
  require_relative "function/handler"
end

body = $stdin.read.force_encoding(Encoding::UTF_8)
body.force_encoding(Encoding::BINARY) unless body.valid_encoding?

result = Handler.new.run(body)

# as puts does it, a line
$stdout.puts(result) unless result.nil?
$stdout.flush
