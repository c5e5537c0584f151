import Foundation
import PerseidClient
import Reactor
import Synchronization
import Testing

/// Publishes to channels and reads them by every transport, wherever the nodes are that are there, and knows what must have come.
final class MovingLoad: Sendable {
    /// What one reader was told.
    private final class Reader: Sendable {
        private struct State {
            var texts: [String: [String]] = [:]
            var gaps: [String] = []
            var opened = 0
        }

        let client: PerseidClient
        let name: String
        private let state = Lock(State())

        init(_ client: PerseidClient, _ name: String) { (self.client, self.name) = (client, name) }

        var opened: Int { state.withLock { $0.opened } }
        var gaps: [String] { state.withLock { $0.gaps } }

        func texts(of channel: String) -> [String] { state.withLock { $0.texts[channel] ?? [] } }

        func follow(_ subscription: Subscription) async throws {
            for try await event in subscription.events {
                state.withLock { state in
                    switch event {
                    case .message(let message): state.texts[message.channel, default: []].append(message.text ?? "?")
                    case .gap(let gap): state.gaps.append("\(gap)")
                    case .opened: state.opened += 1
                    case .connection: break
                    }
                }
            }
        }
    }

    private let channels: [String]
    private let readers: [Reader]
    private let reading: [Task<Void, any Error>]
    private let publisher: PerseidClient
    private let isStopped = Lock(false)
    private let counts = Lock<[String: Int]>([:])
    private let publishing = Lock<[Task<Void, any Error>]>([])

    /// Reads all of the channels, by each transport and by a pattern that stands for them.
    init(_ channels: [String], pattern: String, on ports: [UInt16]) async throws {
        let urls = ports.map { "http://127.0.0.1:\($0)" }
        self.channels = channels
        var readers: [(Reader, [String])] = []
        for transport in Transport.allCases {
            var options = ClientOptions()
            options.transports = [transport]
            readers.append((Reader(try PerseidClient(urls, options: options), "\(transport)"), channels))
        }
        readers.append((Reader(try PerseidClient(urls), "a pattern"), [pattern]))
        self.readers = readers.map(\.0)
        publisher = try PerseidClient(Array(urls.reversed()))
        reading = readers.map { reader, names in Task { try await reader.follow(reader.client.subscribe(names)) } }
        for (reader, names) in readers {
            try await eventually("\(reader.name) is open", isTrue: { reader.opened >= names.count })
        }
    }

    /// Publishes to each channel, one after the other and numbered. The client repeats with its key what was not answered.
    func start() {
        publishing.withLock { tasks in
            tasks = channels.map { channel in
                Task { [self] in
                    while !isStopped.withLock({ $0 }) {
                        let number = counts.withLock { $0[channel, default: 0] }
                        try await publisher.publish(channel, .text("\(number)"))
                        counts.withLock { $0[channel] = number + 1 }
                        try await Task.sleep(for: .milliseconds(10))
                    }
                }
            }
        }
    }

    /// Waits until so many more were published in each channel.
    func publish(more count: Int) async throws {
        let before = counts.withLock { $0 }
        try await eventually(
            "\(count) more are published in each channel",
            isTrue: {
                counts.withLock { now in channels.allSatisfy { now[$0, default: 0] >= before[$0, default: 0] + count } }
            }
        )
    }

    /// What was published in a channel.
    func expected(_ channel: String) -> [String] {
        (0..<counts.withLock { $0[channel, default: 0] }).map { "\($0)" }
    }

    /// Stops publishing, and checks that each reader got all of it once, in order, and nothing else.
    func finish() async throws {
        isStopped.withLock { $0 = true }
        for task in publishing.withLock({ $0 }) { try await task.value }
        for reader in readers {
            for channel in channels {
                let expected = expected(channel)
                try await eventually(
                    "\(reader.name) has all of \(channel)",
                    isTrue: { reader.texts(of: channel).count >= expected.count }
                )
                #expect(reader.texts(of: channel) == expected, "\(reader.name) of \(channel)")
            }
            #expect(reader.gaps == [], "\(reader.name)")
            reader.client.close()
        }
        for task in reading { try await task.value }
        publisher.close()
    }
}
