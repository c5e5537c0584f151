import Broker
import Edge
import Foundation
import PerseidClient
import Reactor
import Synchronization
import Testing
import Trust

/// Who the client is: tokens that end, are refused, or cannot be had.
@Suite struct TokenTests {
    private static let secret = Array("a secret of the tests with more than 32 bytes".utf8)

    /// A token of alice, who may read and publish `room/*`.
    private static func token(endsIn seconds: Double) async throws -> String {
        let maker = try #require(try await TokenKey.hmac(secret, name: nil).first.flatMap { TokenMaker($0) })
        let claims: [String: Any] = ["sub": "alice", "exp": Int(Date.now.timeIntervalSince1970 + seconds)]
        return try maker.token(claims: Array(try JSONSerialization.data(withJSONObject: claims)))
    }

    /// A node where users may do everything in `room/*`.
    private func withRules(_ body: (RunningNode) async throws -> Void) async throws {
        let keys = try await TokenKey.hmac(Self.secret, name: nil)
        try await withNode {
            $0.tokens.keys = keys
            $0.tokens.leewayMilliseconds = 0
            let users = Dictionary(uniqueKeysWithValues: AccessAction.allCases.map { ($0, Permission.users) })
            $0.rules = AccessRules([AccessRules.Rule(channels: AccessPattern("room/*")!, permissions: users)])
        } _: {
            try await body($0)
        }
    }

    /// Gives tokens out and counts them.
    private final class Login: Sendable {
        private let count = Lock(0)
        private let make: @Sendable (Int) async throws -> String

        init(_ make: @Sendable @escaping (Int) async throws -> String) { self.make = make }

        var asked: Int { count.withLock { $0 } }

        var source: TokenSource {
            .provider { [self] in
                let number = count.withLock { count in
                    count += 1
                    return count
                }
                return try await make(number)
            }
        }
    }

    @Test("a token is replaced before it ends, and nothing is missed", arguments: Transport.allCases)
    func renewed(_ transport: Transport) async throws {
        try await withRules { node in
            let login = Login { _ in try await Self.token(endsIn: 6) }
            let client = try PerseidClient(node.url, options: options(transport) { $0.token = login.source })
            let room = Listener(client.subscribe("room/1"))
            try await room.opened()
            let began = ContinuousClock.now
            for number in 0..<50 {
                try await client.publish("room/1", .text("\(number)"))
                try await Task.sleep(for: .milliseconds(150))
            }
            #expect(try await room.texts(50) == (0..<50).map { "\($0)" })
            // Each lasts six seconds, and is replaced a while before.
            #expect((2...8 + Int((ContinuousClock.now - began) / .seconds(6))).contains(login.asked))
            if transport == .webSocket, !room.states.contains(where: { if case .waiting = $0 { true } else { false } })
            {
                #expect(room.states.count { if case .open = $0 { true } else { false } } == 1)
            }
            // Where the machine stood still for the last tenth of a token's life, it ended; nothing else may.
            for case .waiting(let error, _, _) in room.states {
                #expect([401, 4_010].contains(error.code), "\(error)")
            }
            client.close()
        }
    }

    @Test("one that is refused is followed by another, and then it is over", arguments: Transport.allCases)
    func refused(_ transport: Transport) async throws {
        try await withRules { node in
            let better = Login { $0 == 1 ? "no.such.token" : try await Self.token(endsIn: 60) }
            let client = try PerseidClient(node.url, options: options(transport) { $0.token = better.source })
            let room = Listener(client.subscribe("room/1"))
            try await room.opened()
            #expect(better.asked == 2)
            client.close()

            let worse = Login { _ in "no.such.token" }
            let stranger = try PerseidClient(node.url, options: options(transport) { $0.token = worse.source })
            let error = await #expect(throws: PerseidError.self) {
                try await Listener(stranger.subscribe("room/1")).next()
            }
            #expect([401, 4_011].contains(error?.code) && worse.asked == 2)
            let publishing = await #expect(throws: PerseidError.self) { try await stranger.publish("room/1", "x") }
            #expect(publishing?.code == 401)
            stranger.close()
        }
    }

    @Test("a channel that is not allowed ends its subscription and no other's", arguments: Transport.allCases)
    func denied(_ transport: Transport) async throws {
        try await withRules { node in
            let login = Login { _ in try await Self.token(endsIn: 60) }
            let client = try PerseidClient(node.url, options: options(transport) { $0.token = login.source })
            let room = Listener(client.subscribe("room/1"))
            try await room.opened()
            let error = await #expect(throws: PerseidError.self) {
                try await Listener(client.subscribe("secret")).next()
            }
            #expect(error?.code == 403 && error?.channel == "secret")
            let publishing = await #expect(throws: PerseidError.self) { try await client.publish("secret", "x") }
            #expect(publishing?.code == 403)
            try await client.publish("room/1", "still here")
            #expect(try await room.texts(1) == ["still here"])
            client.close()
        }
    }

    @Test("a login that fails is asked again; what it gives must be a token")
    func login() async throws {
        struct Away: Error {}
        try await withRules { node in
            let login = Login { number in
                guard number > 2 else { throw Away() }
                return try await Self.token(endsIn: 60)
            }
            let client = try PerseidClient(node.url, options: options(.webSocket) { $0.token = login.source })
            let room = Listener(client.subscribe("room/1"))
            try await room.opened()
            #expect(login.asked == 3)
            client.close()
        }
        let odd = try PerseidClient(
            "http://127.0.0.1:1",
            options: options(.webSocket) { $0.token = .fixed("a\r\nb: c") }
        )
        let error = await #expect(throws: PerseidError.self) { try await odd.history("a") }
        #expect(error?.field == "token")
        let reading = await #expect(throws: PerseidError.self) { try await Listener(odd.subscribe("a")).next() }
        #expect(reading?.field == "token")
    }
}
