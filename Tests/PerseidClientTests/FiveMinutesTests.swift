import Edge
import Foundation
import PerseidClient
import Testing

import struct Broker.Limits

/// The article's snippets, as code that is compiled and run: each stands here word for word, which a test sees to.
@Suite struct FiveMinutesTests {
    private struct Enough: Error {}

    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    @Test("every snippet of the article and of the reference is code that runs here")
    func snippets() throws {
        let own = try lines(of: "Tests/PerseidClientTests/FiveMinutesTests.swift")
        var count = 0
        for file in ["Sources/PerseidClient/PerseidClient.docc/FiveMinutes.md", "deploy/reference/clients.md"] {
            var snippet: [String]?
            for line in try lines(of: file) {
                if line == "```swift" {
                    snippet = []
                } else if line == "```", let lines = snippet {
                    count += 1
                    #expect(Self.contains(own, lines), "\(file): \(lines.joined(separator: "\n"))")
                    snippet = nil
                } else {
                    snippet?.append(line)
                }
            }
        }
        #expect(count >= 6)
    }

    /// The lines of a file without what they are indented by.
    private func lines(of file: String) throws -> [String] {
        let text = try String(contentsOf: Self.root.appending(path: file), encoding: .utf8)
        return text.split(separator: "\n", omittingEmptySubsequences: false).map {
            $0.trimmingCharacters(in: .whitespaces)
        }
    }

    private static func contains(_ all: [String], _ some: [String]) -> Bool {
        all.indices.contains { all[$0...].starts(with: some) }
    }

    @Test("read and publish")
    func first() async throws {
        try await withNode { node in
            let address = node.url
            var told = ""
            func print(_ channel: String, _ text: String) throws {
                told = "\(channel) \(text)"
                throw Enough()
            }
            await #expect(throws: Enough.self) {
                let client = try PerseidClient(address)
                let room = client.subscribe("room/1")
                for try await event in room.events { if case .opened = event { break } }
                try await client.publish("room/1", "hello")
                for try await message in room { try print(message.channel, message.text ?? "") }
            }
            #expect(told == "room/1 hello")
        }
    }

    /// Never called: it is here to be compiled.
    private func readAndPublish(_ address: String) async throws {
        let client = try PerseidClient(address)
        let room = client.subscribe("room/1")
        try await client.publish("room/1", "hello")
        for try await message in room {
            print(message.channel, message.text ?? "")
        }
    }

    @Test("a price goes there and back")
    func codable() async throws {
        try await withNode { node in
            let client = try PerseidClient(node.url)
            struct Price: Codable, Equatable { var name: String, euros: Double }

            func publish(_ price: Price) async throws -> Position {
                try await client.publish("prices", .json(Array(JSONEncoder().encode(price))))
            }

            func price(_ message: Message) throws -> Price {
                try JSONDecoder().decode(Price.self, from: Data(message.bytes))
            }
            let coffee = Price(name: "coffee\n", euros: 2.8)
            let position = try await publish(coffee)
            let message = try #require(try await client.history("prices").messages.first)
            #expect(try price(message) == coffee)
            #expect(message.position == position)
        }
    }

    @Test("a gap is told")
    func gaps() async throws {
        try await withNode({ $0.limits.historyCountMax = 3 }) { node in
            let client = try PerseidClient(node.url)
            var shown: [String] = []
            var reloads = 0
            func show(_ message: Message) throws {
                shown.append(message.text ?? "")
                if shown.count == 3 { throw Enough() }
            }
            func reload() async { reloads += 1 }
            let first = try await client.publish("room/1", "0")
            for number in 1..<9 { try await client.publish("room/1", .text("\(number)")) }
            await #expect(throws: Enough.self) {
                for try await event in client.subscribe("room/1", since: first).events {
                    switch event {
                    case .message(let message): try show(message)
                    case .gap: await reload()
                    case .opened, .connection: break
                    }
                }
            }
            #expect(shown == ["6", "7", "8"] && reloads == 1)
            var gaps: [Gap?] = []
            for try await message in client.subscribe("room/1", since: first) {
                gaps.append(message.gap)
                if gaps.count == 3 { break }
            }
            let gap = try #require(gaps[0])
            #expect(gap.channel == "room/1" && gap.from == first && gap.to > first, "the message behind it tells of it")
            #expect(gaps[1] == nil && gaps[2] == nil)
        }
    }

    /// Never called: it is here to be compiled.
    private func events(_ client: PerseidClient, show: (Message) -> Void, reload: () async -> Void) async throws {
        for try await event in client.subscribe("room/1").events {
            switch event {
            case .message(let message): show(message)
            case .gap: await reload()
            case .opened, .connection: break
            }
        }
    }

    @Test("a program goes on where it was")
    func cursor() async throws {
        try await withNode { node in
            var saved = ""
            var shown: [String] = []
            func load() -> String { saved }
            func save(_ cursor: String) { saved = cursor }
            func show(_ message: Message) { shown.append(message.text ?? "") }
            for round in 0..<3 {
                let client = try PerseidClient(node.url)
                let task = Task { try await client.publish("room/1", .text("\(round)")) }
                _ = try await task.value
                if round == 0 {
                    let first = client.subscribe(["room/1", "prices"])
                    var count = 0
                    for try await event in first.events {
                        if case .opened = event { count += 1 }
                        if count == 2 { break }
                    }
                    saved = first.cursor
                    continue
                }
                let subscription = client.subscribe(["room/1", "prices"], cursor: load())
                for try await message in subscription {
                    show(message)
                    save(subscription.cursor)
                    break
                }
            }
            #expect(shown == ["1", "2"])
        }
    }

    /// Never called: it is here to be compiled.
    private func goOn(
        _ client: PerseidClient,
        load: () -> String,
        save: (String) -> Void,
        show: (Message) -> Void
    ) async throws {
        let subscription = client.subscribe(["room/1", "prices"], cursor: load())
        for try await message in subscription {
            show(message)
            save(subscription.cursor)
        }
    }

    @Test("a token is fetched")
    func token() async throws {
        try await withNode { node in
            let address = node.url
            let fetchToken: @Sendable () async throws -> String = { "a-key" }
            var options = ClientOptions()
            options.token = .provider { try await fetchToken() }
            options.transports = [.webSocket, .eventStream]
            let client = try PerseidClient(address, options: options)
            client.close()
        }
    }
}
