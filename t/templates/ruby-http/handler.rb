# SPDX-License-Identifier: BSD-2-Clause
#
# What t/950-templates.t asks of each template.

class Handler
  def run(body, headers)
    case headers["PATH_INFO"]
    when "/fail"
      raise "deliberate"
    when "/json"
      { a: [1, 2] }
    when "/request"
      text = headers.values_at("REQUEST_METHOD", "PATH_INFO", "QUERY_STRING",
        "HTTP_X_TEST").join(" ")

      return text, { "X-Answer": "yes", "Set-Cookie": %w[a=1 b=2] }, 201
    else
      body
    end
  end
end
