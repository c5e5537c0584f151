internal import ArgumentParser

/// How publications reach the subscribers.
enum Transport: String, ExpressibleByArgument, CaseIterable {
    case webSocket = "websocket"
    case eventStream = "event-stream"
}

/// How publications reach the server.
enum PublishRoute: String, ExpressibleByArgument, CaseIterable {
    /// `POST`, keep-alive.
    case http
    /// `FCALL perseid_publish`: kept in history.
    case redisFunction = "redis-function"
    /// Plain `PUBLISH`: fire and forget.
    case redisPublish = "redis-publish"
}

/// Everything one run does, as asked for on the command line.
struct Plan {
    var subscribeEndpoints: [Endpoint]
    var subscribePath: String
    /// What connections show, one each in turn.
    var tokens: [String]
    var preludePath: String?
    var transport: Transport
    var connectionCount: Int
    var channelCount: Int
    var channelPrefix: String
    var workerCount: Int
    var sourceAddressCount: Int
    var connectsInFlight: Int
    var awaitsSubscribed: Bool
    var settleSeconds: Double

    var publishEndpoints: [Endpoint]
    var publishPath: String
    var publishRoute: PublishRoute
    var publisherCount: Int
    /// Publications a second over all publishers; nil publishes as fast as they are acknowledged.
    var ratePerSecond: Double?
    var payloadByteCount: Int
    var warmUpSeconds: Double
    var measuredSeconds: Double
    var drainSeconds: Double
    /// Every n-th publication of a subscriber has its latency recorded.
    var latencySampling: Int

    var serverProcesses: [Int32]
    var auxiliaryProcesses: [Int32]

    var traffic: Traffic { Traffic(channelCount: channelCount, publisherCount: publisherCount) }

    /// Members of a channel: connections are dealt to the channels in turn.
    func memberCount(ofChannel channel: Int) -> Int {
        connectionCount / channelCount + (channel < connectionCount % channelCount ? 1 : 0)
    }

    /// Members of one channel alternate between the endpoints, so that every node has some of each.
    func endpoint(ofConnection connection: Int) -> Endpoint {
        subscribeEndpoints[connection / channelCount % subscribeEndpoints.count]
    }

    /// One source address has about 28,000 ephemeral ports per destination, so connections use several.
    func sourceAddress(ofConnection connection: Int) -> String {
        "127.0.0.\(2 + connection % sourceAddressCount)"
    }

    func channelName(_ channel: Int) -> String { "\(channelPrefix)-\(channel)" }

    /// Fills in the channel of a path.
    func path(_ template: String, channel: Int) -> String {
        guard let marker = template.range(ofText: "%c") else { return template }
        return template[..<marker.lowerBound] + channelName(channel) + template[marker.upperBound...]
    }
}

extension String {
    /// The first place where a text occurs.
    fileprivate func range(ofText text: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
            start = index(after: start)
        }
        return nil
    }
}
