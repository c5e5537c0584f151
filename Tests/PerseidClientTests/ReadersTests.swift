import Broker
import Reactor
import Testing

@testable import PerseidClient

/// Who is told what: once, by position, however often it comes.
@Suite struct ReadersTests {
    private let orders = try! Inbox<ClientOrder>()

    private func mailbox(_ bytesMax: Int = 1_000_000) -> Mailbox {
        Mailbox(bytesMax: bytesMax, place: Place(), orders: orders)
    }

    private func message(_ channel: String, _ position: String?, _ text: String = "x") -> ServerMessage {
        .message(ChannelName(channel)!, position.flatMap { Broker.Position($0) }, .text(text))
    }

    /// What a mailbox has, in short.
    private func told(_ mailbox: Mailbox) async -> [String] {
        mailbox.finish()
        var told: [String] = []
        while case .success(let event?) = await mailbox.next() {
            switch event {
            case .message(let message): told.append("\(message.channel) \(message.position.map { "\($0)" } ?? "live")")
            case .gap(let gap): told.append("gap \(gap.from) \(gap.to)")
            case .opened(let opened): told.append("opened \(opened.channel)")
            case .connection: told.append("state")
            }
        }
        return told
    }

    @Test("what comes twice is told once, what is older than the beginning is not told, what is not kept always is")
    func once() async {
        var readers = Readers()
        let (new, old) = (mailbox(), mailbox())
        let a = ChannelName("a")!
        readers.add(1, [a], since: [:], new)
        readers.add(2, [a], since: [a: Broker.Position("2-0")!], old)
        readers.deliver(.subscribed(a, Broker.Position("5-0"), isRecovered: nil))
        for position in ["3-0", "4-0", "6-0", "6-0", "5-0", "7-0"] { readers.deliver(message("a", position)) }
        readers.deliver(message("a", nil))
        readers.deliver(.gap(a, from: Broker.Position("1-0")!, to: Broker.Position("7-0")!))
        readers.deliver(.gap(a, from: Broker.Position("1-0")!, to: Broker.Position("9-0")!))
        #expect(await told(new) == ["opened a", "a 6-0", "a 7-0", "a live", "gap 7-0 9-0"])
        #expect(await told(old) == ["opened a", "a 3-0", "a 4-0", "a 6-0", "a 7-0", "a live", "gap 7-0 9-0"])
    }

    @Test("a pattern's reader is told each of its channels from where the pattern began, the system's not")
    func patterns() async {
        var readers = Readers()
        let box = mailbox()
        let pattern = ChannelName("a/**")!
        readers.add(1, [pattern, ChannelName("a/b")!], since: [:], box)
        readers.deliver(.subscribed(pattern, Broker.Position("5-0"), isRecovered: nil))
        for (channel, position) in [("a/b", "6-0"), ("a/c/d", "6-0"), ("a/c/d", "4-0"), ("b", "9-0"), ("$a/b", "9-0")] {
            readers.deliver(message(channel, position))
        }
        #expect(await told(box) == ["opened a/**", "a/b 6-0", "a/c/d 6-0"])
        readers.remove(1)
        #expect(readers.channels.isEmpty)
    }

    @Test("a mailbox is full at its bytes, and has room again once half of them were taken")
    func full() async {
        var readers = Readers()
        let box = mailbox(10_000)
        readers.add(1, [ChannelName("a")!], since: [:], box)
        var count: UInt64 = 0
        while !readers.isFull {
            count += 1
            readers.deliver(message("a", "\(count)-0", String(repeating: "x", count: 1_000)))
        }
        #expect((7...10).contains(count))
        var taken = 0
        while readers.isFull {
            _ = await box.next()
            taken += 1
        }
        #expect(taken >= count / 2 && orders.count == 1)
        // States of the connection do not add up.
        while !readers.isFull { readers.deliver(message("a", "\(count)-1", "x")); count += 1 }
        for _ in 0..<1_000 { readers.tell(.connecting) }
        let left = await told(box)
        #expect(left.count { $0 == "state" } == 1)
    }

    @Test("a mailbox for nothing at all has room once what is there was taken")
    func narrow() async {
        let box = mailbox(0)
        #expect(!box.isFull)
        box.put(.connection(.connecting))
        #expect(box.isFull)
        _ = await box.next()
        #expect(!box.isFull && orders.count == 1)
    }

    @Test("who ends is told what was there, then the end; an error once")
    func ends() async {
        let box = mailbox()
        box.put(.connection(.connecting))
        box.finish(PerseidError(code: 403, message: "no"))
        box.finish()
        if case .success(.connection?) = await box.next() {} else { Issue.record("it was told nothing") }
        if case .failure(let error) = await box.next() { #expect(error.code == 403) } else { Issue.record("no error") }
        if case .success(nil) = await box.next() {} else { Issue.record("it goes on") }
    }
}
