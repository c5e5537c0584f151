internal import FoundationEssentials

/// The outcome of a run, printed as one JSON object.
struct Result: Codable {
    var connections: Int
    var channels: Int
    var publishers: Int
    var payloadBytes: Int
    var connecting: Connecting
    var window: Window?
    var checks: Tally

    /// Accept, handshake and subscribe.
    struct Connecting: Codable {
        var seconds: Double
        var serverMicrosecondsPerConnect: Double
        var generatorSeconds: Double
        var proportionalBytesBefore: Int
        var proportionalBytesAfter: Int
        var proportionalBytesPerConnection: Double
    }

    /// The measured time.
    struct Window: Codable {
        /// From the first publication to the last delivery.
        var seconds: Double
        /// The time the costs below were gathered over; longer than the above when something was lost.
        var elapsedSeconds: Double
        /// Acknowledged with success.
        var publications: Int
        var refused: Int
        var deliveries: Int
        /// Acknowledged publications times the members of their channels.
        var expectedDeliveries: Int
        var deliveriesPerSecond: Double
        var serverSeconds: Double
        var serverMicrosecondsPerDelivery: Double
        /// Of the elapsed time, how much the server's busiest thread was on a core.
        var serverBusiestThreadShare: Double
        var auxiliarySeconds: Double
        /// Of all the generator's processes; near the cores it may use, the generator was the bottleneck.
        var generatorSeconds: Double
        var generatorBusiestThreadShare: Double
        /// Of all processes on the machine; what exceeds the above is others' work, and noise.
        var machineSeconds: Double
        var latencyMicroseconds: Latencies.Summary
        var acknowledgeMicroseconds: Latencies.Summary
        var latenessMicroseconds: Latencies.Summary
    }

    func encoded() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
}
