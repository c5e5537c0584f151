import Broker
import Edge
import Foundation
import TestRandomness
import Testing
import Wire

/// Runs a test against a node whose rules let channels be compressed, each as the first rule that is for it says.
func withCompressingNode(
    _ rules: [(String, Compression)] = [("**", .shared)],
    _ change: (inout EdgeConfiguration) -> Void = { _ in },
    _ body: (TestNode) throws -> Void
) throws {
    let rules = try CompressingNode.rules(rules)
    try withNode { configuration in
        configuration.rules = rules
        change(&configuration)
    } _: { node in
        try body(node)
    }
}

enum CompressingNode {
    static func rules(_ rows: [(String, Compression)]) throws -> AccessRules {
        let everything = Dictionary(uniqueKeysWithValues: AccessAction.allCases.map { ($0, Permission.anyone) })
        return AccessRules(
            try rows.map {
                AccessRules.Rule(
                    channels: try #require(AccessPattern($0.0)),
                    permissions: everything,
                    compression: $0.1
                )
            }
        )
    }

    /// Price ticks of some 110 bytes, which with what is around them are some 170: each has numbers that nobody can foresee.
    static func ticks(_ count: Int, seed: UInt64 = 1) -> [[UInt8]] {
        var random = SeededGenerator(seed: seed)
        return (0..<count).map { number in
            let symbol = ["EURUSD", "GBPUSD", "USDJPY", "AAPL", "MSFT"].randomElement(using: &random) ?? ""
            let (bid, spread) = (
                Int.random(in: 10_000...90_000, using: &random), Int.random(in: 1...99, using: &random)
            )
            let time = 1_795_813_448_614 + number * 100
            return Array(
                """
                {"number":\(number),"symbol":"\(symbol)","bid":\(bid).25,"ask":\(bid + spread).75,"size":\(spread * 100),\
                "time":\(time),"venue":"XNAS"}
                """.utf8
            )
        }
    }

    /// The number of a tick.
    static func number(_ message: Message) -> Int? { (message["data"] as? [String: Any])?["number"] as? Int }

    /// What browsers and other libraries offer.
    static let offer = [("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits")]
    static func fields(_ coding: ContentCoding) -> [(String, String)] {
        switch coding {
        case .gzip: [("Accept-Encoding", "gzip, deflate, br")]
        case .deflate: [("Accept-Encoding", "br, deflate;q=0.9, gzip;q=0.5")]
        }
    }
}
