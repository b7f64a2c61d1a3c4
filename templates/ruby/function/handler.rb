class Handler
  def run(req)
    return "Hello! You said: #{req}"
  end
end
