# SPDX-License-Identifier: BSD-2-Clause
#
# The HTTP server that calls the handler, a thread for each connection.  It
# serves on the socket that it is given as descriptor 3 (LISTEN_FDS), else on
# 127.0.0.1 and port http_port (5000).  The watchdog sends bodies whole, with
# their length (buffer_http).  An exception is in the log, and the answer 500.
#
# The handler's headers are Rack's environment: HTTP_X_NAME, CONTENT_TYPE,
# REQUEST_METHOD, PATH_INFO, QUERY_STRING.

require "socket"
require "json"

Dir.chdir("function") { require "bundler/setup" } if Dir.exist?("function/vendor")
require_relative "function/handler"

HEAD_MAX = 65_536 # bytes
NO_BODY = [204, 304].freeze
OURS = %w[content-length connection transfer-encoding].freeze
REASONS = Hash.new("Status").merge(200 => "OK", 500 => "Internal Server Error")
FAILED = "the function has failed, its log says how\n".freeze

# Reads a request's head and body; nil at the end of the connection.
def receive(io)
  line = io.gets("\r\n", HEAD_MAX) or return
  method, target, version = line.chomp.split(" ", 3)
  path, query = target.to_s.split("?", 2)
  env = {
    "REQUEST_METHOD" => method, "SERVER_PROTOCOL" => version,
    "REQUEST_URI" => target, "QUERY_STRING" => query.to_s,
    "PATH_INFO" => path.to_s.gsub(/%(\h\h)/) { $1.hex.chr }
      .force_encoding(Encoding::UTF_8)
  }

  while (line = io.gets("\r\n", HEAD_MAX)) && line != "\r\n"
    name, value = line.chomp.split(/:\s*/, 2)
    name = name.upcase.tr("-", "_")
    name = "HTTP_#{name}" unless %w[CONTENT_TYPE CONTENT_LENGTH].include?(name)
    env[name] = env.key?(name) ? "#{env[name]}, #{value}" : value
  end

  return unless line && !env.key?("HTTP_TRANSFER_ENCODING")

  length = Integer(env.fetch("CONTENT_LENGTH", "0"), 10)
  body = length > 0 ? io.read(length) : +""
  return if body.nil? || body.bytesize < length

  body.force_encoding(Encoding::UTF_8)
  body.force_encoding(Encoding::BINARY) unless body.valid_encoding?

  [env, body]
end

# Status, headers and body of what the handler returns.
def call(env, body)
  result, headers, status = Handler.new.run(body, env)
  type = "text/html; charset=utf-8" # as Sinatra has it

  if result.is_a?(Hash) || result.is_a?(Array)
    result = JSON.generate(result)
    type = "application/json"
  end

  headers = (headers || {}).to_h { |name, value| [name.to_s, value] }
  headers.reject! { |name, _| OURS.include?(name.downcase) }
  headers["Content-Type"] = type unless headers.keys.any? do |name|
    name.casecmp?("content-type")
  end

  headers.each do |name, value|
    next unless "#{name}#{value}" =~ /[\r\n]/
    raise ArgumentError, "a line break in the header #{name.inspect}"
  end

  [Integer(status || 200), headers, result.to_s.b]
end

def answer(io, env, status, headers, body)
  head = +"HTTP/1.1 #{status} #{REASONS[status]}\r\n"
  headers.each { |name, value| Array(value).each { |v| head << "#{name}: #{v}\r\n" } }

  if NO_BODY.include?(status)
    body = ""
  else
    head << "Content-Length: #{body.bytesize}\r\n"
  end

  body = "" if env["REQUEST_METHOD"] == "HEAD"
  io.write(head.b << "\r\n" << body)
end

def serve(io)
  while (env, body = receive(io))
    begin
      result = call(env, body)
    rescue StandardError, ScriptError => e
      warn e.full_message(highlight: false)
      result = [500, { "Content-Type" => "text/plain" }, FAILED]
    end

    answer(io, env, *result)
    break if env["HTTP_CONNECTION"].to_s.casecmp?("close")
  end
rescue SystemCallError, IOError, ArgumentError
  # the client has left, or is none
ensure
  io.close
end

def listener
  if ENV["LISTEN_FDS"] == "1"
    server = Socket.for_fd(3)
    server.autoclose = false
    server
  else
    port = Integer(ENV.fetch("http_port", "5000"))
    Addrinfo.tcp("127.0.0.1", port).listen(512)
  end
end

$stdout.sync = true # what it prints: a log

# the watchdog sends SIGTERM when nothing is in flight any more
trap("TERM") { exit!(0) }

server = listener

loop do
  client, = server.accept
  client.binmode
  Thread.new(client) { |io| serve(io) }
end
