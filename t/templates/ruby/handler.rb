# SPDX-License-Identifier: BSD-2-Clause
#
# What t/950-templates.t asks of each template.

class Handler
  def run(req)
    case ENV["Http_Path"]
    when "/fail"
      raise "deliberate"
    when "/request"
      req = ENV.values_at("Http_Method", "Http_Path", "Http_Query",
        "Http_X_Test").join(" ")
    end

    $stdout.write(req)
    nil
  end
end
