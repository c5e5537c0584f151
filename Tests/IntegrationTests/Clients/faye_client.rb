# A client of Faye, as its users have it: it prints what it is told, a line each, and its client's id with it.
#
# ruby faye_client.rb URL TRANSPORT CHANNEL…
require "eventmachine"
require "faye"
require "json"

# Subscribers of Faye are given the data only; what stands beside it is for extensions.
class Beside
  def incoming(message, callback)
    puts JSON.generate(beside: message["channel"], ext: message["ext"]) if message["ext"] && message.key?("data")
    callback.call(message)
  end
end

$stdout.sync = true
url, transport, *channels = ARGV

EM.run do
  client = Faye::Client.new(url, retry: 1)
  client.add_extension(Beside.new)
  ["long-polling", "websocket", "eventsource", "callback-polling"].each { |name| client.disable(name) if name != transport && name != "long-polling" }
  client.on("transport:down") { puts JSON.generate(down: true) }
  left = channels.length
  channels.each do |channel|
    client.subscribe(channel) { |data| puts JSON.generate(channel: channel, data: data, client: client.instance_variable_get(:@dispatcher).client_id) }.callback do
      left -= 1
      if left.zero?
        client.publish("/hello", "from" => "faye").callback do
          puts JSON.generate(ready: true, client: client.instance_variable_get(:@dispatcher).client_id)
        end.errback { |error| puts JSON.generate(error: error.message) }
      end
    end.errback { |error| puts JSON.generate(error: error.message) }
  end
end
