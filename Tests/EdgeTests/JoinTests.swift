import Backplane
import Broker
import Hub
import Testing
import Wire

@testable import Edge
@testable import Reactor

/// Clients that come back, with a test in the uplink's place: what it reports, and when, is the test's choice.
@Suite("Clients that come back")
struct JoinTests {
    private let name = ChannelName("a")!
    private let uplink: Inbox<UplinkCommand>
    private let edge: EdgeReactor

    init() throws {
        var configuration = EdgeConfiguration()
        configuration.port = 0
        let status = NodeStatus(uplink: UplinkMetrics(), reactors: [EdgeMetrics()])
        uplink = try Inbox()
        edge = try EdgeReactor(
            configuration: configuration,
            number: 0,
            inbox: Inbox(),
            uplink: uplink,
            tokens: Inbox(),
            hooks: Inbox(),
            node: status,
            metrics: status.reactors[0]
        )
    }

    private func at(_ milliseconds: UInt64) -> Position { Position(milliseconds: milliseconds, sequence: 0) }

    private func publication(_ position: UInt64) -> Publication {
        let payload = Payload(kind: .text, bytes: Array("\(position)".utf8))
        return Publication(position: at(position), previous: at(position - 1), payload: payload)
    }

    /// Reports publications up to a head, as an answer to those who come back.
    private func answer(since: UInt64, _ publications: [UInt64], head: UInt64) {
        let page = HistoryPage(since: at(since), publications: publications.map(publication), head: at(head))
        edge.receive(.recovered(name, page))
        _ = edge.endOfTurn()
    }

    /// A WebSocket that asks for the channel from a position.
    private func join(
        since: UInt64?,
        _ session: SessionLink? = nil,
        in name: ChannelName = ChannelName("a")!
    ) throws -> WebSocketClient {
        let client = try TestClient(port: edge.listener.port)
        let before = edge.connections.count
        while edge.connections.count == before { edge.accept() }
        let slot = Slot(number: UInt32(before))
        edge.connections[live: slot].pointee.client.encoding = Encoding(.webSocket, .perseid, isChunked: false)
        edge.connections[live: slot].pointee.client.session = session
        edge.hub.join(slot.client, [(name, since.map { at($0) })])
        return WebSocketClient(openedOn: client)
    }

    /// The positions that were asked about since the last time.
    private func questions() -> [Position] {
        commands().compactMap { if case .recover(_, let since, _, _) = $0 { since } else { nil } }
    }

    private func commands() -> [UplinkCommand] {
        var batch: [UplinkCommand] = []
        uplink.take(into: &batch)
        return batch
    }

    private func expect(_ client: WebSocketClient, subscribedAt position: UInt64, recovered: Bool) throws {
        let message = try client.next()
        #expect(message.type == "subscribed" && message.position == "\(at(position))")
        #expect(message.isRecovered == recovered)
    }

    @Test("where reports were dropped, who has more than was reported here waits for them and gets none of it again")
    func aheadOfDroppedReports() throws {
        _ = try join(since: nil)
        edge.receive(.opened(name, head: at(1)))
        let client = try join(since: 3)
        #expect(questions() == [at(3)])
        // 2 and 3 were reported while the inbox was full; that is told later than this.
        answer(since: 3, [], head: 3)
        #expect(questions() == [at(1)], "it catches up first")
        #expect(client.framesNow().isEmpty)
        answer(since: 1, [2, 3], head: 3)
        edge.receive(.moved(name, head: at(3)))
        edge.receive(.publication(name, publication(4)))
        _ = edge.endOfTurn()
        try expect(client, subscribedAt: 3, recovered: true)
        #expect(try client.next("message").position == "\(at(4))")
        #expect(questions().isEmpty)
    }

    @Test("who has more than was reported here is not answered by what was asked for others")
    func aheadOfOthers() throws {
        _ = try join(since: nil)
        edge.receive(.opened(name, head: at(5)))
        let other = try join(since: 3)
        let client = try join(since: 6)
        #expect(questions() == [at(3), at(6)])
        answer(since: 3, [4, 5], head: 5)
        try expect(other, subscribedAt: 3, recovered: true)
        #expect(client.framesNow().isEmpty)
        edge.receive(.publication(name, publication(6)))
        answer(since: 6, [], head: 6)
        try expect(client, subscribedAt: 6, recovered: true)
        #expect(questions().isEmpty, "asked once")
    }

    @Test("who waits in line when a pattern brings another channel waits for that, too")
    func broughtWhileInLine() throws {
        let pattern = ChannelName("p/*")!
        let member = ChannelName("p/a")!
        let client = try join(since: 5, in: pattern)
        edge.receive(.opened(pattern, head: at(9)))
        edge.receive(.found(member, by: pattern))
        edge.receive(.opened(member, head: at(20)))
        _ = edge.endOfTurn()
        #expect(client.framesNow().isEmpty)
        #expect(questions() == [at(5)])
        let missed = Publication(
            position: at(20),
            previous: at(4),
            payload: Payload(kind: .text, bytes: Array("x".utf8))
        )
        edge.receive(.recovered(member, HistoryPage(since: at(5), publications: [missed], head: at(20))))
        _ = edge.endOfTurn()
        let message = try client.next()
        #expect(message.type == "subscribed" && message.isRecovered == true)
        #expect(try client.next("message").position == "\(at(20))")
    }

    @Test(
        "who waits in line while a takeover sets a channel back is told what Redis still has of it, and of no gap there"
    )
    func setBackWhileInLine() throws {
        let pattern = ChannelName("p/*")!
        let (first, second) = (ChannelName("p/a")!, ChannelName("p/b")!)
        func publication(_ position: UInt64, behind previous: UInt64) -> Publication {
            Publication(position: at(position), previous: at(previous), payload: Payload(kind: .text, bytes: [120]))
        }
        let client = try join(since: 5, in: pattern)
        edge.receive(.opened(pattern, head: at(9)))
        for member in [first, second] {
            edge.receive(.found(member, by: pattern))
            edge.receive(.opened(member, head: at(20)))
        }
        _ = edge.endOfTurn()
        let missed = [publication(7, behind: 5), publication(20, behind: 7)]
        edge.receive(.recovered(first, HistoryPage(since: at(5), publications: missed, head: at(20))))
        // A replica that has not got 20 takes over, and more is published, before the other channel is read.
        edge.receive(.gap(first, from: at(20), to: at(7)))
        edge.receive(.publication(first, publication(30, behind: 7)))
        let other = [publication(20, behind: 4)]
        edge.receive(.recovered(second, HistoryPage(since: at(5), publications: other, head: at(20))))
        _ = edge.endOfTurn()
        let message = try client.next()
        #expect(message.type == "subscribed" && message.isRecovered == true)
        let told = try (0..<3).map { _ in try client.next() }
        #expect(told.map(\.type) == ["message", "message", "message"])
        #expect(told.map(\.position) == ["\(at(7))", "\(at(20))", "\(at(30))"])
        #expect(told.map(\.channel) == ["p/a", "p/b", "p/a"])
    }

    @Test("what is gone is remembered only once its client has heard of it")
    func unheardLoss() throws {
        var generator = SystemRandomNumberGenerator()
        let link = SessionLink(SessionID(using: &generator), saved: [SessionPosition(name, at(1))])
        edge.receive(.opened(name, head: at(9)))
        let client = try join(since: 1, link)
        edge.receive(.opened(name, head: at(9)))
        _ = commands()
        answer(since: 1, [8, 9], head: 9)
        try expect(client, subscribedAt: 7, recovered: false)
        let isSaved = commands().contains { if case .saveSession = $0 { true } else { false } }
        #expect(!isSaved && link.saved == [SessionPosition(name, at(1))])
    }

    @Test("what was read for a client that is gone is let go of when memory is short")
    func gone() throws {
        _ = try join(since: nil)
        edge.receive(.opened(name, head: at(2)))
        let client = try join(since: 1)
        let bytes = [UInt8](repeating: 120, count: edge.limits.heldOutputBytesMax + 1)
        let payload = Payload(kind: .text, bytes: bytes)
        let missed = Publication(position: at(2), previous: at(1), payload: payload)
        edge.receive(.recovered(name, HistoryPage(since: at(1), publications: [missed], head: at(2))))
        edge.close(Slot(number: 1))
        #expect(edge.hub.held.replayBytes == bytes.count, "it waits for its turn to be told")
        edge.relieveMemory()
        #expect(edge.hub.held.replayBytes == 0)
        withExtendedLifetime(client) {}
    }
}
